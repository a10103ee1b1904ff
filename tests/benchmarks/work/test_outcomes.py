"""Timings of candidates: stored, read back and compared with the model."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from convrnn3d.tuning import Launch

from benchmarks.measuring.machine import Machine
from benchmarks.work.candidates import predicted
from benchmarks.work.outcomes import KEPT, Timed, append, main, read

MACHINE = Machine("c", "k", "a device", "d", "2.11", "13.0", "9", "3.6.0")
BY_ROWS = Timed("gru_gates", "half", 36, Launch(None, 64, 32, 64, 4, 3, shared=1), 17.72)
LINES = Timed("gru_update", "tf32", 8, Launch(None, 64, 32, 32, 4, 3, shared=2, lines=True), 8.5)


def test_timings_are_read_back_as_they_were_stored(tmp_path: Path) -> None:
    file = tmp_path / "new" / "tilings.csv"
    append([BY_ROWS], MACHINE, file)
    append([LINES], MACHINE, file)
    assert list(read(file)) == [BY_ROWS, LINES]
    assert "a device" in file.read_text() and file.read_text().count("measured") == 1


@pytest.mark.parametrize("file", sorted(KEPT.glob("*.csv")), ids=lambda file: file.stem)
def test_the_stored_timings_can_be_read(file: Path) -> None:
    assert all(1 < one.microseconds < 1000 for one in read(file))


def test_measured_times_are_compared_with_those_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    file = tmp_path / "tilings.csv"
    model = predicted(BY_ROWS.kernel, BY_ROWS.kind, BY_ROWS.batch, BY_ROWS.launch)
    append([replace(BY_ROWS, microseconds=2 * model)], MACHINE, file)
    monkeypatch.setattr(sys, "argv", ["outcomes", str(file)])
    main()
    said = capsys.readouterr().out
    assert "64 x 32 x 64, 4/3, by row, in 3 parts" in said
    assert "all: 1 launches, model / measured 0.50, spread 0.00" in said
