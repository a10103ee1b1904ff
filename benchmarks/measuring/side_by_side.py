"""One comparison: contenders on the same inputs, in turns, with their peak memory; also replayed from CUDA graphs.

A contender is a function of the number of an input set. Timed as one are all sets in turn, divided by their number; on
a CPU one set, another one each time; cold, the first set, after the cache has been flushed. Inputs that fill a cache by
themselves need no rotation: of them there is one set.
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
Name = tuple[str, bool]  # a contender's, and whether it is replayed from a graph


class Witness:
    """Is told which of the contenders is at work, where compilers and devices may fail it, and who is left out."""

    def begins(self, contender: str) -> None:
        """Nothing is printed of that. After all contenders it is "", for they take turns."""

    def left_out(self, contender: str, error: Exception) -> None:
        print(f"{contender} is left out: {type(error).__name__}, {first_line(error)}")


PRINTER = Witness()


@dataclass(frozen=True)
class Measured:
    """Times of a contender on one input set; the MiB it takes beyond what it is given, run without a graph."""

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
    """Measure `runs` on so many input sets for some `seconds`, on a GPU each as it is and as a graph.

    Who fails is named and left out.
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
            except Exception as error:  # whatever a compiler, a capture or a full device may say
                leave_out(name_of(name, graph), error, device, witness)
                if not graph:
                    break
    witness.begins("")
    timings: dict[Name, Timing] = {}
    while functions and not timings:
        try:
            timings = interleaved(functions, device, seconds, cold)
        except TurnError as failed:  # what is kept are turns that all of the others took
            name, graph = failed.name
            del functions[name, graph]
            leave_out(name_of(name, graph), failed.error, device, witness)
    return {
        name: Measured(Timing(tuple(microseconds / at_once for microseconds in timing.rounds)), memory[name])
        for name, timing in timings.items()
    }


def leave_out(contender: str, error: Exception, device: torch.device, witness: Witness) -> None:
    """Go on without a contender. Raises if the device itself has failed: nothing more can be timed then."""
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
    """The comparison as results: `what` was compared, the fields of a Row that all contenders share."""
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
    """What `make` gives for seeds from 0 on: SETS of them, or one if it is large."""
    first = make(0)
    if sum(tensor.numel() * tensor.element_size() for tensor in first) > LARGE:
        return [first]
    return [first, *(make(seed) for seed in range(1, SETS))]


def distance(ours: Tensor, truth: Tensor) -> float:
    """||ours - truth|| / ||truth||, infinite if `ours` is not finite."""
    found = ((ours.double() - truth).norm() / truth.norm()).item()
    return found if math.isfinite(found) else math.inf


def first_line(error: BaseException) -> str:
    """Of what it says: compilers say pages."""
    return next(iter(str(error).strip().splitlines()), "")
