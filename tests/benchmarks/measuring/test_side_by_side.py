"""Timing side by side: contenders take turns on changing inputs, and one that fails does not stop the others."""

import itertools
import time

import pytest
import torch

from benchmarks.measuring import side_by_side as timed
from benchmarks.measuring.memory import peak_mib
from benchmarks.measuring.side_by_side import SETS, side_by_side
from benchmarks.measuring.timing import FEWEST, Timing, interleaved

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def test_contenders_take_turns() -> None:
    turns: list[str] = []
    functions = {name: lambda name=name: turns.append(name) for name in "abc"}
    timings = interleaved(functions, DEVICE, seconds=0)
    rounds = [turns[first : first + 3] for first in range(0, len(turns), 3)]
    assert len(rounds) == FEWEST + 2 and all(sorted(turn) == list("abc") for turn in rounds)
    assert len({tuple(turn) for turn in rounds}) > 1  # none is always the first
    assert all(len(timing.rounds) == FEWEST for timing in timings.values())


def test_medians_tell_the_slower_from_the_faster() -> None:
    """In microseconds; other tests may delay this one, but not by a factor of ten."""
    runs = {"slow": lambda number: time.sleep(0.02), "fast": lambda number: time.sleep(0.002)}
    measured = side_by_side(runs, SETS, torch.device("cpu"), seconds=0.1)
    slow, fast = (measured[name, False].timing.median for name in ("slow", "fast"))
    assert 19_000 < slow < 200_000
    assert 1_900 < fast < slow


def test_inputs_rotate() -> None:
    numbers: list[int] = []
    side_by_side({"a": numbers.append}, SETS, torch.device("cpu"), seconds=0)
    assert set(numbers) == set(range(SETS)) and numbers[-3:-1] != numbers[-2:]


def test_a_failing_contender_is_reported_and_the_others_are_timed(capsys: pytest.CaptureFixture) -> None:
    def fail(number: int) -> None:
        raise RuntimeError("no such algorithm\nand pages more")

    measured = side_by_side({"bad": fail, "good": lambda number: None}, 1, DEVICE, seconds=0)
    assert {name for name, _ in measured} == {"good"}
    assert capsys.readouterr().out == "bad failed and is excluded: RuntimeError, no such algorithm\n"


def test_a_contender_that_fails_while_timed_costs_the_others_no_rounds(capsys: pytest.CaptureFixture) -> None:
    calls = itertools.count()

    def fail_later(number: int) -> None:
        if next(calls) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")

    runs = {"bad": fail_later, "good": lambda number: None, "better": lambda number: None}
    measured = side_by_side(runs, 1, torch.device("cpu"), seconds=0)
    assert {name for name, _ in measured} == {"good", "better"}
    assert all(len(one.timing.rounds) == FEWEST for one in measured.values())
    assert capsys.readouterr().out == "bad failed and is excluded: OutOfMemoryError, CUDA out of memory\n"


def test_leaving_out_a_contender_that_broke_the_device_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def synchronize() -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        timed.leave_out("bad", ValueError(), torch.device("cuda"), timed.PRINTER)


def test_percentiles_are_of_the_rounds() -> None:
    timing = Timing((*(float(value) for value in range(10)), 1000.0))
    assert (timing.p20, timing.median, timing.p80) == (2, 5, 8)


def test_peak_memory_is_that_of_tensors_alive_at_the_same_time() -> None:
    mib = 1 << 18  # float32 values

    def one_after_the_other() -> None:
        for _ in range(3):
            torch.empty(4 * mib, device=DEVICE).fill_(1)

    def at_once() -> None:
        [torch.empty(4 * mib, device=DEVICE).fill_(1) for _ in range(3)]

    assert round(peak_mib(one_after_the_other, DEVICE)) == 4
    assert round(peak_mib(at_once, DEVICE)) == 12


def test_large_inputs_are_not_rotated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed, "LARGE", 1000)
    assert len(timed.input_sets(lambda seed: [torch.full((250,), seed)])) == 1  # int64: 2000 bytes
    assert [int(first[0]) for (first,) in timed.input_sets(lambda seed: [torch.full((100,), seed)])] == [0, 1, 2]
