"""The GPU run, tried out where there may be no GPU."""

import itertools
import json
import sys
import time
from pathlib import Path

import pytest
import torch

from benchmarks import gpu_run, plan, results
from benchmarks.contenders import Problem
from benchmarks.results import read

TABLES = ("recurrence", "network")


def test_a_dry_run_does_every_part_or_says_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu_run", "--minutes", "5", "--out", str(tmp_path), "--dry"])
    assert gpu_run.main() == 0
    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    for part in gpu_run.PARTS:
        assert f"{part}: " in log
    assert "parity: exit code 0" in log and "Error" not in log
    assert json.loads((tmp_path / "environment.json").read_text(encoding="utf-8"))["torch"]
    assert json.loads((tmp_path / "peaks.json").read_text(encoding="utf-8"))["fp32"]["tflops"] > 0
    rows = read(tmp_path / "results.csv")
    assert {(row["table"], row["backward"]) for row in rows} == set(itertools.product(TABLES, ("True", "False")))


def test_without_time_the_rest_is_left_out_in_a_line(tmp_path: Path) -> None:
    gpu_run.tables(gpu_run.Run(tmp_path, deadline=0, dry=True, device=torch.device("cpu")))
    assert "no time left" in (tmp_path / "log.txt").read_text(encoding="utf-8")


def test_a_second_run_goes_on_where_the_first_had_no_more_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "kept")
    run = gpu_run.Run(tmp_path, time.monotonic() + 100, dry=True, device=torch.device("cpu"))
    gpu_run.tables(run)
    assert results.main([str(tmp_path / "results.csv")]) == 0
    gpu_run.tables(run)
    assert f"tables: 0 comparisons, {len(plan.dry())} others are known" in capsys.readouterr().out


def test_a_comparison_that_fails_is_named_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = plan.Comparison(Problem("gru", batch=-1))
    monkeypatch.setattr(plan, "dry", lambda: [bad, plan.Comparison(Problem("gru", grid=2, channels=4))])
    gpu_run.tables(gpu_run.Run(tmp_path, time.monotonic() + 100, dry=True, device=torch.device("cpu")))
    assert f"{bad} is left out: RuntimeError" in (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert read(tmp_path / "results.csv")


def test_an_unknown_part_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu_run", "--out", "x", "--parts", "parity,table"])
    with pytest.raises(SystemExit):
        gpu_run.main()
    assert "not table" in capsys.readouterr().err
