"""The products of `manual`'s recurrences in plain PyTorch: for any type, on any device.

With W of a run of gates, h, and da of the same gates (kernels/DERIVATION.md):

    conv                W * h                          (B, X, Y, Z, C) to (B, n, X, Y, Z, C)
    conv_transposed     W^T * da, summed over gates    (B, n, X, Y, Z, C) to (B, X, Y, Z, C)
    weight_gradient     dW, summed over steps          (B, T, X, Y, Z, C), (B, T, n, X, Y, Z, C) to (n, C, C, K, K, K)
"""

from typing import Protocol

from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv3d_weight

from convrnn3d import reference


class Products(Protocol):
    """What `manual` multiplies with. gates: which of the three gates a product is for."""

    def conv(self, grid: Tensor, gates: slice) -> Tensor: ...

    def conv_transposed(self, da: Tensor, gates: slice) -> Tensor: ...

    def weight_gradient(self, sources: Tensor, da: Tensor) -> Tensor: ...


class Plain:
    """Products with a weight (3, C, C, K, K, K) by PyTorch's own convolutions."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def conv(self, grid: Tensor, gates: slice) -> Tensor:
        return by_gate(reference.conv(grid, self.weight[gates]), grid.shape[-1])

    def conv_transposed(self, da: Tensor, gates: slice) -> Tensor:
        return conv_transposed(side_by_side(da), self.weight[gates])

    def weight_gradient(self, sources: Tensor, da: Tensor) -> Tensor:
        return weight_gradient(sources, da, self.weight)


def by_gate(a: Tensor, channels: int) -> Tensor:
    """(B, X, Y, Z, n C) as (B, n, X, Y, Z, C)."""
    return a.unflatten(-1, (-1, channels)).movedim(-2, 1)


def side_by_side(da: Tensor) -> Tensor:
    """(B, n, X, Y, Z, C) as (B, X, Y, Z, n C)."""
    return da.movedim(1, -2).flatten(-2)


def conv_transposed(da: Tensor, weight: Tensor) -> Tensor:
    """W^T * da: (B, X, Y, Z, n C) with weight (n, C, C, K, K, K) to (B, X, Y, Z, C)."""
    channels_first, padding = da.movedim(-1, 1).contiguous(), weight.shape[-1] // 2
    return F.conv_transpose3d(channels_first, weight.flatten(0, 1), padding=padding).movedim(1, -1)


def weight_gradient(sources: Tensor, da: Tensor, weight: Tensor) -> Tensor:
    """dW (n, C, C, K, K, K) from what was convolved (B, T, X, Y, Z, C) and da (B, T, n, X, Y, Z, C), over all steps."""
    inputs = sources.flatten(0, 1).movedim(-1, 1).contiguous()  # (B T, C, X, Y, Z)
    outputs = da.movedim(-1, 3).flatten(2, 3).flatten(0, 1)  # (B T, n C, X, Y, Z)
    channels, size = weight.shape[1], weight.shape[-1]
    shape = (outputs.shape[1], channels, size, size, size)
    return conv3d_weight(inputs, shape, outputs, padding=size // 2).unflatten(0, (-1, channels))
