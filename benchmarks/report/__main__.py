"""The kept results as tables and plots: docs/benchmarks.md, its pictures, and the README's figures.

    python -m benchmarks.report [--check]

--check writes nothing and fails if a page is out of date. Figures of kernels that have changed since they were measured
are marked.
"""

import sys
from pathlib import Path

from benchmarks.measuring.options import command
from benchmarks.report.lines import (
    NETWORK_COLUMNS,
    NOT_AROUND,
    NOT_COMPILED,
    OTHER_VERSIONS,
    STALE,
    STEP_COLUMNS,
    network_line,
    step_line,
    table,
    versions,
)
from benchmarks.report.stored import Stored, comparisons, l2_gbytes, machines

ROOT = Path(__file__).parents[2]
PAGE, README = ROOT / "docs" / "benchmarks.md", ROOT / "README.md"
BEGIN, END = "<!-- python -m benchmarks.report -->\n", "<!-- end of the report -->\n"
README_NETWORKS, README_BATCHES, README_VIEWS = ("3d-gru-3", "compact"), (1, 36, 256), (1, 5)

INTRODUCTION = Path(__file__).with_name("introduction.md")
NO_GPU = "No kernel has been timed on a GPU yet: nothing here says how fast the fused kernels are.\n"


def introduction() -> str:
    marks = {"stale": STALE, "other_versions": OTHER_VERSIONS, "not_compiled": NOT_COMPILED, "not_around": NOT_AROUND}
    return INTRODUCTION.read_text(encoding="utf-8").format(**marks)


def page() -> str:
    parts = [introduction()]
    found = machines()
    if not any(machine["cuda"] for machine in found.values()):
        parts.append(NO_GPU)
    for file, machine in found.items():
        stored = comparisons(file)
        cache = l2_gbytes(file)
        read = "" if cache is None else f"; the L2 cache is read at {cache / 1e3:.2f} TB/s"
        parts.append(f"## {machine['device']}\n\n{versions(machine)}{read}\n")
        parts.append(f"![Speed-up and efficiency against the number of samples]({picture_of(file).name})\n")
        recurrences = [one for one in stored if one.table == "recurrence"]
        for grid, channels in sorted({(one.grid, one.channels) for one in recurrences}):
            rows = [one for one in recurrences if (one.grid, one.channels) == (grid, channels)]
            parts.append(f"### The recurrence, {grid}x{grid}x{grid} voxels, {channels} channels\n")
            parts.append(table(STEP_COLUMNS, [step_line(one, machine) for one in rows]))
        if networks := [one for one in stored if one.table == "network"]:
            parts.append("### Whole networks\n")
            parts.append(table(NETWORK_COLUMNS, [network_line(one, machine) for one in networks]))
    return "\n".join(parts)


def readme_figures() -> str:
    """The lines of the page that most readers look for, for the most recently measured GPU and CPU."""
    parts = []
    found = machines()
    last = {bool(found[file]["cuda"]): file for file in sorted(found, key=lambda file: found[file]["measured"])}
    for file, machine in found.items():
        if file not in last.values():
            continue
        stored = comparisons(file)
        types = ("bf16", "tf32") if machine["cuda"] else ("fp32",)
        steps = [
            one
            for one in stored
            if one.table == "recurrence" and (one.grid, one.steps, one.cold) == (4, 1, False)
            if one.batch in README_BATCHES and one.dtype in types
        ]
        networks = [
            one
            for one in stored
            if one.table == "network" and one.dtype in types and one.what in README_NETWORKS
            if one.backward or (one.steps in README_VIEWS and one.batch == 1)
        ]
        where = f"On {machine['device']} ({versions(machine)})"
        if networks:
            parts.append(f"{where}, whole networks against a port of the original:\n")
            parts.append(table(NETWORK_COLUMNS, [network_line(one, machine) for one in networks]))
            where = "and on the same machine"
        parts.append(f"{where}, one recurrent step against PyTorch's own convolutions{in_short(steps)}:\n")
        parts.append(table(STEP_COLUMNS, [step_line(one, machine) for one in steps]))
    marks = {STALE: "convrnn3d has changed since", OTHER_VERSIONS: "other versions", NOT_COMPILED: "no torch.compile"}
    marks[NOT_AROUND] = "no matrix products or no 2D convolutions"
    used = [f"{mark} {meaning}" for mark, meaning in marks.items() if any(mark in part for part in parts)]
    parts.append(", ".join(used) + "\n" if used else "")
    if not any(machine["cuda"] for machine in found.values()):
        parts.append(NO_GPU)
    return "\n".join(parts)


def in_short(steps: list[Stored]) -> str:
    """The range of our speed-ups, forward and with the backward pass."""
    words = []
    for title, backward in (("forward", False), ("with the backward pass", True)):
        own = [one for one in steps if one.backward == backward and one.speed_up and one.ours.is_own]
        if own:
            ratios, mark = [one.speed_up[0] for one in own], STALE * any(one.ours.is_stale for one in own)
            words.append(f"{min(ratios):.2f} to {max(ratios):.2f} times as fast {title}{mark}")
    return ", " + ", ".join(words) if words else ""


def picture_of(file: Path) -> Path:
    return PAGE.with_name(f"benchmarks-{file.stem}.png")


def with_figures(readme: str) -> str:
    """The README with its figures replaced."""
    before, rest = readme.split(BEGIN)
    return before + BEGIN + "\n" + readme_figures() + "\n" + END + rest.split(END)[1]


def main() -> int:
    parser = command("report", __doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is out of date")
    options = parser.parse_args()
    wanted = {PAGE: page(), README: with_figures(README.read_text(encoding="utf-8"))}
    if options.check:
        old = [path.name for path, text in wanted.items() if path.read_text(encoding="utf-8") != text]
        if old:
            print(f"out of date with the results: {' and '.join(old)}; run python -m benchmarks.report")
        return 1 if old else 0
    try:
        from benchmarks.report.plots import plot
    except ModuleNotFoundError:
        print('The report needs matplotlib, which is not installed: pip install ".[test]"', file=sys.stderr)
        return 2
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    for file, machine in machines().items():
        plot(comparisons(file), machine["device"], picture_of(file))
    return 0


if __name__ == "__main__":
    sys.exit(main())
