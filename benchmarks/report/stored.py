"""The stored results: the newest measurement of each comparison, its fastest contender, and by how much it wins."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.measuring import results
from benchmarks.measuring.fingerprint import fingerprint
from benchmarks.measuring.results import name_of, read
from benchmarks.measuring.tables import largest_error
from benchmarks.recurrence.contenders import OWN, PYTORCH_PACKING

NUMBERS = ("median", "p20", "p80", "error", "peak_mib", "efficiency")
VERSIONS = ("driver", "cuda", "cudnn", "torch", "triton")
AROUND = ("unfolded", "z in channels")  # alternatives to PyTorch's 3D convolutions, which not all comparisons have
PLAIN = ("eager NCDHW", "eager NDHWC", "merged NCDHW", "merged NDHWC")  # if any is missing, there is no speed-up
KEY = ("table", "what", "grid", "channels", "backward", "cold", "dtype", "steps", "batch")


@dataclass(frozen=True)
class Figure:
    """A contender's row, in microseconds; see `results.Row`. gpu: whether it was measured on one."""

    contender: str
    graph: bool
    gpu: bool
    kernels: str
    median: float
    p20: float
    p80: float
    error: float
    peak_mib: float
    efficiency: float

    @property
    def name(self) -> str:
        return name_of(self.contender, self.graph)

    @property
    def is_own(self) -> bool:
        """Whether this is the fused kernels, or convrnn3d's products on a CPU."""
        return self.contender.removeprefix("compiled ").startswith(OWN)

    @property
    def is_stale(self) -> bool:
        """Whether convrnn3d has changed since this was measured."""
        return self.is_own and self.kernels != _kernels_now(self.gpu)


@dataclass(frozen=True)
class Stored:
    """A comparison as it was last measured; figures are sorted by time, fastest first."""

    table: str
    what: str
    grid: int
    channels: int
    backward: bool
    cold: bool
    dtype: str
    steps: int
    batch: int
    versions: tuple[str, ...]
    figures: tuple[Figure, ...]

    @property
    def ours(self) -> Figure | None:
        """The fastest figure of the fused kernels or, on a CPU, of oneDNN, forward with the weight packed beforehand.

        If there is none, the fastest figure of the reference.
        """
        return next((figure for name in (*OWN, "reference") for figure in self.of(name)), None)

    @property
    def others(self) -> Figure | None:
        """The fastest that `ours` is compared with: a port of the network, or any use of PyTorch's own layers.

        This excludes the one that packs its weight in each call, as `ours` does with the backward pass: PyTorch need
        not, and since it does more work than another contender it could only win by chance. It is shown alongside.
        """
        if self.table == "network":
            return next(iter(self.of("port")), None)
        left_out = (self.ours, *self.of(PYTORCH_PACKING))
        return next((f for f in self.figures if not f.is_own and f not in left_out), None)

    @property
    def compiled(self) -> bool:
        """Whether torch.compile took part."""
        return any(figure.contender.startswith("compiled") for figure in self.figures)

    @property
    def around(self) -> bool:
        """Whether every alternative to PyTorch's 3D convolutions took part."""
        return {figure.contender for figure in self.figures} >= set(AROUND)

    @property
    def speed_up(self) -> tuple[float, float, float] | None:
        """How many times as fast ours is: by the medians, then at least and at most, by the 20th and 80th percentiles.

        None if there is nothing to compare, if a baseline is missing that might have been the fastest, or if the error
        of either is much larger than the smallest one.
        """
        ours, others = self.ours, self.others
        if ours is None or others is None or (self.table == "recurrence" and not self._all_there()):
            return None
        if max(ours.error, others.error) > largest_error(self.table, self.backward, [f.error for f in self.figures]):
            return None
        return others.median / ours.median, others.p20 / ours.p80, others.p80 / ours.p20

    def _all_there(self) -> bool:
        graphs = {False, any(figure.graph for figure in self.figures)}
        there = {(figure.contender, figure.graph) for figure in self.figures}
        return there >= {(name, graph) for name in PLAIN for graph in graphs}

    def of(self, plain: str) -> list[Figure]:
        """The figures of `plain`, compiled, replayed from a graph or neither."""
        return [figure for figure in self.figures if figure.contender.removeprefix("compiled ") == plain]


def machines() -> dict[Path, dict[str, str]]:
    """The result files, GPUs first, each with its newest row, for the columns that name machine and versions."""
    newest = {file: max(read(file), key=lambda row: row["measured"]) for file in sorted(results.FOLDER.glob("*.csv"))}
    return dict(sorted(newest.items(), key=lambda item: not item[1]["cuda"]))


def l2_gbytes(file: Path) -> float | None:
    """The newest measurement of the L2 cache's bandwidth in GB/s, if there is one."""
    rows = [row for row in read(file) if (row["table"], row["what"]) == ("peak", "L2 cache")]
    return float(max(rows, key=lambda row: row["measured"])["peak_gbytes"]) if rows else None


def comparisons(file: Path) -> list[Stored]:
    """One measurement of each comparison in a result file, in the order of KEY.

    Among those with the newest measurement's kernels and versions, this is the last one with the most contenders: a
    later run without a fast baseline does not hide it.
    """
    by_key = defaultdict(lambda: defaultdict(list))
    for row in read(file):
        if row["table"] == "peak":
            continue
        key = tuple(int(row[name]) if row[name].isdigit() else row[name] for name in KEY)
        by_key[key][row["measured"]].append(row)
    found = []
    for key in sorted(by_key):
        races = by_key[key]
        newest = _made_with(races[max(races)][0])
        same = [when for when, rows in races.items() if _made_with(rows[0]) == newest]
        rows = races[max(same, key=lambda when: (len(races[when]), when))]
        values = dict(
            zip(KEY, (value == "True" if value in ("True", "False") else value for value in key), strict=True)
        )
        figures = sorted((_figure(row) for row in rows), key=lambda figure: figure.median)
        found.append(Stored(**values, versions=newest[1:], figures=tuple(figures)))
    return found


def _made_with(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("kernels", *VERSIONS))


_kernels_now = cache(fingerprint)  # the source does not change while the results are read


def _figure(row: dict[str, str]) -> Figure:
    numbers = {name: float(row[name]) for name in NUMBERS}
    return Figure(row["contender"], row["graph"] == "True", bool(row["cuda"]), row["kernels"], **numbers)
