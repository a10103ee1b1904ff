"""The network as a module-by-module port of the 2016 program would be: what R2N2 is timed against.

Each view goes through the encoder in its own step; each gate has its own matrix product and its own convolution, step
by step; the decoder convolves the zeros that unpooling inserts. It has the same weights and gives the same numbers, in
PyTorch's default layouts.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from r2n2.network import R2N2
from r2n2.network.layers import UnpoolConv3d, UnpoolPointwise3d, unpool

RECURRENCE = ("recurrence.projection.weight", "recurrence.bias", "recurrence.weight")


class WithZeros(nn.Conv3d):
    """Unpooling, then a convolution of the result, zeros included."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(unpool(x))


def plain(layer: nn.Conv3d) -> nn.Conv3d:
    """PyTorch's own layer with a copy of the weights of `layer`, preceded by unpooling if `layer` unpools."""
    kind = WithZeros if isinstance(layer, UnpoolConv3d | UnpoolPointwise3d) else nn.Conv3d
    copied = kind(layer.in_channels, layer.out_channels, layer.kernel_size, padding=layer.padding).to(layer.weight)
    copied.load_state_dict(layer.state_dict())
    return copied


class Port(nn.Module):
    """A port of `model`, with a copy of its weights."""

    def __init__(self, model: R2N2) -> None:
        super().__init__()
        self.config = model.config
        self.encoder = copy.deepcopy(model.encoder).to(memory_format=torch.contiguous_format)
        self.decoder = copy.deepcopy(model.decoder).to(memory_format=torch.contiguous_format)
        for module in list(self.decoder.modules()):
            for name, layer in list(module.named_children()):
                if isinstance(layer, nn.Conv3d):
                    setattr(module, name, plain(layer))
        recurrence = model.recurrence
        self.grid, self.channels = recurrence.grid, recurrence.channels
        matrices = recurrence.projection.weight.detach().unflatten(0, (3, -1, self.channels))  # (3, X Y Z, C, F)
        self.projections = nn.ParameterList(part.transpose(0, 1).flatten(0, 1).clone() for part in matrices)
        self.biases = nn.ParameterList(bias.clone() for bias in recurrence.bias.detach())
        self.kernels = nn.ParameterList(kernel.clone() for kernel in recurrence.weight.detach())

    def forward(self, views: Tensor) -> Tensor:
        """Views (B, T, 3, 127, 127) to logits (B, 2, 32, 32, 32)."""
        h = views.new_zeros(views.shape[0], self.channels, *self.grid)
        s = torch.zeros_like(h)
        for view in views.unbind(1):
            features = self.encoder(view)
            if self.config.recurrence == "gru":
                u, r = torch.sigmoid(self.gate(0, features, h)), torch.sigmoid(self.gate(1, features, h))
                h = u * h + (1 - u) * torch.tanh(self.gate(2, features, r * h))
            else:
                f, i = torch.sigmoid(self.gate(0, features, h)), torch.sigmoid(self.gate(1, features, h))
                s = f * s + i * torch.tanh(self.gate(2, features, h))
                h = torch.tanh(s)
        return self.decoder(h.movedim(1, -1))

    def gate(self, number: int, features: Tensor, grid: Tensor) -> Tensor:
        """The pre-activation of a gate: (B, C, X, Y, Z)."""
        projected = F.linear(features, self.projections[number]).unflatten(1, (self.channels, *self.grid))
        kernel = self.kernels[number]
        return projected + F.conv3d(grid, kernel, self.biases[number], padding=kernel.shape[-1] // 2)

    def gradients(self) -> dict[str, Tensor]:
        """The parameters' gradients under R2N2's names and in its shapes."""
        found = {name: p.grad for name, p in self.named_parameters() if name.startswith(("encoder", "decoder"))}
        parts = [part.grad.unflatten(0, (self.channels, -1)).transpose(0, 1) for part in self.projections]
        stacked = [torch.stack(parts).flatten(0, 2)]  # (3, X Y Z, C, F) to (3 X Y Z C, F)
        stacked += [torch.stack([part.grad for part in own]) for own in (self.biases, self.kernels)]
        return found | dict(zip(RECURRENCE, stacked, strict=True))
