"""Timing candidates: what can be said of it without a GPU."""

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
    """Of a training step that is not computed: the numbers are made anew for each candidate."""
    return recorded(replace(SEQUENCE, launch=lambda *_: None), "half")


@pytest.mark.parametrize("shared", [0, 1, 3])
def test_the_fastest_of_the_candidates_wins_and_one_that_fails_is_passed_over(
    shared: int, calls: dict[str, Call]
) -> None:
    good, bad = Launch(None, 16, 16, 16, 4, 2, shared), Launch(None, 17, 16, 16, 4, 2, shared)
    (fastest,) = best("gru_gates", "half", SEQUENCE, [good, bad], calls)
    assert fastest.launch == good and fastest.microseconds > 0


@pytest.mark.parametrize(
    ("kernel", "wrong"),
    [
        ("gru_gates", lambda blocks: [0]),
        ("gru_gates", lambda blocks: [blocks // 2]),
        ("gru_update_back", lambda blocks: [blocks, blocks]),  # it adds to what is there
        ("weight_gradient", lambda blocks: [blocks // 2]),
    ],
)
def test_a_candidate_that_computes_something_else_than_most_is_left_out(
    kernel: str, wrong: Callable[[int], list[int]], calls: dict[str, Call], capsys: pytest.CaptureFixture
) -> None:
    """Be it the one in use."""
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


def test_no_candidate_is_begun_when_the_time_is_over(calls: dict[str, Call]) -> None:
    in_use, other = Launch(None, 16, 16, 16, 4, 2), Launch(None, 32, 16, 16, 4, 2)
    assert [one.launch for one in best("gru_gates", "half", SEQUENCE, [in_use, other], calls, until=0)] == [in_use]


def test_an_outcome_can_be_had_again_whatever_was_in_the_tensors(calls: dict[str, Call]) -> None:
    launched = launches_of(calls["gru_update_back"], SEQUENCE, Launch(None, 16, 16, 16, 4, 2))
    tensors = [
        argument.tensor for argument in launched[0][2] if isinstance(argument, Slot) and argument.tensor is not None
    ]
    for tensor in tensors:
        tensor.fill_(torch.nan)
    first, second = (outcome(launched, SEQUENCE.launch) for _ in range(2))
    assert agree(first, second, "ieee") and not agree(first, [2 * tensor for tensor in first], "half")
    assert all(tensor.isfinite().all() for tensor in tensors)
