"""Where a call's time on the host goes: everything Python does around the launches, timed on a CPU.

    python -m benchmarks.host [--cells gru,lstm] [--batch 1] [--steps 1] [--rounds 1000]

No GPU is needed and nothing is computed: kernels are compiled to a stand-in, of Triton's own class, whose launch does
nothing. This excludes the driver: its launch, its allocator, the look-up of device and stream. The parts of a call are

    launching    `launcher.launch`, of all launches, and of each
    recurrence   the rest of `forward` or `backward` of `gru_steps` or `lstm_steps`: tiles, Slots, empty tensors
    the rest     checks, PyTorch's dispatcher, autograd

in microseconds of this thread's processor time: the tenth percentile of a thousand rounds, since other load on the
machine only adds time. The backward pass begins with given gradients (torch.autograd.grad). A function that does
nothing, with as many tensors, shows PyTorch's own part of the overhead.
"""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import convrnn3d
import torch
import triton
from convrnn3d import gru_steps, lstm_steps
from convrnn3d.launcher import launch
from convrnn3d.sequence import Sequence
from torch import Tensor
from triton.compiler import CompiledKernel

from benchmarks.measuring.options import CELLS, command, names, whole
from benchmarks.recurrence.problems import Problem

CALLS = 5  # in a round
MODULES = {"gru": gru_steps, "lstm": lstm_steps}
COLUMNS = ("launches", "call", "launching", "each", "recurrence", "the rest")


class StandIn(CompiledKernel):
    """A compiled kernel whose launch does nothing."""

    def __init__(self, source: Any, options: dict[str, Any]) -> None:
        self.src, self.name, self.metadata = source, source.fn.__name__, None
        self.module = self.function = self.packed_metadata = None
        self._run = lambda *arguments: None

    def _init_handles(self) -> None:
        """Nothing to load."""

    def __del__(self) -> None:
        """Nothing to unload."""


@contextlib.contextmanager
def without_a_gpu() -> Iterator[None]:
    """Let kernels take CPU tensors and do nothing."""
    driver = SimpleNamespace(get_current_device=lambda: 0, get_current_stream=lambda device: 0)
    with (
        mock.patch("triton.compile", StandIn),
        mock.patch.dict("convrnn3d.backend.HINDRANCES", triton=lambda *tensors: None),
        mock.patch.object(triton.runtime.driver, "_active", driver),
    ):
        yield


class Nothing(torch.autograd.Function):
    """A function with as many tensors as a recurrence, in, out and backward, that does no work."""

    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.save_for_backward(*inputs)
        return tuple(tensor.detach() for tensor in inputs[1:])

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, ...]:
        return tuple(tensor.detach() for tensor in ctx.saved_tensors)


def microseconds(functions: list[Callable[[], Any]], rounds: int) -> list[float]:
    """Microseconds of a call of each function; the functions take turns."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for function, taken in zip(functions, times, strict=True):
            start = time.thread_time_ns()
            for _ in range(CALLS):
                function()
            taken.append((time.thread_time_ns() - start) / CALLS / 1000)
    return [statistics.quantiles(taken, n=10)[0] for taken in times]


class Recurrence:
    """A call on random inputs, and its inner parts."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.module = problem, MODULES[problem.cell]
        self.projection, self.weight, *self.states = self.inputs = problem.inputs(torch.device("cpu"))
        self.state = self.states[0] if problem.cell == "gru" else tuple(self.states)
        self.sequence = Sequence.of(self.projection, self.weight, problem.dtype, problem.precision)
        self.outputs = 1 + len(self.states)
        self.results = self.forward(self.sequence, save=True)

    def call(self) -> tuple[Tensor, ...]:
        """Call the public function."""
        function = getattr(convrnn3d, f"conv_{self.problem.cell}")
        how = {"backend": "triton", "precision": self.problem.precision}
        states, last = function(self.projection, self.weight, self.state, **how)
        return (states, last) if isinstance(last, Tensor) else (states, *last)

    @torch.no_grad()
    def forward(self, sequence: Sequence, save: bool) -> tuple[Tensor, ...]:
        return self.module.forward(
            sequence, self.projection, self.weight, self.state, None, self.problem.dtype, save, save
        )

    @torch.no_grad()
    def backward(self, sequence: Sequence) -> None:
        outputs, (*grids, gates, packed) = self.results[: self.outputs], self.results[self.outputs :]
        carried = [] if self.problem.cell == "lstm" else [None, None]  # the sources are the states
        kept = None, *grids, *carried, gates
        self.module.backward(
            sequence, *outputs, self.weight, packed, *kept, self.problem.dtype, False, True, True, True
        )

    def row(self, whole: Callable[[], Any], within: Callable[[Sequence], Any], rounds: int) -> list[float]:
        """The values of COLUMNS for a call, `whole`, and the recurrence in it, `within`."""
        launched: list[tuple] = []
        whole()
        within(replace(self.sequence, launch=lambda *what: launched.append(what)))
        idle = replace(self.sequence, launch=lambda *what: None)
        functions = [whole, lambda: [launch(*what) for what in launched], lambda: within(idle)]
        call, launching, recurrence = microseconds(functions, rounds)
        count = len(launched)
        return [count, call, launching, launching / count, recurrence, call - launching - recurrence]


def rows(problem: Problem, rounds: int) -> Iterator[tuple[str, list[float]]]:
    """The rows of a problem: forward with a frozen weight, forward with one that is trained, and backward."""
    recurrence = Recurrence(problem)
    inputs, upstream = recurrence.inputs, recurrence.results[: recurrence.outputs]
    yield "forward, frozen", recurrence.row(recurrence.call, lambda how: recurrence.forward(how, False), rounds)
    for tensor in inputs:
        tensor.requires_grad_()
    outputs, nothing = recurrence.call(), Nothing.apply(*inputs)
    yield "forward", recurrence.row(recurrence.call, lambda how: recurrence.forward(how, True), rounds)

    def back(results: tuple[Tensor, ...], gradients: tuple[Tensor, ...]) -> Callable[[], Any]:
        return lambda: torch.autograd.grad(results, inputs, gradients, retain_graph=True)

    yield "backward", recurrence.row(back(outputs, upstream), recurrence.backward, rounds)
    functions = [lambda: Nothing.apply(*inputs), back(nothing, tuple(tensor.detach() for tensor in nothing))]
    for name, time_of in zip(("forward", "backward"), microseconds(functions, rounds), strict=True):
        yield f"nothing, {name}", [0, time_of]


def main() -> None:
    parser = command("host", __doc__)
    parser.add_argument("--cells", type=names(CELLS), default="gru,lstm", help="comma-separated")
    parser.add_argument("--batch", type=whole(), default=1)
    parser.add_argument("--steps", type=whole(), default=1)
    parser.add_argument("--rounds", type=whole(2), default=1000)
    options = parser.parse_args()
    print(" " * 23 + "".join(f"{column:>12}" for column in COLUMNS))
    with without_a_gpu():
        for cell in options.cells:
            problem = Problem(cell, options.batch, options.steps, type_name="bf16")
            for name, (count, *times) in rows(problem, options.rounds):
                print(f"{cell + ' ' + name:23}{count:12}" + "".join(f"{time:12.1f}" for time in times))


if __name__ == "__main__":
    main()
