"""The memory layouts of a contender's tensors: grids of some gates or of a state, and the weight, for its convolution.

    Channels   (B, g C, X, Y, Z), contiguous or, with channels innermost, channels_last_3d; weight (3 C, C, K, K, K)
    Rows       (B, X, Y, Z, g C), rows of a matrix; weight (K K K C, 3 C)
    Planes     (B, g Z C, X, Y) in channels_last, z folded into the channels; weight (3 Z C, Z C, K, K), zeros between
               voxels whose z no tap connects

Everything is converted from and back to convrnn3d's own shapes: (B, g, X, Y, Z, C) for a grid of g gates and
(3, C, C, K, K, K) for the weight. `weight_back` is for gradients: it sums over the places that a weight is copied to.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Layout(Protocol):
    """axis and weight_axis: along which gates follow each other, each with all of its channels."""

    axis: int
    weight_axis: int

    def grid(self, tensor: Tensor) -> Tensor: ...

    def back(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        """shape (B, X, Y, Z, C)."""
        ...

    def weight(self, tensor: Tensor, z: int) -> Tensor: ...

    def weight_back(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        """shape (3, C, C, K, K, K)."""
        ...


@dataclass(frozen=True)
class Channels:
    memory_format: torch.memory_format
    axis: int = 1
    weight_axis: int = 0

    def grid(self, tensor: Tensor) -> Tensor:
        return tensor.movedim(-1, 2).flatten(1, 2).contiguous(memory_format=self.memory_format)

    def back(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        return tensor.unflatten(1, (-1, shape[-1])).movedim(2, -1)

    def weight(self, tensor: Tensor, z: int) -> Tensor:
        return tensor.flatten(0, 1).contiguous(memory_format=self.memory_format)

    def weight_back(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        return tensor.reshape(shape)


@dataclass(frozen=True)
class Rows:
    axis: int = -1
    weight_axis: int = 1

    def grid(self, tensor: Tensor) -> Tensor:
        return tensor.movedim(1, -2).flatten(-2).contiguous()

    def back(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        return tensor.unflatten(-1, (-1, shape[-1])).movedim(-2, 1)

    def weight(self, tensor: Tensor, z: int) -> Tensor:
        return tensor.permute(3, 4, 5, 2, 0, 1).flatten(4).flatten(0, 3).contiguous()

    def weight_back(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        gates, outputs, inputs, *taps = shape
        return tensor.reshape(*taps, inputs, gates, outputs).permute(4, 5, 3, 0, 1, 2)


@dataclass(frozen=True)
class Planes:
    axis: int = 1
    weight_axis: int = 0

    def grid(self, tensor: Tensor) -> Tensor:
        folded = tensor.permute(0, 2, 3, 1, 4, 5).flatten(3)  # (B, X, Y, g Z C)
        return folded.contiguous().movedim(-1, 1)

    def back(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        return tensor.movedim(1, -1).unflatten(-1, (-1, *shape[-2:])).movedim(3, 1)

    def weight(self, tensor: Tensor, z: int) -> Tensor:
        gates, outputs, inputs, *taps = tensor.shape
        folded = tensor.new_zeros(gates, z, outputs, z, inputs, *taps[:2])
        for to, source, tap in _reached(z, taps[2]):
            folded[:, to, :, source] = tensor[..., tap]
        return folded.flatten(3, 4).flatten(0, 2).contiguous(memory_format=torch.channels_last)

    def weight_back(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        gates, outputs, inputs, *taps = shape
        z = tensor.shape[1] // inputs
        folded = tensor.reshape(gates, z, outputs, z, inputs, *taps[:2])
        found = tensor.new_zeros(shape)
        for to, source, tap in _reached(z, taps[2]):
            found[..., tap] += folded[:, to, :, source]
        return found


def _reached(z: int, side: int) -> list[tuple[int, int, int]]:
    """Triples along z: a voxel, a voxel that it reads, and the tap."""
    every = ((to, to + tap - side // 2, tap) for to in range(z) for tap in range(side))
    return [(to, source, tap) for to, source, tap in every if 0 <= source < z]
