"""A run finishes even if a process that works on it hangs or dies."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from convrnn3d import tuning

from benchmarks.comparisons import plan
from benchmarks.gpu_run import parts, tables, watching
from benchmarks.gpu_run.run import Run
from benchmarks.measuring import results
from benchmarks.measuring.side_by_side import Witness
from benchmarks.recurrence.problems import Problem


def hang(*_: object, **__: object) -> None:
    time.sleep(600)


def die(*_: object, **__: object) -> None:
    os._exit(7)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "kept")  # has no results of this machine yet
    return Run(tmp_path, time.monotonic() + 100, dry=True, device=torch.device("cpu"))


def log(run: Run) -> str:
    return (run.out / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("loss", "said"), [(hang, "l2_cache: stopped after 1 s"), (die, "l2_cache: its process ended with exit code 7")]
)
def test_a_part_that_hangs_or_dies_is_logged_and_the_others_run(
    loss: object, said: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LONGEST", 1)
    for name, part in {"l2_cache": loss, "parity": lambda run: run.say(f"skips {run.skip}")}.items():
        monkeypatch.setitem(parts.PARTS, name, part)
    assert watching.watch(replace(run, parts=("l2_cache", "parity"), skip=(("one", ""),)), "fork")
    assert said in log(run) and "skips (('one', ''),)" in log(run) and log(run).count("parity: 0 s") == 1


@pytest.mark.parametrize("loss", [hang, die])
def test_a_comparison_that_hangs_or_dies_is_skipped_and_the_others_measured(
    loss: object, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, good = plan.Comparison(Problem("lstm")), plan.Comparison(Problem("gru"))
    monkeypatch.setattr(plan, "dry", lambda: [lost, good])
    monkeypatch.setattr(tables, "LONGEST", 2)

    def measure(comparison: plan.Comparison, *_: object, **__: object) -> list:
        run.say(f"begins {comparison}")
        return loss() if comparison == lost else []

    monkeypatch.setattr(plan.Comparison, "measure", measure)
    monkeypatch.setitem(parts.PARTS, "training", lambda run: run.say("trained"))
    assert not watching.watch(replace(run, parts=("tables", "training")), "fork")
    assert f"tables: {lost}: " in log(run) and log(run).count("trained") == 1
    assert [log(run).count(f"begins {one}\n") for one in (lost, good)] == [1, 1]


def test_a_process_that_cannot_start_ends_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "work", die)
    assert watching.watch(replace(run, parts=("parity",)), "fork")
    assert "start: its process ended with exit code 7" in log(run)


def test_a_new_process_uses_the_tuned_launch_table(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def tune(run: Run) -> None:
        run.table = run.out / "launches.json"

    monkeypatch.delenv(tuning.VARIABLE, raising=False)
    for name, part in {
        "tuning": tune,
        "l2_cache": die,
        "parity": lambda run: run.say(os.environ[tuning.VARIABLE]),
    }.items():
        monkeypatch.setitem(parts.PARTS, name, part)
    watching.watch(replace(run, parts=("tuning", "l2_cache", "parity")), "fork")
    assert str(run.out / "launches.json") in log(run)


def test_a_new_process_keeps_the_skips_and_the_failure_of_the_old_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(run: Run) -> None:
        run.failed = True
        run.go_on_anew(replace(run, parts=("parity",), skip=(("one", ""),)))

    for name, part in {"tables": leave, "parity": lambda run: run.say(f"skips {run.skip}")}.items():
        monkeypatch.setitem(parts.PARTS, name, part)
    assert watching.watch(replace(run, parts=("tables",)), "fork")
    assert "skips (('one', ''),)" in log(run) and "exit code" not in log(run)


@pytest.mark.parametrize(
    ("error", "processes"),
    [
        (RuntimeError("no such algorithm"), 1),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), 2),
    ],
)
def test_an_excluded_contender_needs_a_new_process_only_if_memory_ran_out(
    error: Exception, processes: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = plan.Comparison(Problem("lstm")), plan.Comparison(Problem("gru"))

    def measure(comparison: plan.Comparison, device: object, seconds: object, witness: Witness, *_: object) -> list:
        run.say(f"in {os.getpid()}")
        if comparison == bad:
            witness.left_out("unfolded", error)
        return []

    monkeypatch.setattr(plan, "dry", lambda: [bad, good])
    monkeypatch.setattr(plan.Comparison, "measure", measure)
    watching.watch(replace(run, parts=("tables",)), "fork")
    where = [line for line in log(run).splitlines() if line.startswith("in ")]
    assert len(where) == 2 and len(set(where)) == processes
    assert f"tables: {bad}: unfolded failed: {type(error).__name__}, {error}" in log(run)


def test_after_a_part_breaks_the_device_the_next_one_gets_a_new_process(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[int] = []  # only in this process

    def fail(run: Run) -> None:
        broken.append(1)
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(watching, "computes", lambda device: not broken)
    for name, part in {"l2_cache": fail, "tables": lambda run: run.say(f"tables: {broken}, skips {run.skip}")}.items():
        monkeypatch.setitem(parts.PARTS, name, part)
    assert watching.watch(replace(run, parts=("l2_cache", "tables")), "fork")
    assert "tables: [], skips ()" in log(run) and log(run).count("l2_cache: RuntimeError") == 1


def broken(*_: object) -> None:
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


@pytest.mark.parametrize("loss", [hang, die, broken])
def test_a_lost_comparison_is_repeated_without_the_contender_at_fault(
    loss: object, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most once: after a second loss the whole comparison is skipped."""
    lost, twice = plan.Comparison(Problem("lstm")), plan.Comparison(Problem("gru"))

    def measure(
        comparison: plan.Comparison, device: object, seconds: object, witness: Witness, without: list[str]
    ) -> list:
        run.say(f"{comparison.problem.cell} without {without}")
        for name in ("a", "bad", "c", "worse"):
            witness.begins(name)
            if name not in without and (name == "bad" or (name, comparison) == ("worse", twice)):
                loss()
        return []

    monkeypatch.setattr(plan, "dry", lambda: [lost, twice])
    monkeypatch.setattr(plan.Comparison, "measure", measure)
    monkeypatch.setattr(tables, "LONGEST", 1)
    monkeypatch.setattr(tables, "computes", lambda device: loss != broken)
    watching.watch(replace(run, parts=("tables",)), "fork")
    tried = [line for line in log(run).splitlines() if " without " in line]
    assert tried == [f"{cell} without {who}" for cell in ("lstm", "gru") for who in ([], ["bad"])]
