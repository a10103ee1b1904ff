"""Medians: of device events on a GPU, of the clock elsewhere; contenders take turns, so that drift hits all alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

FLUSH = 256 << 20  # bytes written between cold runs: more than any L2 cache holds
FEWEST, MOST = 5, 100  # rounds


@dataclass(frozen=True)
class Timing:
    """Microseconds of each round; their median, and the 20th and 80th percentile."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def p20(self) -> float:
        return self._fifths[0]

    @property
    def p80(self) -> float:
        return self._fifths[3]

    @property
    def _fifths(self) -> list[float]:
        return statistics.quantiles(self.rounds, n=5, method="inclusive")


def interleaved(
    functions: dict[str, Callable[[], object]], device: torch.device, seconds: float, cold: bool = False
) -> dict[str, Timing]:
    """Time the functions in turns for some `seconds`, after two unmeasured rounds.

    cold: write more than the L2 cache holds before each run (on a GPU).
    """
    flush = torch.empty(FLUSH if cold and device.type == "cuda" else 0, dtype=torch.uint8, device=device)
    taken: dict[str, list[float]] = {name: [] for name in functions}

    def round_of(keep: bool) -> None:
        for name, function in functions.items():
            flush.zero_()
            microseconds = _once(function, device)
            if keep:
                taken[name].append(microseconds)

    round_of(keep=False)  # compiles, and lets libraries choose
    started = time.perf_counter()
    round_of(keep=False)
    rounds = seconds / (time.perf_counter() - started)
    for _ in range(round(min(max(rounds, FEWEST), MOST))):
        round_of(keep=True)
    return {name: Timing(tuple(times)) for name, times in taken.items()}


def _once(function: Callable[[], object], device: torch.device) -> float:
    if device.type != "cuda":
        start = time.perf_counter()
        function()
        return 1e6 * (time.perf_counter() - start)
    torch.cuda.synchronize()  # an eager call's time counts the host's launches; a graph's replay has next to none
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    function()
    end.record()
    end.synchronize()
    return 1e3 * start.elapsed_time(end)


def graphed(function: Callable[[], object]) -> Callable[[], None]:
    """A replay of `function`'s launches as a CUDA graph; what it computes stays where the capture put it."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            function()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        function()
    return graph.replay
