"""Layers that depend on the whole batch although each process holds only a part of it: norms and dropout.

Batch normalisation takes its statistics over all processes,

    mean = 1/n sum_processes sum x        var = 1/n sum_processes sum (x - mean)^2        n: all values of a channel

with two exchanges per layer, through which gradients flow back: two processes compute the same as one with the whole
batch. PyTorch's SyncBatchNorm works only on GPUs. If a batch is computed in several pieces, each piece has its own
statistics. Dropout multiplies by the rows of a mask that is drawn for the whole batch, so that the same values are
dropped whichever process holds a sample, in whichever piece.
"""

import torch
from torch import Tensor, distributed, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx


class _Sum(Function):
    """The sum over all processes; its gradient is the sum of the gradients of all processes."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        x = x.clone()
        distributed.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous().clone()
        distributed.all_reduce(gradient)
        return gradient


class SynchronizedBatchNorm3d(nn.BatchNorm3d):
    """BatchNorm3d with statistics over the batches of all processes, which have equal sizes."""

    # Never None here: every norm tracks its statistics.
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, x: Tensor) -> Tensor:  # (B, C, X, Y, Z)
        if not self.training:
            return super().forward(x)
        values = x if x.dtype == torch.float64 else x.float()
        axes = (0, 2, 3, 4)
        count = values.numel() // values.shape[1] * distributed.get_world_size()
        mean = _Sum.apply(values.sum(axes)) / count  # (C,)
        centred = values - mean[:, None, None, None]
        variance = _Sum.apply(centred.square().sum(axes)) / count  # (C,)
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / max(count - 1, 1), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None, None] + self.bias[:, None, None, None]).to(x.dtype)


def synchronize_norms(model: nn.Module) -> None:
    """Make every BatchNorm3d in `model` a SynchronizedBatchNorm3d, with the same parameters, buffers and names."""
    for layer in model.modules():
        if type(layer) is nn.BatchNorm3d:
            layer.__class__ = SynchronizedBatchNorm3d


class MaskedDropout(nn.Dropout):
    """Multiplies rows (N, F) by those of `mask`, which is set before each pass; has no effect outside training.

    p: the share of values that is dropped; the others are divided by 1 - p, as in nn.Dropout.
    """

    mask: Tensor | None = None

    def draw(self, rows: int, features: int, generator: torch.Generator) -> Tensor:
        """Draw a mask (rows, F) of values 0 or 1 / (1 - p) for a whole batch, on the generator's device."""
        drawn = torch.rand(rows, features, generator=generator, device=generator.device)
        return (drawn >= self.p).float() / (1 - self.p)

    def forward(self, x: Tensor) -> Tensor:  # (N, F)
        return x * self.mask.to(x.dtype) if self.training and self.mask is not None else x
