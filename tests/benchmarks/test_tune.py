"""Timing launches: what can be said of it without a GPU."""

import json

import pytest
import torch
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import Launch, table

from benchmarks.compiled import OPERANDS
from benchmarks.tune import BATCHES, OUT, best, candidates, written

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def test_the_table_is_written_as_it_is_read() -> None:
    stored = OUT.read_text(encoding="utf-8")
    launches = {kernel: {kind: list(choices) for kind, choices in kinds.items()} for kernel, kinds in table().items()}
    assert written(launches, json.loads(stored)["device"]) == stored


def test_there_are_candidates_for_everything() -> None:
    for kernel in table():
        for kind in OPERANDS:
            for batch in BATCHES:
                found = candidates(kernel, kind, batch)
                assert found and len(found) == len(set(found))


@pytest.mark.parametrize("by_tap", [False, True])
def test_the_fastest_of_the_candidates_wins_and_one_that_fails_is_passed_over(by_tap: bool) -> None:
    sequence = Sequence(1, 2, (1, 1, 2), 4, 3, torch.bfloat16, "ieee", DEVICE)
    good, bad = Launch(None, 16, 16, 16, 4, 2, by_tap), Launch(None, 17, 16, 16, 4, 2, by_tap)
    fastest, microseconds = best("gru_gates", "half", sequence, [good, bad])
    assert fastest == good and microseconds > 0
