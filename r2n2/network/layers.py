"""Layers shared by the encoder and the decoder, and the initialisation of 2016."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CLASSES = 2  # empty, occupied
LEAK = 0.01  # slope of LeakyReLU for negative values
BIAS = 0.1  # initial value of every bias
SMALL = 20480  # up to this many values per sample, last axis aside, PyTorch does not use oneDNN for one float32 sample


def activate(x: Tensor) -> Tensor:
    return F.leaky_relu(x, LEAK)


def unpool(x: Tensor) -> Tensor:
    """Insert zeros: (B, C, X, Y, Z) to (B, C, 2X, 2Y, 2Z) with the values at the even positions."""
    batch, channels, *grid = x.shape
    out = x.new_zeros(batch, channels, *(2 * side for side in grid))
    out[:, :, ::2, ::2, ::2] = x
    return out


class Conv3d(nn.Conv3d):
    """A 3x3x3 convolution that is also fast for one small sample on a CPU.

    PyTorch does not use oneDNN for a single small float32 sample, and its own convolution is far slower. It does use
    oneDNN for two samples, so a small one is passed twice. `pytest benchmarks/test_decoder.py` measures the gain.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, X, Y, Z) -> (B, O, X, Y, Z)
        if x.shape[0] == 1 and x.device.type == "cpu" and x.dtype == torch.float32 and x[..., 0].numel() <= SMALL:
            return super().forward(x.expand(2, -1, -1, -1, -1))[:1]
        return super().forward(x)


class UnpoolConv3d(nn.Conv3d):
    """A 3x3x3 convolution of the unpooled grid, computed without the zeros.

    Seven of eight unpooled voxels are zeros; the transposed convolution with the flipped kernel visits only the
    others and computes the same sum.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, X, Y, Z) -> (B, O, 2X, 2Y, 2Z)
        kernel = self.weight.transpose(0, 1).flip(2, 3, 4)
        return F.conv_transpose3d(x, kernel, self.bias, stride=2, padding=1, output_padding=1)


class UnpoolPointwise3d(nn.Conv3d):
    """A 1x1x1 convolution of the unpooled grid: its bias everywhere, its product at the even positions."""

    bias: Tensor

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, X, Y, Z) -> (B, O, 2X, 2Y, 2Z)
        return unpool(F.conv3d(x, self.weight)) + self.bias[:, None, None, None]


@torch.no_grad()
def initialize(module: nn.Module) -> None:
    """Initialise every convolution and matrix in `module` with MSRA normal weights and biases of 0.1, as in 2016."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear):
            fan_in = layer.weight[0].numel()
            layer.weight.normal_(0, (2 / fan_in) ** 0.5)
            if layer.bias is not None:
                layer.bias.fill_(BIAS)
