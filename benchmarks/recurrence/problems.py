"""The problems that the recurrence is timed on: sizes, type, pass, and random inputs."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.measuring.settings import TYPES
from benchmarks.work.sizes import GATES


@dataclass(frozen=True)
class Problem:
    """A sequence to compute; `backward`: with the gradients of projection, weight and state."""

    cell: str = "gru"
    batch: int = 1
    steps: int = 1
    grid: int = 4
    channels: int = 128
    type_name: str = "fp32"
    backward: bool = False
    kernel_size: int = 3

    @property
    def dtype(self) -> torch.dtype:
        return TYPES[self.type_name][0]

    @property
    def precision(self) -> str:
        return TYPES[self.type_name][1]

    @property
    def states(self) -> int:
        """The number of states: h for the GRU, h and s for the LSTM."""
        return 2 if self.cell == "lstm" else 1

    @property
    def shape(self) -> torch.Size:
        """The shape of a state."""
        return torch.Size((self.batch, *(self.grid,) * 3, self.channels))

    @property
    def weight_shape(self) -> torch.Size:
        return torch.Size((GATES, self.channels, self.channels, *(self.kernel_size,) * 3))

    def inputs(self, device: torch.device, seed: int = 0) -> list[Tensor]:
        """Random projection, weight (one for all seeds), state and, for the LSTM, cell; as `convrnn3d` takes them."""
        generator = torch.Generator().manual_seed(0)
        weight = torch.randn(self.weight_shape, generator=generator)
        generator.manual_seed(1 + seed)
        shapes = [(self.batch, self.steps, GATES, *self.shape[1:]), *[self.shape] * self.states]
        projection, *states = (torch.randn(shape, generator=generator) for shape in shapes)
        scaled = [projection, weight / (self.channels * self.kernel_size**3) ** 0.5, *states]
        return [tensor.to(device, self.dtype) for tensor in scaled]

    def split(self, tensors: list[Tensor]) -> tuple[list[Tensor], Tensor, list[Tensor]]:
        """Split what a contender prepares, or its gradients, into the projection's parts, weight and state(s)."""
        place = len(tensors) - 1 - self.states
        return tensors[:place], tensors[place], tensors[place + 1 :]
