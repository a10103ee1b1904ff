"""The report shows what the results say: wins and losses alike, and which kernels have changed since."""

import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from rows import row_of

from benchmarks.comparisons.plan import Comparison
from benchmarks.measuring import results
from benchmarks.measuring.fingerprint import fingerprint
from benchmarks.measuring.machine import Machine
from benchmarks.measuring.peaks import Reread
from benchmarks.measuring.results import Row, append, read
from benchmarks.measuring.timing import Timing
from benchmarks.recurrence.contenders import PYTORCH_PACKING
from benchmarks.recurrence.problems import Problem
from benchmarks.report import __main__ as report
from benchmarks.report import stored

ROOT = Path(__file__).parents[3]
GPU = replace(Machine.here(), kernels=fingerprint(gpu=True), device="A GPU", cuda="13.0", driver="580")


def race(kernels: float, merged: float, **changes: object) -> list[Row]:
    """The fused kernels and all plain baselines, of which merged NDHWC is the fastest."""
    baselines = [row_of(name, 2 * merged, **changes) for name in stored.PLAIN if name != "merged NDHWC"]
    plain = [*baselines, row_of("merged NDHWC", merged, **changes)]
    eager = [replace(row, graph=False, timing=Timing(tuple(3 * t for t in row.timing.rounds))) for row in plain]
    return [row_of("kernels", kernels, **changes), *eager, *plain]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results file of GPU, in a folder of its own."""
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    return results.file_of(GPU.device)


def test_the_fastest_pytorch_is_found_and_named(file: Path) -> None:
    append([*race(10, 30), row_of("kernels", 20, graph=False), row_of("compiled default", 35)], GPU)
    (one,) = stored.comparisons(file)
    assert (one.ours.name, one.others.name) == ("kernels (graph)", "merged NDHWC (graph)")
    assert one.speed_up == pytest.approx((3, 3 * 0.94 / 1.06, 3 * 1.06 / 0.94))
    line = report.step_line(one, asdict(GPU))
    assert report.NOT_COMPILED not in line and report.OTHER_VERSIONS not in line
    assert "30 us (merged NDHWC, graph)" in line and "10 us (kernels, graph)" in line and "3.00 [" in line


def test_the_readme_gives_the_range_of_speed_ups(file: Path) -> None:
    append([*race(10, 30), *race(20, 30, batch=1), *race(10, 9, batch=256)], GPU)
    assert "convolutions, 0.90 to 3.00 times as fast forward:" in report.readme_figures()


@pytest.mark.parametrize("cuda", [GPU.cuda, ""])
def test_the_readme_shows_the_gpu_and_the_cpu_that_were_measured_last(
    file: Path, monkeypatch: pytest.MonkeyPatch, cuda: str
) -> None:
    append([replace(row, dtype="bf16" if cuda else "fp32") for row in race(10, 30)], replace(GPU, cuda=cuda))
    one = report.machines()
    (own,) = one
    older = shutil.copy(own, own.with_name("older.csv"))
    both = {older: one[own] | {"device": "An older GPU", "measured": "2016"}} | one
    monkeypatch.setattr(report, "machines", lambda: both)
    assert "On A GPU (" in report.readme_figures() and "An older GPU" not in report.readme_figures()
    assert "## An older GPU" in report.page() and "## A GPU" in report.page()


def test_packing_and_overlap_are_shown_and_do_not_affect_the_speed_up(file: Path) -> None:
    rows = [
        row_of("kernels, packing", 16),
        row_of("kernels, packing", 9, graph=False),
        row_of("kernels, one by one", 8),
    ]
    append([*race(10, 30), *rows], GPU)
    (one,) = stored.comparisons(file)
    assert one.ours.name == "kernels (graph)" and one.others.name == "merged NDHWC (graph)"
    line = report.step_line(one, asdict(replace(GPU, torch="1.0")))
    assert "| 10 us (kernels, graph); 9 us (packing); 8 us (one by one, graph) | 3.00 [" in line


@pytest.mark.parametrize("backward", [False, True])
def test_pytorchs_packing_is_shown_and_never_counts_as_its_fastest(file: Path, backward: bool) -> None:
    append([*race(10, 30, backward=backward), row_of(PYTORCH_PACKING, 29, backward=backward)], GPU)
    (one,) = stored.comparisons(file)
    assert one.others.name == "merged NDHWC (graph)" and one.speed_up[0] == pytest.approx(3)
    line = report.step_line(one, asdict(GPU))
    assert "| 30 us (merged NDHWC, graph); 29 us (merged NDHWC, packing, graph) |" in line


def test_a_speed_up_without_all_3d_convolution_alternatives_is_marked(file: Path) -> None:
    append([*race(10, 30), row_of("unfolded", 29)], GPU)
    append([*race(10, 30, batch=1), row_of("unfolded", 29, batch=1), row_of("z in channels", 20, batch=1)], GPU)
    lines = {one.batch: report.step_line(one, asdict(GPU)) for one in stored.comparisons(file)}
    assert "29 us (unfolded, graph)" in lines[36] and report.NOT_AROUND in lines[36]
    assert "20 us (z in channels, graph)" in lines[1] and report.NOT_AROUND not in lines[1]
    assert f"{report.NOT_AROUND} no matrix products or no 2D convolutions" in report.readme_figures()


def test_losses_are_shown_like_wins(file: Path) -> None:
    append(race(40, 10), GPU)
    assert "| 0.25 [" in report.page() and "0.25 [" in report.readme_figures()
    assert (
        f"]{report.NOT_COMPILED}{report.NOT_AROUND} |" in report.page()
        and "no torch.compile" in report.readme_figures()
    )


def test_missing_baselines_or_a_wrong_result_give_no_speed_up(file: Path) -> None:
    append(race(10, 30)[:-1], GPU)
    append([row_of("kernels", 10, batch=1, error=0.5), *race(10, 30, batch=1)[1:]], GPU)
    append(race(10, 30, batch=4), GPU)
    assert [one.speed_up is None for one in stored.comparisons(file)] == [True, False, True]


def test_a_newer_run_replaces_one_with_more_baselines_only_if_versions_differ(file: Path) -> None:
    append([*race(10, 30), row_of("compiled default", 15)], GPU)
    append(race(10, 30), GPU)
    (one,) = stored.comparisons(file)
    assert one.others.name == "compiled default (graph)"
    append(race(10, 30), replace(GPU, torch="3.0"))
    (one,) = stored.comparisons(file)
    assert one.others.name == "merged NDHWC (graph)"  # with another version of torch


def test_figures_of_other_versions_are_marked(file: Path) -> None:
    append(race(10, 30), replace(GPU, torch="1.0"))
    append(race(10, 30, batch=1), GPU)
    lines = {one.batch: report.step_line(one, asdict(GPU)) for one in stored.comparisons(file)}
    assert report.OTHER_VERSIONS in lines[36] and report.OTHER_VERSIONS not in lines[1]


def test_the_newest_measurement_counts_and_is_never_mixed_with_an_older_one(file: Path) -> None:
    append(race(10, 1), GPU)
    append(race(20, 40), GPU)
    (one,) = stored.comparisons(file)
    assert (one.ours.median, one.others.median) == (20, 40)
    assert len(read(file)) == 2 * len(race(10, 1))


def test_only_figures_of_kernels_that_changed_are_marked_as_stale(file: Path) -> None:
    old = replace(GPU, kernels="0" * 12)
    append([row_of("kernels", 10), row_of("eager NCDHW", 20)], GPU)
    append([row_of("kernels", 10, batch=1), row_of("eager NCDHW", 20, batch=1)], old)
    lines = {one.batch: report.step_line(one, asdict(GPU)) for one in stored.comparisons(file)}
    assert report.STALE not in lines[36]
    assert f"10 us (kernels, graph){report.STALE}" in lines[1] and lines[1].count(report.STALE) == 1


def test_a_network_is_compared_with_the_port_and_with_itself_without_kernels(file: Path) -> None:
    sizes = {"table": "network", "what": "3d-gru-3", "batch": 1, "steps": 3, "graph": False}
    append([row_of(n, t, **sizes) for n, t in (("port", 40), ("reference", 30), ("compiled kernels", 10))], GPU)
    (one,) = stored.comparisons(file)
    line = report.network_line(one, asdict(GPU))
    assert "| 40 us | 30 us | 10 us (compiled kernels) | 4.00 [" in line


def test_without_a_gpus_results_the_pages_say_so(file: Path) -> None:
    append([row_of("reference", 10, graph=False), row_of("eager NCDHW", 20, graph=False)], replace(GPU, cuda=""))
    assert report.NO_GPU in report.page() and report.NO_GPU in report.readme_figures()
    append([row_of("kernels", 10)], replace(GPU, device="Another GPU"))
    assert report.NO_GPU not in report.page()


def test_the_l2_bandwidth_is_shown_under_the_machines_name(file: Path) -> None:
    append(race(10, 30), GPU)
    assert "L2 cache" not in report.page()
    append([Reread(4 << 20, 1, Timing((1.0, 1.0))).row()], GPU)
    assert "; the L2 cache is read at 4.19 TB/s\n" in report.page()


def test_pages_and_pictures_are_written(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(race(10, 20), GPU)
    for name in ("PAGE", "README"):
        path = tmp_path / getattr(report, name).name
        path.write_text(f"Before.\n{report.BEGIN}old\n{report.END}After.\n", encoding="utf-8")
        monkeypatch.setattr(report, name, path)
    monkeypatch.setattr(sys, "argv", ["report", "--check"])
    assert report.main() == 1
    monkeypatch.setattr(sys, "argv", ["report"])
    assert report.main() == 0
    monkeypatch.setattr(sys, "argv", ["report", "--check"])
    assert report.main() == 0
    text = report.README.read_text(encoding="utf-8")
    assert text.startswith("Before.\n") and text.endswith("After.\n") and "old" not in text
    assert (tmp_path / "benchmarks-a-gpu.png").stat().st_size > 10_000


def test_the_committed_pages_match_the_committed_results() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.report", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_comparison_is_among_the_rows_only_if_all_it_needs_is_there(file: Path) -> None:
    append([row_of("kernels", 10), row_of("eager NCDHW", 20)], GPU)
    problem, device = Problem("gru", 36, 1, type_name="bf16"), torch.device("cpu")
    assert Comparison(problem).is_among(read(file), device)
    assert not Comparison(problem, compilers=True).is_among(read(file), device)
    assert not Comparison(problem, cold=True).is_among(read(file), device)
    assert not Comparison(replace(problem, backward=True)).is_among(read(file), device)
    append([row_of("eager NCDHW", 20, batch=1)], GPU)
    assert Comparison(replace(problem, batch=1)).is_among(read(file), device)
    assert not Comparison(replace(problem, batch=1), interpreted=True).is_among(read(file), device)  # no row of kernels
