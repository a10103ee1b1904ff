"""Where a call's time on the host goes: all that Python does around the launches, timed on a CPU.

    python -m benchmarks.host [--cells gru,lstm] [--batch 1] [--steps 1] [--rounds 300]

No GPU is needed and nothing is computed: kernels are compiled to a stand-in, of Triton's own class, whose launch does
nothing. What is left out is the driver: its launch, its allocator, the look-up of device and stream. Of a call,

    launches     launcher.launch, of all launches together and of one
    recurrence   `forward` and `backward` of `gru` and `lstm` but for that: sizes, tiles, Slots, empty tensors
    the rest     checks, PyTorch's dispatcher, autograd

in microseconds of this thread's processor time, the tenth percentile of rounds. Weights are trained unless the line
says frozen.
"""

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import convrnn3d
import torch
import triton
from convrnn3d import gru, lstm
from convrnn3d.launcher import launch
from convrnn3d.sequence import Sequence
from torch import Tensor
from triton.compiler import CompiledKernel

from benchmarks.problems import Problem

CALLS = 5  # in a round
CHANNELS = 128
MODULES = {"gru": gru, "lstm": lstm}
Launched = tuple[Any, int, tuple, dict, dict]  # kernel, blocks, arguments, constants, options


class StandIn(CompiledKernel):
    """A compiled kernel whose launch does nothing."""

    def __init__(self, source: Any, options: Any = None) -> None:
        self.src, self.name, self.metadata = source, source.fn.__name__, None
        self.module = self.function = self.packed_metadata = None
        self._run = lambda *arguments: None

    def _init_handles(self) -> None:
        pass

    def __del__(self) -> None:
        pass


@contextlib.contextmanager
def without_a_gpu() -> Iterator[None]:
    """Kernels run on CPU tensors, and do nothing."""
    driver = SimpleNamespace(get_current_device=lambda: 0, get_current_stream=lambda device: 0)
    with (
        mock.patch("triton.compile", StandIn),
        mock.patch("torch.cuda.current_device", driver.get_current_device),
        mock.patch("convrnn3d.backend._hindrance", lambda tensor: None),
        mock.patch.object(triton.runtime.driver, "_active", driver),
    ):
        yield


@dataclass(frozen=True)
class Parts:
    """Microseconds of a call: in all, of its launches, and of the recurrence without them."""

    name: str
    launches: int
    call: float
    launching: float
    recurrence: float

    @property
    def rest(self) -> float:
        return self.call - self.launching - self.recurrence


def microseconds(functions: list[Callable[[], Any]], rounds: int) -> list[float]:
    """Of a call of each: the tenth percentile of rounds in which they take turns, as other processes only add."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for function, taken in zip(functions, times, strict=True):
            start = time.thread_time_ns()
            for _ in range(CALLS):
                function()
            taken.append((time.thread_time_ns() - start) / CALLS / 1000)
    return [statistics.quantiles(taken, n=10)[0] for taken in times]


def parts(problem: Problem, rounds: int) -> list[Parts]:
    """Of a forward call with a frozen weight, of one with a trained one, and of the backward pass."""
    projection, weight, *states = problem.inputs(torch.device("cpu"))
    function, module = getattr(convrnn3d, f"conv_{problem.cell}"), MODULES[problem.cell]
    state = states[0] if problem.cell == "gru" else tuple(states)
    sequence = Sequence.of(projection, weight, problem.dtype, problem.precision)
    dtype, results = problem.dtype, []

    def call() -> tuple[Tensor, ...]:
        outputs, last = function(projection, weight, state, backend="triton", precision=problem.precision)
        return (outputs, last) if problem.cell == "gru" else (outputs, *last)

    def forward(sequence: Sequence, save: bool) -> tuple:
        return module.forward(sequence, projection.detach(), weight, state, None, dtype, save, save)

    def add(name: str, whole: Callable, inner: Callable) -> None:
        launched: list[Launched] = []
        whole()
        inner(replace(sequence, launch=lambda *how: launched.append(how)))
        idle = replace(sequence, launch=lambda *how: None)
        functions = [whole, lambda: [launch(*how) for how in launched], lambda: inner(idle)]
        results.append(Parts(name, len(launched), *microseconds(functions, rounds)))

    with torch.no_grad():
        add("forward, frozen", call, lambda sequence: forward(sequence, False))
    inputs = [tensor.requires_grad_() for tensor in (projection, weight, *states)]
    with torch.no_grad():
        outputs, kept = split(problem.cell, forward(sequence, True))
    packed, grids = kept.pop(), [*kept[:-1], *([None, None] if problem.cell == "gru" else [])]

    def backward(sequence: Sequence) -> None:
        how = None, *grids, kept[-1], dtype, False, True, True
        with torch.no_grad():
            module.backward(sequence, *outputs, weight, packed, *how)

    def forward_saving(sequence: Sequence) -> None:
        with torch.no_grad():
            forward(sequence, True)

    add("forward", call, forward_saving)
    outputs_of_call = call()
    add("backward", lambda: torch.autograd.grad(outputs_of_call, inputs, outputs, retain_graph=True), backward)
    return results


def split(cell: str, results: tuple) -> tuple[tuple, list]:
    """What a forward pass returns: outputs, and what it keeps."""
    count = {"gru": 2, "lstm": 3}[cell]
    return results[:count], list(results[count:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", default="gru,lstm")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1000)
    options = parser.parse_args()
    headings = "launches", "call", "launching", "each", "recurrence", "the rest"
    print(" " * 22 + "".join(f"{heading:>12}" for heading in headings))
    with without_a_gpu():
        for cell in options.cells.split(","):
            problem = Problem(cell, options.batch, options.steps, channels=CHANNELS, type_name="bf16")
            for part in parts(problem, options.rounds):
                each = part.launching / part.launches
                times = part.call, part.launching, each, part.recurrence, part.rest
                numbers = "".join(f"{time:12.1f}" for time in times)
                print(f"{cell + ' ' + part.name:22}{part.launches:12}{numbers}")


if __name__ == "__main__":
    main()
