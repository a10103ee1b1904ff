"""Timing of candidates on a device, keeping those that compute what most of them do, the fastest first."""

import math
import statistics
import time
from collections.abc import Callable

import torch
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import Launch

from benchmarks.measuring.side_by_side import first_line
from benchmarks.tune.agreement import agree, outcome
from benchmarks.tune.calls import Call, Launched, launches_of, recorded
from benchmarks.work.outcomes import Timed

RUNS, ROUNDS = 20, 7  # of a candidate in a round
SLEEP = 5_000_000  # cycles, about 3 ms, in which the host launches a round


def best(
    kernel: str,
    kind: str,
    sequence: Sequence,
    tried: list[Launch],
    calls: dict[str, Call] | None = None,
    until: float = math.inf,
) -> list[Timed]:
    """Those of `tried` that run and compute what most of them do, the fastest first; each time is printed.

    The launch in use may be the wrong one: ptxas can miscompile a tile, as it did one of the launch table. calls: as
    `recorded` returns them. until: monotonic time after which no further candidate begins, since it may have to be
    compiled.
    """
    times, alike = {}, []  # alike: distinct outcomes, each with the candidates that have it
    call = (calls or recorded(sequence, kind))[kernel]

    def run(launched: list[Launched]) -> None:
        for one in launched:
            sequence.launch(*one)

    for candidate in tried:
        if times and time.monotonic() > until:
            break
        try:
            launched = launches_of(call, sequence, candidate)
            found = outcome(launched, sequence.launch)
            times[candidate] = median_microseconds(lambda launched=launched: run(launched), sequence.device)
        except Exception as error:  # compilers and devices raise anything for a tile that is too large
            if sequence.device.type == "cuda":
                torch.cuda.synchronize()  # raises if the device itself has failed, since nothing more can be timed then
            reason = f"{type(error).__name__} {first_line(error)}"
            print(f"{kernel} {kind} B {sequence.batch} {candidate}: skipped, {reason}", flush=True)
            continue
        print(f"{kernel} {kind} B {sequence.batch} {candidate}: {times[candidate]:.2f} us", flush=True)
        first = next((of for outcome_of, of in alike if agree(found, outcome_of, kind)), None)
        if first is None:
            alike.append((found, first := []))
        first.append(candidate)
    _, right = max(alike, key=lambda one: len(one[1]), default=(None, []))
    for candidate in times.keys() - set(right):
        print(
            f"{kernel} {kind} B {sequence.batch} {candidate}: rejected, most others compute something else", flush=True
        )
    return [Timed(kernel, kind, sequence.batch, one, times[one]) for one in sorted(right, key=times.get)]


def median_microseconds(function: Callable[[], None], device: torch.device) -> float:
    if device.type != "cuda":
        start = time.perf_counter()
        function()
        return 1e6 * (time.perf_counter() - start)
    function()
    taken = []
    for _ in range(1 + ROUNDS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda._sleep(SLEEP)
        start.record()
        for _ in range(RUNS):
            function()
        end.record()
        end.synchronize()
        taken.append(1e3 * start.elapsed_time(end) / RUNS)
    return statistics.median(taken[1:])
