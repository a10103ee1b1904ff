"""One comparison: contenders take turns on the same inputs, with their peak memory; also replayed from CUDA graphs.

A contender is a function of the number of an input set. A timed run goes through all sets and is divided by their
number. On a CPU it takes one set, another one each time; cold runs take the first set, after the cache has been
flushed. Inputs that fill a cache by themselves need no rotation, so they have one set.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.measuring.memory import peak_mib
from benchmarks.measuring.peaks import Peaks
from benchmarks.measuring.results import Row, name_of
from benchmarks.measuring.timing import Graph, Timing, TurnError, interleaved

SETS = 3
LARGE = 256 << 20  # bytes: more than any L2 cache holds
Name = tuple[str, bool]  # a contender's name, and whether it is replayed from a graph


class Witness:
    """Receives which contender runs where compilers and devices may fail, and which contender is excluded."""

    def begins(self, contender: str) -> None:
        """Called before a contender runs, and with "" once all of them take turns. Prints nothing."""

    def left_out(self, contender: str, error: Exception) -> None:
        print(f"{contender} failed and is excluded: {type(error).__name__}, {first_line(error)}")


PRINTER = Witness()


@dataclass(frozen=True)
class Measured:
    """A contender's times on one input set, and the MiB that it allocates beyond its inputs, run without a graph."""

    timing: Timing
    peak_mib: float


def side_by_side(
    runs: dict[str, Callable[[int], object]],
    sets: int,
    device: torch.device,
    seconds: float,
    cold: bool = False,
    witness: Witness = PRINTER,
) -> dict[Name, Measured]:
    """Measure `runs` on `sets` input sets for about `seconds`; on a GPU, each both as it is and as a graph.

    Contenders that fail are reported and excluded.
    """
    on_gpu = device.type == "cuda"
    at_once = 1 if cold or not on_gpu else sets
    functions: dict[Name, Callable[[], object]] = {}
    memory: dict[Name, float] = {}
    for name, run in runs.items():
        whole = _over_sets(run, at_once) if on_gpu else _another_set_each_time(run, sets)
        for graph in (False, True) if on_gpu else (False,):
            witness.begins(name)
            try:
                if not graph:
                    whole()
                    memory[name, False] = memory[name, True] = peak_mib(lambda run=run: run(0), device)
                functions[name, graph] = Graph(whole) if graph else whole
            except Exception as error:  # compilers, captures and full devices raise anything
                leave_out(name_of(name, graph), error, device, witness)
                if not graph:
                    break
    witness.begins("")
    timings: dict[Name, Timing] = {}
    while functions and not timings:
        try:
            timings = interleaved(functions, device, seconds, cold)
        except TurnError as failed:  # time the others again: all of them must take every turn
            name, graph = failed.name
            del functions[name, graph]
            leave_out(name_of(name, graph), failed.error, device, witness)
    return {
        name: Measured(Timing(tuple(microseconds / at_once for microseconds in timing.rounds)), memory[name])
        for name, timing in timings.items()
    }


def leave_out(contender: str, error: Exception, device: torch.device, witness: Witness) -> None:
    """Continue without a contender. Raises if the device itself has failed, since nothing more can be timed then."""
    witness.left_out(contender, error)
    if device.type == "cuda":
        torch.cuda.synchronize()


def _over_sets(run: Callable[[int], object], sets: int) -> Callable[[], list[object]]:
    return lambda: [run(number) for number in range(sets)]


def _another_set_each_time(run: Callable[[int], object], sets: int) -> Callable[[], object]:
    numbers = itertools.cycle(range(sets))
    return lambda: run(next(numbers))


def rows_of(
    measured: dict[Name, Measured],
    error: dict[str, float],
    best: Peaks,
    useful_mflop: float,
    nominal_mflop: float,
    moved: float,
    **what: Any,
) -> list[Row]:
    """The comparison as rows of results; `what`: the fields of a Row that all contenders share."""
    floor = max(useful_mflop / best.tflops, moved / best.gbytes / 1e3)
    work = {"useful_mflop": useful_mflop, "nominal_mflop": nominal_mflop, "bytes": moved}
    peaks = {"peak_tflops": best.tflops, "peak_gbytes": best.gbytes}
    return [
        Row(
            contender=name,
            graph=graph,
            error=error[name],
            peak_mib=one.peak_mib,
            efficiency=floor / one.timing.median,
            timing=one.timing,
            **(what | work | peaks),
        )
        for (name, graph), one in measured.items()
    ]


def input_sets(make: Callable[[int], Sequence[Tensor]]) -> list[Sequence[Tensor]]:
    """The inputs that `make` returns for seeds from 0 on: SETS of them, or one if it is large."""
    first = make(0)
    if sum(tensor.numel() * tensor.element_size() for tensor in first) > LARGE:
        return [first]
    return [first, *(make(seed) for seed in range(1, SETS))]


def distance(ours: Tensor, truth: Tensor) -> float:
    """||ours - truth|| / ||truth||, infinite if `ours` is not finite."""
    found = ((ours.double() - truth).norm() / truth.norm()).item()
    return found if math.isfinite(found) else math.inf


def first_line(error: BaseException) -> str:
    """The first line of the error's message, since compilers print pages."""
    return next(iter(str(error).strip().splitlines()), "")
