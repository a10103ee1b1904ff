"""The count of operations and bytes: the figures that the design is based on."""

import sys
from pathlib import Path

import pytest

from benchmarks.measuring import results
from benchmarks.measuring.fingerprint import fingerprint
from benchmarks.work.__main__ import main, merged
from benchmarks.work.phases import phases
from benchmarks.work.sizes import Sizes


def test_a_4x4x4_grid_has_1000_of_1728_pairs() -> None:
    assert (Sizes().pairs, Sizes().padded_pairs) == (1000, 1728)
    assert (Sizes(kernel_size=1).pairs, Sizes(grid=1).pairs) == (64, 1)


def test_megaflops_of_one_sample_and_step() -> None:
    by_name = {phase.name: phase for phase in phases("lstm", Sizes(batch=1, steps=1))}
    step = by_name["step: f, i, c, s', h'"]
    assert round(step.useful / 1e6) == 98 and round(step.nominal / 1e6) == 170
    assert round(by_name["projection of all views"].useful / 1e6) == 50


def test_the_grus_two_launches_do_the_lstms_work() -> None:
    gru, lstm = (phases(cell, Sizes()) for cell in ("gru", "lstm"))
    assert sum(phase.useful for phase in gru[1:3]) == lstm[1].useful


def test_weights_in_megabytes() -> None:
    assert 3 * Sizes().weights * 2 / 1e6 == pytest.approx(2.65, abs=0.01)
    assert 1024 * 3 * Sizes().voxels * 128 * 4 / 1e6 == pytest.approx(101, abs=0.5)


def test_floor_of_36_samples_at_half_of_an_h100s_peak() -> None:
    step = phases("lstm", Sizes(batch=36, steps=1))[1]
    assert step.floor(tflops=989 / 2, gbytes=3350) == pytest.approx(7, abs=0.3)
    assert step.useful / 1e9 == pytest.approx(3.5, abs=0.05)


def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, *options: str) -> list[str]:
    monkeypatch.setattr(sys, "argv", ["work", *options])
    main()
    return capsys.readouterr().out.splitlines()


def test_phases_and_every_launch_of_both_designs_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    lines = printed(monkeypatch, capsys, "--batch", "36", "--steps", "3", "--l2", "6000", "--turn", "0.1")
    gates = next(line for line in lines if line.startswith("gates  "))
    first, today = (part.split() for part in gates.removeprefix("gates").split("|"))
    assert first[:4] == ["3", "256", "0.5", "102.4"] and today[:3] == ["3", "144", "0.5"]
    assert float(first[-1]) > float(today[-1]) > 2
    assert any(line.startswith("weight gradient, all steps") for line in lines)  # a phase
    only_first = next(line for line in lines if line.startswith("weight gradient: lay out"))
    assert only_first.rstrip().endswith("|")
    forward, backward = ([part.split() for part in line[5:].split("|")] for line in lines if line.startswith("total  "))
    assert forward[1][0] == "7" and float(forward[0][1]) > float(forward[1][1]) and len(backward) == 2


def test_measured_times_are_printed_next_to_predicted_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    """The newest measurement of these sizes, and whether it is of other kernels."""

    def row(contender: str, measured: str, median: float, kernels: str, **other: object) -> str:
        values = {
            "measured": measured, "kernels": kernels, "table": "recurrence", "what": "lstm", "contender": contender,
            "graph": True, "cold": False, "batch": 2, "steps": 1, "grid": 4, "channels": 128, "dtype": "bf16",
            "backward": False, "median": median,
        } | other  # fmt: skip
        return ",".join(str(values.get(name, "")) for name in results.COLUMNS)

    file = tmp_path / "a-gpu.csv"
    rows = [
        row("kernels", "2026-01-02", 12.5, fingerprint(gpu=True)),
        row("kernels", "2026-01-01", 99, "older"),
        row("kernels", "2026-01-03", 99, "another size", batch=3),
        row("kernels", "2026-01-03", 99, "not from a graph", graph=False),
        row("kernels", "2026-01-01", 33.25, "older", backward=True),
    ]
    file.write_text("\n".join([",".join(results.COLUMNS), *rows]) + "\n")
    options = "--cell", "lstm", "--batch", "2", "--steps", "1", "--measured", str(file)
    *_, packing, kept, both = printed(monkeypatch, capsys, *options)
    assert packing.split()[-1] == "-" and kept.split()[-1] == "12.5" and both.split()[-2:] == ["33.2", "earlier"]


def test_names_are_merged_in_the_order_of_both() -> None:
    assert merged(["a", "x", "b", "y"], ["a", "c", "b"]) == ["a", "x", "c", "b", "y"]
    assert merged(["z", "a"], ["a"]) == ["z", "a"]
