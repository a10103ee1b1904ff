"""Comparisons measured side by side, handed to pytest-benchmark contender by contender.

pytest-benchmark times one test after the other, but contenders should take turns. So a comparison is measured once, and
each of its tests replays its own rounds on a clock that shows the measured times.
"""

import torch

from benchmarks.comparisons.plan import Comparison
from benchmarks.measuring.machine import Machine
from benchmarks.measuring.results import Row, append
from benchmarks.measuring.tables import title

SECONDS = 1.0  # timing for each comparison
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
MEASURED: dict[Comparison, list[Row]] = {}


class Clock:
    """A clock that only moves when it is advanced."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def advance(self, microseconds: float) -> None:
        self.seconds += microseconds / 1e6


def rows_of(comparison: Comparison, keep: bool) -> list[Row]:
    """The rows of a comparison, which is measured only once; `keep` appends them to benchmarks/results."""
    if comparison not in MEASURED:
        MEASURED[comparison] = []  # if measuring fails, it is not repeated for every contender
        MEASURED[comparison] = comparison.measure(DEVICE, SECONDS)
        if keep:
            append(MEASURED[comparison], Machine.here())
    return MEASURED[comparison]


def replay(benchmark, clock: Clock, row: Row) -> None:
    """Give pytest-benchmark the rounds of `row`; its timer must be `clock.now`."""
    benchmark.group = title(row)
    benchmark.extra_info |= {"error": row.error, "efficiency": row.efficiency, "peak_mib": row.peak_mib}
    rounds = iter(row.timing.rounds)
    benchmark.pedantic(lambda: clock.advance(next(rounds)), rounds=len(row.timing.rounds))
