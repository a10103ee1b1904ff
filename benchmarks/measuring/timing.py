"""Median times, by device events on a GPU and by the clock elsewhere; contenders take turns, so drift hits all alike.

On a GPU a function runs once untimed before each timed run, so that a warm cache holds its own data. A graph is
replayed behind a short sleep of the device, so that its launch is over when it begins. An eager call is timed from the
host's first launch, because its launches are part of its cost.
"""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

FLUSH = 256 << 20  # bytes written between cold runs: more than any L2 cache holds
FEWEST, MOST = 5, 200  # rounds
WARM_UP = 0.3  # seconds of unmeasured rounds, so that a GPU reaches its clock rate
SLEEP = 100_000  # cycles, about 50 microseconds
Function = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Microseconds of each round, their median, and their 20th and 80th percentile."""

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


class Graph:
    """A CUDA graph of a function's launches. Raises RuntimeError if a replay does not write all of its results."""

    def __init__(self, function: Function) -> None:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                function()
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            results = function()
        written = [result for result in tree_leaves(results) if isinstance(result, Tensor)]
        with torch.no_grad():
            for result in written:
                result.detach().fill_(torch.nan)
        self.graph.replay()
        if not all(result.isfinite().all() for result in written):
            raise RuntimeError("the graph's replay does not write all results of the call")

    def __call__(self) -> None:
        self.graph.replay()


class TurnError(Exception):
    """`name`, one of several functions, raised `error` in its turn."""

    def __init__(self, name: Any, error: Exception) -> None:
        super().__init__(f"{name}: {type(error).__name__}, {error}")
        self.name, self.error = name, error


def interleaved(
    functions: dict[Any, Function], device: torch.device, seconds: float, cold: bool = False
) -> dict[Any, Timing]:
    """Time the functions in turns, in a new order each round, for about `seconds`, after unmeasured rounds.

    cold: write more than the L2 cache holds before each run (on a GPU). Raises TurnError if a function fails.
    """
    on_gpu = device.type == "cuda"
    flush = torch.empty(FLUSH if cold and on_gpu else 0, dtype=torch.uint8, device=device)
    taken: dict[Any, list[float]] = {name: [] for name in functions}
    names, shuffled = list(functions), random.Random(0)

    def one_round(keep: bool) -> None:
        shuffled.shuffle(names)
        for name in names:
            try:
                if cold:
                    flush.zero_()
                elif on_gpu:
                    functions[name]()
                microseconds = _once(functions[name], device)
            except Exception as error:  # devices raise anything; the caller can continue without this one
                raise TurnError(name, error) from error
            if keep:
                taken[name].append(microseconds)

    one_round(keep=False)  # lets functions compile and libraries choose algorithms
    started = time.perf_counter()
    one_round(keep=False)
    rounds = seconds / (time.perf_counter() - started)
    while on_gpu and time.perf_counter() - started < WARM_UP:
        one_round(keep=False)
    for _ in range(round(min(max(rounds, FEWEST), MOST))):
        one_round(keep=True)
    return {name: Timing(tuple(times)) for name, times in taken.items()}


def _once(function: Function, device: torch.device) -> float:
    if device.type != "cuda":
        start = time.perf_counter()
        function()
        return 1e6 * (time.perf_counter() - start)
    torch.cuda.synchronize()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    if isinstance(function, Graph):
        torch.cuda._sleep(SLEEP)
    start.record()
    function()
    end.record()
    end.synchronize()
    return 1e3 * start.elapsed_time(end)
