"""Compare the model of `launches` with launches that were timed.

    python -m benchmarks.work.outcomes [FILE ...]

A file holds the timings of `benchmarks.tune --timings FILE`, a row for each candidate; the stored ones are in
`benchmarks/results/tilings`. This prints each candidate's time, the model's and their ratio; for each kernel, the
candidate that the model would pick; and the spread of the ratios, as the standard deviation of their logarithms.
"""

import csv
import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import chain, groupby
from pathlib import Path

from convrnn3d.tuning import Launch

from benchmarks.measuring.machine import Machine, stamped
from benchmarks.measuring.options import command, existing
from benchmarks.measuring.results import FOLDER, add_rows
from benchmarks.work.candidates import predicted

KEPT = FOLDER / "tilings"
LAUNCH = tuple(field.name for field in fields(Launch) if field.name != "batch")


@dataclass(frozen=True)
class Timed:
    """A candidate for a kernel (a key of the launch table) at a batch size, and its median."""

    kernel: str
    kind: str
    batch: int
    launch: Launch
    microseconds: float

    def values(self) -> dict[str, object]:
        """The stored values by column, in order."""
        launch = {name: int(value) for name, value in asdict(self.launch).items() if name in LAUNCH}
        named = {"kernel": self.kernel, "kind": self.kind, "batch": self.batch}
        return named | launch | {"microseconds": round(self.microseconds, 2)}


def append(timed: Iterable[Timed], machine: Machine, file: Path) -> None:
    """Append rows to a file, stamped with the machine and the time (UTC)."""
    stamp = stamped(machine)
    rows = [stamp | one.values() for one in timed]
    if rows:
        add_rows(rows, tuple(rows[0]), file)


def read(file: Path) -> Iterator[Timed]:
    with file.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            choice = {name: int(row[name]) for name in LAUNCH} | {"lines": row["lines"] == "1"}
            launch = Launch(None, **choice)
            yield Timed(row["kernel"], row["kind"], int(row["batch"]), launch, float(row["microseconds"]))


def main() -> None:
    parser = command("work.outcomes", __doc__)
    parser.add_argument("files", nargs="*", type=existing, default=sorted(KEPT.glob("*.csv")), metavar="FILE")
    options = parser.parse_args()
    distances: dict[str, list[float]] = {}  # by the way the work is shared out
    by_kernel = groupby(
        (one for file in options.files for one in read(file)), lambda one: (one.kernel, one.kind, one.batch)
    )
    for (kernel, kind, batch), group in by_kernel:
        expected = {one.launch: (one.microseconds, predicted(kernel, kind, batch, one.launch)) for one in group}
        print(f"{kernel} {kind} B {batch}{'measured':>38}{'model':>8}{'ratio':>8}")
        for launch, (took, model) in sorted(expected.items(), key=lambda item: item[1]):
            distances.setdefault(way(launch), []).append(math.log(model / took))
            print(f"  {tile(launch):44}{took:14.2f}{model:8.1f}{model / took:8.2f}")
        first, picked = min(expected.values()), min(expected.values(), key=lambda pair: pair[1])
        print(f"  fastest {first[0]:.2f}, the model's pick {picked[0]:.2f}\n")
    for name, found in [*sorted(distances.items()), ("all", [*chain(*distances.values())])]:
        if found:
            bias, spread = math.exp(statistics.mean(found)), statistics.pstdev(found)
            print(f"{name}: {len(found)} launches, model / measured {bias:.2f}, spread {spread:.2f}")


def tile(launch: Launch) -> str:
    return f"{launch.rows} x {launch.channels} x {launch.inner}, {launch.warps}/{launch.stages}, {way(launch)}"


def way(launch: Launch) -> str:
    """How the work is shared out over programs, see `convrnn3d.convolution`."""
    by = "by line" if launch.lines else "by row" if launch.shared else "by voxel"
    return f"{by}, in {3**launch.shared} parts" if launch.shared else by


if __name__ == "__main__":
    main()
