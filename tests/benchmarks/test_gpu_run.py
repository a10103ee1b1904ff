"""The GPU run, tried out where there may be no GPU."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import gpu_run
from benchmarks.results import read


def test_a_dry_run_does_every_part_or_says_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu_run", "--minutes", "5", "--out", str(tmp_path), "--dry"])
    assert gpu_run.main() == 0
    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    for part in gpu_run.PARTS:
        assert f"{part.__name__}: " in log
    assert "parity: exit code 0" in log and "Error" not in log
    assert json.loads((tmp_path / "environment.json").read_text(encoding="utf-8"))["torch"]
    assert {row["backward"] for row in read(tmp_path / "results.csv")} == {"True", "False"}


def test_without_time_the_rest_is_left_out_in_a_line(tmp_path: Path) -> None:
    run = gpu_run.Run(tmp_path, deadline=0, dry=True, device=gpu_run.torch.device("cpu"))
    gpu_run.recurrence(run)
    assert "no time left" in (tmp_path / "log.txt").read_text(encoding="utf-8")
