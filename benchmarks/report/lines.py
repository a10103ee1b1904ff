"""The report's tables: a line for each stored comparison, with marks for what it lacks."""

from benchmarks.measuring.results import GRAPH
from benchmarks.recurrence.contenders import BESIDE, OWN, PYTORCH_PACKING
from benchmarks.report.stored import VERSIONS, Figure, Stored

STALE, OTHER_VERSIONS, NOT_COMPILED, NOT_AROUND = "†", "‡", "°", "§"
UNITS = (("s", 1e6), ("ms", 1e3), ("us", 1))
STEP_COLUMNS = "| cell | pass | T | B | type | plain | fastest PyTorch | convrnn3d | speed-up | floor | errors | MiB |"
NETWORK_COLUMNS = (
    "| network | pass | B | views | type | port | r2n2, reference | kernels or oneDNN | speed-up | errors | MiB |"
)


def versions(machine: dict[str, str]) -> str:
    return ", ".join(f"{name} {machine[name]}" for name in VERSIONS if machine[name])


def table(columns: str, lines: list[str]) -> str:
    names = columns.strip("| ").split(" | ")
    return "\n".join([columns, "| " + " | ".join("---" for _ in names) + " |", *lines]) + "\n"


def step_line(one: Stored, machine: dict[str, str]) -> str:
    done = ("forward, backward" if one.backward else "forward") + (", cold" if one.cold else "")
    plain = next(iter(one.of("eager NCDHW")), None)
    times = [shown(plain, "eager NCDHW"), with_those_beside(one, shown(one.others), (PYTORCH_PACKING,))]
    times.append(with_those_beside(one, shown(one.ours, "kernels"), BESIDE))
    return line(one, [marked(one, machine), done, one.steps, one.batch, one.dtype], times)


def with_those_beside(one: Stored, first: str, names: tuple[str, ...]) -> str:
    figures = (next(iter(one.of(name)), None) for name in names)
    return "; ".join(filter(None, (first, *map(shown, figures))))


def network_line(one: Stored, machine: dict[str, str]) -> str:
    done = "training step" if one.backward else "inference"
    without = next(iter(one.of("reference")), None)
    own = next((figure for name in OWN for figure in one.of(name)), None)
    times = [shown(one.others, "port"), shown(without, "reference"), shown(own, "kernels")]
    return line(one, [marked(one, machine), done, one.batch, one.steps, one.dtype], times)


def marked(one: Stored, machine: dict[str, str]) -> str:
    heading = tuple(machine[name] for name in VERSIONS)
    return one.what + OTHER_VERSIONS * (one.versions != heading)


def line(one: Stored, sizes: list[object], times: list[str]) -> str:
    ours, others = one.ours, one.others
    cells = [*sizes, *times, ratio(one)]
    if one.table == "recurrence":
        cells.append(f"{ours.efficiency:.0%}" if ours else "")
    cells.append(" / ".join(f"{figure.error:.0e}" for figure in (others, ours) if figure))
    cells.append(" / ".join(f"{figure.peak_mib:.3g}" for figure in (others, ours) if figure))
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def shown(figure: Figure | None, plain: str = "") -> str:
    """The figure's time, and its name unless that is `plain`."""
    if figure is None:
        return ""
    unit, size = next((unit, size) for unit, size in UNITS if figure.median >= size or size == 1)
    time = f"{figure.median / size:.3g} {unit}"
    short = figure.name.removeprefix("kernels, ").removeprefix("onednn, ").replace(GRAPH, ", graph")
    name = "" if figure.name == plain else f" ({short})"
    return time + name + STALE * figure.is_stale


def ratio(one: Stored) -> str:
    if one.speed_up is None:
        return ""
    middle, low, high = one.speed_up
    marks = NOT_COMPILED * (not one.compiled) + NOT_AROUND * (one.table == "recurrence" and not one.around)
    return f"{middle:.2f} [{low:.2f}, {high:.2f}]{marks}"
