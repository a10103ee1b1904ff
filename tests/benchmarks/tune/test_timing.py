"""Timing candidates: what can be tested without a GPU."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from convrnn3d.launcher import Slot
from convrnn3d.launcher import launch as launch_kernel
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import Launch

from benchmarks.tune.agreement import agree, outcome
from benchmarks.tune.calls import Call, launches_of, recorded
from benchmarks.tune.timing import best

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SEQUENCE = Sequence(1, 2, (1, 1, 2), 4, 3, torch.bfloat16, "ieee", DEVICE)


@pytest.fixture(scope="module")
def calls() -> dict[str, Call]:
    """The calls of a training step that is not computed: each candidate gets new numbers."""
    return recorded(replace(SEQUENCE, launch=lambda *_: None), "half")


@pytest.mark.parametrize("shared", [0, 1, 3])
def test_the_fastest_candidate_wins_and_one_that_fails_is_skipped(shared: int, calls: dict[str, Call]) -> None:
    good, bad = Launch(None, 16, 16, 16, 4, 2, shared), Launch(None, 17, 16, 16, 4, 2, shared)
    (fastest,) = best("gru_gates", "half", SEQUENCE, [good, bad], calls)
    assert fastest.launch == good and fastest.microseconds > 0


@pytest.mark.parametrize(
    ("kernel", "wrong"),
    [
        ("gru_gates", lambda blocks: [0]),
        ("gru_gates", lambda blocks: [blocks // 2]),
        ("gru_update_back", lambda blocks: [blocks, blocks]),  # it adds to existing values
        ("weight_gradient", lambda blocks: [blocks // 2]),
    ],
)
def test_a_candidate_that_disagrees_with_most_others_is_rejected(
    kernel: str, wrong: Callable[[int], list[int]], calls: dict[str, Call], capsys: pytest.CaptureFixture
) -> None:
    """Even if it is the one in use."""
    good, bad, other = (Launch(None, rows, 16, 16, 4, 2) for rows in (16, 32, 64))

    def launch(kernel: Any, blocks: int, arguments: tuple, constants: dict, options: dict) -> None:
        is_bad = "TILE" in constants and constants["TILE"].rows == bad.rows
        for number in wrong(blocks) if is_bad else [blocks]:
            if number:
                launch_kernel(kernel, number, arguments, constants, options)

    for tried in ([good, bad, other], [bad, good, other]):
        found = best(kernel, "half", replace(SEQUENCE, launch=launch), tried, calls)
        assert {one.launch for one in found} == {good, other}
        assert f"{bad}: rejected, most others compute something else" in capsys.readouterr().out


def test_only_the_launch_in_use_is_timed_when_no_time_is_left(calls: dict[str, Call]) -> None:
    in_use, other = Launch(None, 16, 16, 16, 4, 2), Launch(None, 32, 16, 16, 4, 2)
    assert [one.launch for one in best("gru_gates", "half", SEQUENCE, [in_use, other], calls, until=0)] == [in_use]


def test_an_outcome_does_not_depend_on_what_was_in_the_tensors(calls: dict[str, Call]) -> None:
    launched = launches_of(calls["gru_update_back"], SEQUENCE, Launch(None, 16, 16, 16, 4, 2))
    tensors = [
        argument.tensor for argument in launched[0][2] if isinstance(argument, Slot) and argument.tensor is not None
    ]
    for tensor in tensors:
        tensor.fill_(torch.nan)
    first, second = (outcome(launched, SEQUENCE.launch) for _ in range(2))
    assert agree(first, second, "ieee") and not agree(first, [2 * tensor for tensor in first], "half")
    assert all(tensor.isfinite().all() for tensor in tensors)
