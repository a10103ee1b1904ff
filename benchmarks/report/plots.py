"""Speed-up and efficiency of the recurrent step against the number of samples, as a picture."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.report.stored import Stored

COLOURS = {"bf16": "tab:blue", "fp16": "tab:cyan", "tf32": "tab:orange", "fp32": "tab:green"}
MARKS = {"gru": "o", "lstm": "s"}


def plot(stored: list[Stored], device: str, file: Path) -> None:
    """Plot both for steps (T = 1) on the 4x4x4 grid, forward in the upper row, with the backward pass in the lower."""
    steps = [one for one in stored if one.table == "recurrence" and (one.grid, one.steps, one.cold) == (4, 1, False)]
    figure, axes = plt.subplots(2, 2, figsize=(10, 7), sharex=True, layout="constrained")
    for row, backward in zip(axes, (False, True), strict=True):
        done = "forward and backward" if backward else "forward"
        for dtype in COLOURS:
            for cell in MARKS:
                line = [o for o in steps if (o.dtype, o.what, o.backward) == (dtype, cell, backward)]
                line = sorted((o for o in line if o.speed_up), key=lambda one: one.batch)
                if line:
                    _speed_up(row[0], line)
                    _efficiency(row[1], line)
        row[0].set(title=f"{done}: speed-up over the fastest PyTorch", ylabel="times as fast")
        row[0].axhline(1, color="grey", linewidth=1)
        row[1].set(title=f"{done}: share of the floor", ylabel="floor / time", ylim=(0, None))
        for axis in row:
            axis.set_xscale("log", base=2)
            axis.set_xticks(sorted({one.batch for one in steps}), [str(b) for b in sorted({o.batch for o in steps})])
            axis.grid(alpha=0.3)
    for axis in axes[1]:
        axis.set_xlabel("samples B")
    axes[0, 0].legend(fontsize="small")
    axes[0, 1].legend(fontsize="small")
    figure.suptitle(f"One recurrent step, 128 channels, {device}")
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _style(one: Stored) -> dict[str, str]:
    return {"color": COLOURS[one.dtype], "marker": MARKS[one.what], "linestyle": "-" if one.what == "gru" else ":"}


def _speed_up(axis: Axes, line: list[Stored]) -> None:
    ratios = [one.speed_up for one in line]
    middle = [ratio[0] for ratio in ratios]
    spread = [[ratio[0] - ratio[1] for ratio in ratios], [ratio[2] - ratio[0] for ratio in ratios]]
    name = f"{line[0].what}, {line[0].dtype}, {line[0].ours.contender}"
    axis.errorbar([one.batch for one in line], middle, spread, label=name, capsize=3, **_style(line[0]))


def _efficiency(axis: Axes, line: list[Stored]) -> None:
    batches, one = [one.batch for one in line], line[0]
    ours = [one.ours.efficiency for one in line]
    others = [one.others.efficiency for one in line]
    axis.plot(batches, ours, label=f"{one.what}, {one.dtype}, {one.ours.contender}", **_style(one))
    style = _style(one) | {"alpha": 0.35, "marker": "x"}
    axis.plot(batches, others, label=f"{one.what}, {one.dtype}, fastest PyTorch", **style)
