"""The GPU run, tested on machines that may have no GPU."""

import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from convrnn3d.tuning import VARIABLE, choose, table, table_file

from benchmarks.comparisons import plan
from benchmarks.gpu_run import __main__ as command
from benchmarks.gpu_run import parts as gpu_run
from benchmarks.gpu_run.run import Run
from benchmarks.gpu_run.training_losses import apart
from benchmarks.measuring import results
from benchmarks.measuring.fingerprint import fingerprint
from benchmarks.measuring.machine import Machine
from benchmarks.measuring.results import read
from benchmarks.recurrence.problems import Problem
from benchmarks.results import main

TABLES = ("recurrence", "network")


@pytest.fixture
def few_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use a launch table of lines, also in other processes: the interpreter runs programs one after the other."""
    stored = json.loads(table_file(None).read_text(encoding="utf-8"))
    for kernel, kinds in stored["launches"].items():
        for launch in itertools.chain.from_iterable(kinds.values()):
            launch |= {} if kernel == "weight_gradient" else {"rows": 64, "shared": 0, "lines": True}
    (tmp_path / "lines.json").write_text(json.dumps(stored), encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "lines.json"))
    table.cache_clear()
    choose.cache_clear()
    yield
    table.cache_clear()
    choose.cache_clear()


@pytest.mark.long
@pytest.mark.usefixtures("few_programs")
def test_a_dry_run_logs_every_part_and_writes_its_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu_run", "--minutes", "5", "--out", str(tmp_path), "--dry"])
    assert command.main() == 0
    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    for part in gpu_run.PARTS:
        assert f"{part}: " in log
    assert "parity: exit code 0" in log and "Error" not in log
    assert json.loads((tmp_path / "environment.json").read_text(encoding="utf-8"))["torch"]
    assert json.loads((tmp_path / "peaks.json").read_text(encoding="utf-8"))["fp32"]["tflops"] > 0
    first, *rows = read(tmp_path / "results.csv")
    assert (first["table"], first["what"]) == ("peak", "L2 cache") and float(first["peak_gbytes"]) > 0
    assert {(row["table"], row["backward"]) for row in rows} == set(itertools.product(TABLES, ("True", "False")))


def test_nothing_is_measured_before_the_l2_cache() -> None:
    assert list(gpu_run.PARTS)[:3] == ["environment", "l2_cache", "parity"]


def test_tables_logs_that_no_time_is_left(tmp_path: Path) -> None:
    gpu_run.tables(Run(tmp_path, deadline=0, dry=True, device=torch.device("cpu")))
    assert "no time left" in (tmp_path / "log.txt").read_text(encoding="utf-8")


def test_a_second_run_skips_comparisons_with_stored_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "kept")
    problems = [comparison.problem for comparison in plan.dry()]
    monkeypatch.setattr(plan, "dry", lambda: [plan.Comparison(problem) for problem in problems])
    run = Run(tmp_path, time.monotonic() + 100, dry=True, device=torch.device("cpu"))
    gpu_run.tables(run)
    assert main([str(tmp_path / "results.csv")]) == 0
    (tmp_path / "results.csv").unlink()
    gpu_run.tables(run)
    assert f"tables: 0 comparisons to do, {len(plan.dry())} are known" in capsys.readouterr().out


def test_results_of_other_kernels_devices_or_versions_do_not_count() -> None:
    machine = Machine.here()
    row = asdict(machine)
    assert machine.knows(row | {"commit": "other"})
    for name in ("kernels", "device", "torch", "triton"):
        assert not machine.knows(row | {name: "other"})


def test_a_failing_comparison_is_logged_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = plan.Comparison(Problem("gru", batch=-1))
    monkeypatch.setattr(plan, "dry", lambda: [bad, plan.Comparison(Problem("gru", grid=2, channels=4))])
    gpu_run.tables(Run(tmp_path, time.monotonic() + 100, dry=True, device=torch.device("cpu")))
    assert f"{bad}: all failed: RuntimeError" in (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert read(tmp_path / "results.csv")


def test_an_unknown_part_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu_run", "--out", "x", "--parts", "parity,table"])
    with pytest.raises(SystemExit):
        command.main()
    assert "not 'table'" in capsys.readouterr().err


def test_without_a_gpu_a_run_that_is_not_dry_exits_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu_run", "--out", str(tmp_path / "out")])
    assert command.main() == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "no GPU" in said.err and "--dry" in said.err
    assert not (tmp_path / "out").exists()


def test_a_command_over_its_time_share_is_stopped_with_its_children(tmp_path: Path) -> None:
    run = Run(tmp_path, time.monotonic() + 10, dry=True, device=torch.device("cpu"))
    mark = tmp_path / "still there"
    grandchild = f"import time, pathlib; time.sleep(3); pathlib.Path({str(mark)!r}).touch()"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    run.command("slow", "timeit", "-n", "1", "-r", "1", child, share=0.15)
    assert "slow: stopped after its share" in (tmp_path / "log.txt").read_text(encoding="utf-8")
    time.sleep(3)
    assert not mark.exists()


def test_output_that_is_not_valid_utf_8_is_read(tmp_path: Path) -> None:
    run = Run(tmp_path, time.monotonic() + 10, dry=True, device=torch.device("cpu"))
    run.command("odd", "timeit", "-n", "1", "-r", "1", "import os; os.write(1, b'half a letter \\xc3')", share=0.9)
    assert "odd: exit code 0" in (tmp_path / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 0.9])
def test_losses_that_diverge_or_are_not_finite_fail_the_training_part(
    bad: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert apart([0.7, 0.6], [0.7, 0.6]) == 0 and apart([0.7, 0.6], [0.7, bad]) > gpu_run.LARGEST_DISTANCE
    curves = {"reference": [0.7, 0.6], "triton": [0.7, bad]}
    monkeypatch.setattr(gpu_run, "losses", lambda network, backend, device, **size: curves[backend])
    run = Run(tmp_path, time.monotonic() + 10, dry=True, device=torch.device("cpu"))
    gpu_run.training(run)
    assert run.failed and "DISAGREES" in (tmp_path / "log.txt").read_text(encoding="utf-8")


def test_a_tuned_launch_table_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONVRNN3D_LAUNCHES", raising=False)
    before = fingerprint(gpu=True)
    text = table_file(None).read_text(encoding="utf-8").replace('"warps": 4', '"warps": 2')
    (tmp_path / "launches.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(os, "environ", os.environ.copy())
    try:
        gpu_run.use_table(tmp_path / "launches.json")
        assert choose("gru_gates", "half", 36, 128).warps == 2 and fingerprint(gpu=True) != before
    finally:
        table.cache_clear()
        choose.cache_clear()
