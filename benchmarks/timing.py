"""Medians: of device events on a GPU, of the clock elsewhere; contenders take turns, so that drift hits all alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

FLUSH = 256 << 20  # bytes written between cold runs: more than any L2 cache holds


@dataclass(frozen=True)
class Timing:
    """Microseconds: median, and the 20th and 80th percentile."""

    median: float
    p20: float
    p80: float

    @classmethod
    def of(cls, microseconds: list[float]) -> "Timing":
        if len(microseconds) < 2:
            return cls(*microseconds * 3)
        fifths = statistics.quantiles(microseconds, n=5, method="inclusive")
        return cls(statistics.median(microseconds), fifths[0], fifths[3])


def interleaved(
    functions: dict[str, Callable[[], object]], device: torch.device, rounds: int, cold: bool = False
) -> dict[str, Timing]:
    """Time the functions in turns, `rounds` times each, after one unmeasured round.

    cold: write more than the L2 cache holds before each run (on a GPU). Functions should rotate their inputs.
    """
    flush = torch.empty(FLUSH if cold and device.type == "cuda" else 0, dtype=torch.uint8, device=device)
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(rounds + 1):
        for name, function in functions.items():
            flush.zero_()
            microseconds = _once(function, device)
            if turn:
                taken[name].append(microseconds)
    return {name: Timing.of(times) for name, times in taken.items()}


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
