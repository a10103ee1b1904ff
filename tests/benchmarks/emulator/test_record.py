"""Recorded outcomes apply as long as the kernels stay the same."""

from dataclasses import replace
from pathlib import Path

import pytest
import triton
from convrnn3d.tuning import choose

from benchmarks.emulator import check, record
from benchmarks.emulator.check import Distance, Problem

PROBLEM = Problem("gru", "half", "sm_90", 36)
FOUND = [Distance("states", 0.001, 0.002, 0.0), Distance("d weight", 0.003, 0.001, 2**-9)]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(record, "FOLDER", tmp_path / "records")


def test_recorded_outcomes_are_read_back() -> None:
    record.keep(PROBLEM, FOUND)
    found = record.recorded(triton.__version__, PROBLEM)
    assert [(one.what, one.right) for one in found] == [("states", True), ("d weight", False)]
    assert record.recorded("2.0.0", PROBLEM) == []


def test_each_problem_has_its_own_rows_and_a_new_record_replaces_them() -> None:
    for problem in (PROBLEM, replace(PROBLEM, cell="lstm"), replace(PROBLEM, bracket=64)):
        record.keep(problem, FOUND)
    record.keep(PROBLEM, FOUND[:1])  # replaces the first
    assert len(record.recorded(triton.__version__, PROBLEM)) == 1
    assert len(record.recorded(triton.__version__, replace(PROBLEM, cell="lstm"))) == 2
    assert len(record.recorded(triton.__version__, replace(PROBLEM, bracket=64))) == 2


def test_records_do_not_apply_to_kernels_with_other_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    record.keep(PROBLEM, FOUND)
    assert record.recorded(triton.__version__, PROBLEM)
    monkeypatch.setattr(check, "choose", lambda *asked: replace(choose(*asked), stages=1))
    assert record.recorded(triton.__version__, PROBLEM) == []
