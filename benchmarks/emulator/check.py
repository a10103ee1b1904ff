"""Both cells' training step with compiled kernels, executed by the emulator and compared with float64."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from convrnn3d import reference
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import choose, overlaps_unasked
from torch import Tensor

from benchmarks.emulator.launching import launcher
from benchmarks.machine_code.compiled import OPERANDS, STEPS
from benchmarks.machine_code.step import training_step

# Always allowed, besides twice PyTorch's distance, as a share of the largest value: PyTorch on a CPU has no tf32, and
# sums float32 in other orders.
ALLOWED = {"half": 0.0, "tf32": 2**-9, "ieee": 2**-19}


@dataclass(frozen=True)
class Distance:
    """The distance of a result from float64, as a share of its largest value, and that of PyTorch's in its type."""

    what: str
    ours: float
    theirs: float
    allowed: float

    @property
    def right(self) -> bool:
        return self.ours <= max(2 * self.theirs, self.allowed)


@dataclass(frozen=True)
class Problem:
    """A cell and sizes, with the launches that an architecture's table has for `bracket` samples.

    It starts with a first state, or from zeros.
    """

    cell: str
    kind: str
    architecture: str
    bracket: int
    batch: int = 2
    steps: int = 2
    grid: tuple[int, int, int] = (4, 4, 4)
    channels: int = 128
    from_zeros: bool = False

    @property
    def states(self) -> int:
        """The number of states: h for the GRU, h and s for the LSTM."""
        return 1 if self.cell == "gru" else 2

    def chosen_by(self, kernel: str) -> int:
        """The batch size by which a launch for `bracket` samples is chosen; the weight gradient counts STEPS steps."""
        return self.bracket * STEPS if kernel == "weight_gradient" else self.bracket

    @property
    def shut(self) -> tuple[Any, ...]:
        """The part of the projection where a gate is nearly shut: u or i, in half of the channels."""
        return slice(None), slice(None), self.states - 1, ..., slice(self.channels // 2, None)

    def inputs(self) -> tuple[Tensor, ...]:
        """The projection, the weight, the states if they are given, and the gradients by all outputs."""
        shape, generator = (self.batch, *self.grid, self.channels), torch.Generator().manual_seed(0)

        def random(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator).to(OPERANDS[self.kind])

        weight = random(3, self.channels, self.channels, 3, 3, 3) / (27 * self.channels) ** 0.5
        states = [random(*shape) for _ in range(0 if self.from_zeros else self.states)]
        projection, d_states = random(self.batch, self.steps, 3, *shape[1:]), random(self.batch, self.steps, *shape[1:])
        projection[self.shut] -= 9
        return projection, weight, *states, d_states, *(random(*shape) for _ in range(self.states))

    def mask(self) -> Tensor:
        """(B, T): the last sample lacks the last step."""
        mask = torch.ones(self.batch, self.steps, dtype=torch.bool)
        mask[-1, -1] = False
        return mask


def by_pytorch(problem: Problem, dtype: torch.dtype) -> list[Tensor]:
    """PyTorch's states, last states, and gradients by projection, weight and first states, in a type."""
    call = reference.conv_gru if problem.cell == "gru" else reference.conv_lstm
    count = 2 if problem.from_zeros else 2 + problem.states
    given = [tensor.to(dtype) for tensor in problem.inputs()]
    leaves = [tensor.requires_grad_() for tensor in given[:count]]
    states = [torch.zeros_like(leaves[0][:, 0, 0])] * problem.states if problem.from_zeros else leaves[2:]
    first = states[0] if problem.cell == "gru" else tuple(states)
    states, last = call(leaves[0], leaves[1], first, problem.mask())
    outputs = [states, last] if problem.cell == "gru" else [states, *last]
    return [*outputs, *torch.autograd.grad(outputs, leaves, given[count:])]


def by_kernels(problem: Problem, launch: Callable[..., None]) -> list[Tensor]:
    """The same results from the kernels."""
    projection, weight, *others = problem.inputs()
    sequence = Sequence.of(projection, weight, projection.dtype, "tf32" if problem.kind == "tf32" else "ieee")
    sequence = replace(
        sequence, launch=launch, architecture=problem.architecture,
        dependent=overlaps_unasked(problem.architecture, problem.bracket),
        choose=lambda kernel, kind, batch, *rest: choose(kernel, kind, problem.chosen_by(kernel), *rest),
    )  # fmt: skip
    count = 0 if problem.from_zeros else problem.states
    state, upstream, mask = others[:count], others[count:], problem.mask().view(torch.uint8)
    return training_step(problem.cell, sequence, projection, weight, state, mask, upstream)


def distances(problem: Problem, told: Callable[[str, int, int], None]) -> Iterator[Distance]:
    """The distance of every result of a problem. Raises MemoryFaultError for an access that no program may make."""
    firsts = ["h"] if problem.cell == "gru" else ["h", "s"]
    names = ["states", *(f"last {name}" for name in firsts), "d projection", "d weight"]
    names += [] if problem.from_zeros else [f"d {name}" for name in firsts]
    found = by_kernels(problem, launcher(problem.architecture, told))
    exact, theirs = by_pytorch(problem, torch.float64), by_pytorch(problem, OPERANDS[problem.kind])
    place = names.index("d projection")
    names.append("of shut gates")
    for results in (found, exact, theirs):
        results.append(results[place][problem.shut])
    for name, one, other, right in zip(names, found, theirs, exact, strict=True):
        largest = right.abs().max().item()
        ours, own = (((tensor.double() - right).abs().max().item()) / largest for tensor in (one, other))
        yield Distance(name, ours, own, ALLOWED[problem.kind])
