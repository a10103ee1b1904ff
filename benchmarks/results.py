"""Results: one row for each thing timed, appended to one CSV file for each machine."""

import csv
import platform
import re
import subprocess
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Machine:
    """What a figure was measured on and with."""

    commit: str
    device: str
    driver: str
    torch: str
    cuda: str
    cudnn: str
    triton: str

    @classmethod
    def here(cls) -> "Machine":
        gpu = torch.cuda.is_available()
        return cls(
            commit=_output("git", "describe", "--always", "--dirty"),
            device=torch.cuda.get_device_name() if gpu else f"{_processor()}, {torch.get_num_threads()} threads",
            driver=_output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader") if gpu else "",
            torch=torch.__version__,
            cuda=(torch.version.cuda or torch.version.hip or "") if gpu else "",
            cudnn=str(torch.backends.cudnn.version() or "") if gpu else "",
            triton=_version("triton"),
        )

    @property
    def file(self) -> Path:
        """Where rows of this machine are kept."""
        return FOLDER / f"{re.sub('[^a-z0-9]+', '-', self.device.lower()).strip('-')}.csv"


@dataclass(frozen=True)
class Row:
    """One figure. Times in microseconds; bytes and operations (in millions) of what was timed, as `work` counts them.

    error: distance from float64, relative, of the worst result; efficiency: floor over median, against `peaks`.
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
    median: float
    p20: float
    p80: float
    error: float | None
    peak_mib: float | None
    bytes: float | None
    useful_mflop: float | None
    nominal_mflop: float | None
    efficiency: float | None


def append(rows: list[Row], machine: Machine, file: Path | None = None) -> Path:
    """Add rows to the machine's file, or to `file`, under the header it begins with."""
    file = file or machine.file
    file.parent.mkdir(parents=True, exist_ok=True)
    names = [field.name for kind in (Machine, Row) for field in fields(kind)]
    begun = file.exists()
    with file.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        if not begun:
            writer.writeheader()
        for row in rows:
            values = asdict(machine) | asdict(row)
            writer.writerow({name: _text(value) for name, value in values.items()})
    return file


def read(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


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
