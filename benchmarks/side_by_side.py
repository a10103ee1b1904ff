"""One comparison: contenders on the same inputs, in turns, with their peak memory; also replayed from CUDA graphs.

A contender is a function of the number of an input set. Timed as one are all sets in turn, divided by their number; on
a CPU one set, another one each time; cold, the first set, after the cache has been flushed.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.memory import peak_mib
from benchmarks.timing import Timing, graphed, interleaved

SETS = 3
Name = tuple[str, bool]  # a contender's, and whether it is replayed from a graph


@dataclass(frozen=True)
class Measured:
    """Times of a contender on one input set, and the MiB it takes beyond its inputs."""

    timing: Timing
    peak_mib: float


def side_by_side(
    runs: dict[str, Callable[[int], object]],
    device: torch.device,
    seconds: float,
    cold: bool = False,
    say: Callable[[str], None] = print,
) -> dict[Name, Measured]:
    """Measure `runs` for some `seconds`, on a GPU each as it is and as a graph. Who fails is named and left out."""
    on_gpu = device.type == "cuda"
    sets = 1 if cold or not on_gpu else SETS
    functions: dict[Name, Callable[[], object]] = {}
    memory: dict[Name, float] = {}
    for name, run in runs.items():
        whole = _over_sets(run, sets) if on_gpu else _another_set_each_time(run)
        for graph in (False, True) if on_gpu else (False,):
            try:
                if not graph:
                    whole()
                    memory[name, False] = memory[name, True] = peak_mib(lambda run=run: run(0), device)
                functions[name, graph] = graphed(whole) if graph else whole
            except Exception as error:  # whatever a compiler, a capture or a full device may say
                say(f"{name}{' (graph)' if graph else ''} is left out: {type(error).__name__}, {first_line(error)}")
                if on_gpu:
                    torch.cuda.synchronize()  # raises if the device itself has failed: nothing more can be timed then
                    torch.cuda.empty_cache()
                if not graph:
                    break
    timings = interleaved(functions, device, seconds, cold) if functions else {}
    return {
        name: Measured(Timing(tuple(microseconds / sets for microseconds in timing.rounds)), memory[name])
        for name, timing in timings.items()
    }


def _over_sets(run: Callable[[int], object], sets: int) -> Callable[[], None]:
    def whole() -> None:
        for number in range(sets):
            run(number)

    return whole


def _another_set_each_time(run: Callable[[int], object]) -> Callable[[], None]:
    numbers = itertools.cycle(range(SETS))
    return lambda: run(next(numbers))


def first_line(error: Exception) -> str:
    """Of what it says: compilers say pages."""
    return next(iter(str(error).strip().splitlines()), "")
