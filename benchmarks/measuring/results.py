"""Results: one row for each thing timed, appended to one CSV file for each machine, never edited."""

import csv
import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import convrnn3d
import torch
from convrnn3d.tuning import VARIABLE, architecture_of

from benchmarks.measuring.timing import Timing

FOLDER = Path(__file__).parents[1] / "results"
FOLDER_OF_KERNELS = Path(convrnn3d.__file__).parent


@dataclass(frozen=True)
class Machine:
    """What a figure was measured on and with. kernels: a fingerprint of convrnn3d's source and launch table."""

    commit: str
    kernels: str
    device: str
    driver: str
    torch: str
    cuda: str
    cudnn: str
    triton: str

    def knows(self, row: dict[str, str]) -> bool:
        """Whether a stored row is of this machine, its versions and its kernels, whatever the commit."""
        return all(row[name] == value for name, value in asdict(self).items() if name != "commit")

    @classmethod
    def here(cls, commit: str = "") -> "Machine":
        """commit: for a checkout without its history."""
        gpu = torch.cuda.is_available()
        return cls(
            commit=commit or _commit(),
            kernels=fingerprint(),
            device=torch.cuda.get_device_name() if gpu else f"{_processor()}, {torch.get_num_threads()} threads",
            driver=_output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader") if gpu else "",
            torch=torch.__version__,
            cuda=(torch.version.cuda or torch.version.hip or "") if gpu else "",
            cudnn=str(torch.backends.cudnn.version() or "") if gpu else "",
            triton=_version("triton"),
        )


@dataclass(frozen=True)
class Row:
    """One figure: what was timed, how long it took, how right it is, how much it does.

    what: the cell or the network; graph: replayed from a CUDA graph; cold: with a flushed L2 cache; backward: with the
    gradients, of a network with the optimiser's step, too. error: distance from float64, relative, of the worst result.
    bytes and operations (in millions) as `work` and `network_work` count them; efficiency: the floor over the median,
    at peaks (Tflop/s, GB/s) that were measured in the same run. Of the timing, in microseconds, the median, the 20th
    and 80th percentile and the number of rounds are kept.
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
        return self.contender + (" (graph)" if self.graph else "")

    def values(self) -> dict[str, object]:
        """By column."""
        found = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "timing"}
        return found | {name: getattr(self.timing, name) for name in TIMES} | {"rounds": len(self.timing.rounds)}


TIMES = ("median", "p20", "p80")
COLUMNS = (
    "measured",
    *(field.name for field in fields(Machine)),
    *(field.name for field in fields(Row) if field.name != "timing"),
    *TIMES,
    "rounds",
)


def append(rows: list[Row], machine: Machine, file: Path | None = None) -> Path:
    """Add rows that were timed side by side to the machine's file, or to `file`, stamped with the time (UTC)."""
    stamp = stamped(machine)
    return _append([stamp | row.values() for row in rows], file or file_of(machine.device))


def stamped(machine: Machine) -> dict[str, object]:
    """What every row begins with: the time (UTC) and the machine, by column."""
    return {"measured": datetime.now(UTC).isoformat(timespec="microseconds")} | asdict(machine)


def file_of(device: str) -> Path:
    """Where rows of a machine are kept."""
    return FOLDER / f"{re.sub('[^a-z0-9]+', '-', device.lower()).strip('-')}.csv"


def read(file: Path) -> list[dict[str, str]]:
    """The rows of a file. Raises ValueError if its columns are others."""
    with file.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{file} does not hold results: its columns are {reader.fieldnames}, not {COLUMNS}")
        return list(reader)


def adopt(file: Path) -> dict[Path, int]:
    """Append the rows of another result file to those kept here, but for those that are; how many went where."""
    rows, found = read(file), {}
    for device in {row["device"] for row in rows}:
        own = file_of(device)
        kept = read(own) if own.exists() else []
        new = [row for row in rows if row["device"] == device and row not in kept]
        found[_append(new, own)] = len(new)
    return found


def fingerprint() -> str:
    """Twelve digits that change with the source of convrnn3d or with any of its launch tables.

    A table that is named in the environment counts as that of this device's architecture, as which it may be kept.
    """
    sources = {file.name: file for pattern in ("*.py", "launches*.json") for file in FOLDER_OF_KERNELS.glob(pattern)}
    if named := os.environ.get(VARIABLE):
        architecture = architecture_of(torch.device("cuda")) if torch.cuda.is_available() else None
        sources[f"launches.{architecture}.json"] = Path(named)
    digest = hashlib.sha256()
    for name, file in sorted(sources.items()):
        digest.update(name.encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _append(rows: list[dict[str, object]], file: Path) -> Path:
    if file.exists():
        read(file)
    return add_rows([{name: _text(value) for name, value in row.items()} for row in rows], COLUMNS, file)


def add_rows(rows: Iterable[dict[str, object]], columns: Sequence[str], file: Path) -> Path:
    """Add rows to a CSV file, which begins with the names of its columns."""
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


def _processor() -> str:
    try:
        names = re.findall(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str:
    """Of the checkout; marked if anything but the results differs from it."""
    places = (":/", ":(top,exclude)benchmarks/results")
    changed = _output("git", "status", "--porcelain", "--untracked-files=no", "--", *places)
    return _output("git", "rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")


def _output(*command: str) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return result.stdout.strip().splitlines()[0] if result.stdout.strip() else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
