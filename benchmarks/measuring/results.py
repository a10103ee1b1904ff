"""Results: one row per timing, appended to one CSV file per machine, never edited."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from benchmarks.measuring.machine import Machine, stamped
from benchmarks.measuring.timing import Timing

FOLDER = Path(__file__).parents[1] / "results"
GRAPH = " (graph)"  # after a contender's name: replayed from a CUDA graph


@dataclass(frozen=True)
class Row:
    """One figure: what was timed, how long it took, its error, its amount of work.

    what: the cell or the network; graph: replayed from a CUDA graph; cold: with a flushed L2 cache; backward: with the
    gradients, for a network also with the optimiser's step. error: relative distance from float64 of the worst result.
    bytes and operations (in millions) are counted by `work` and `network_work`; efficiency: the floor over the median,
    at peaks (Tflop/s, GB/s) measured in the same run. Of the timing, in microseconds, the median, the 20th and 80th
    percentile and the number of rounds are stored.
    """

    table: str
    what: str
    contender: str
    graph: bool
    cold: bool
    batch: int
    steps: int
    grid: int
    channels: int
    dtype: str
    precision: str
    backward: bool
    error: float
    peak_mib: float
    bytes: float
    useful_mflop: float
    nominal_mflop: float
    peak_tflops: float
    peak_gbytes: float
    efficiency: float
    timing: Timing

    @property
    def name(self) -> str:
        return name_of(self.contender, self.graph)

    def values(self) -> dict[str, object]:
        """The stored values by column."""
        found = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "timing"}
        return found | {name: getattr(self.timing, name) for name in TIMES} | {"rounds": len(self.timing.rounds)}


def name_of(contender: str, graph: bool) -> str:
    return contender + GRAPH * graph


TIMES = ("median", "p20", "p80")
COLUMNS = (
    "measured",
    *(field.name for field in fields(Machine)),
    *(field.name for field in fields(Row) if field.name != "timing"),
    *TIMES,
    "rounds",
)


def append(rows: list[Row], machine: Machine, file: Path | None = None) -> Path:
    """Append rows timed side by side to the machine's file, or to `file`, stamped with the time (UTC)."""
    stamp = stamped(machine)
    return _append([stamp | row.values() for row in rows], file or file_of(machine.device))


def file_of(device: str) -> Path:
    """The file for the rows of a device."""
    return FOLDER / f"{re.sub('[^a-z0-9]+', '-', device.lower()).strip('-')}.csv"


def read(file: Path) -> list[dict[str, str]]:
    """The rows of a file. Raises ValueError if it has other columns."""
    with file.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{file} is not a results file: its columns are {reader.fieldnames}, not {COLUMNS}")
        return list(reader)


def adopt(file: Path) -> dict[Path, int]:
    """Append the rows of another result file to the stored ones, without duplicates; return the count for each file."""
    rows, found = read(file), {}
    for device in {row["device"] for row in rows}:
        own = file_of(device)
        kept = read(own) if own.exists() else []
        new = [row for row in rows if row["device"] == device and row not in kept]
        found[_append(new, own)] = len(new)
    return found


def _append(rows: list[dict[str, object]], file: Path) -> Path:
    if file.exists():
        read(file)
    return add_rows([{name: _text(value) for name, value in row.items()} for row in rows], COLUMNS, file)


def add_rows(rows: Iterable[dict[str, object]], columns: Sequence[str], file: Path) -> Path:
    """Append rows to a CSV file; a new file begins with the column names."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        if not stream.tell():
            writer.writeheader()
        writer.writerows(rows)
    return file


def _text(value: object) -> object:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else value
