"""The machine and software of a measurement: device, driver, versions, commit, kernels."""

import platform
import re
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from benchmarks.measuring.fingerprint import fingerprint


@dataclass(frozen=True)
class Machine:
    """The machine and software of a measurement. kernels: the fingerprint of the convrnn3d that ran there."""

    commit: str
    kernels: str
    device: str
    driver: str
    torch: str
    cuda: str
    cudnn: str
    triton: str

    def knows(self, row: dict[str, str]) -> bool:
        """Whether a stored row is from this machine with the same versions and kernels, whatever the commit."""
        return all(row[name] == value for name, value in asdict(self).items() if name != "commit")

    @classmethod
    def here(cls, commit: str = "") -> "Machine":
        """The current machine. commit: for a checkout without its history."""
        gpu = torch.cuda.is_available()
        return cls(
            commit=commit or _commit(),
            kernels=fingerprint(gpu),
            device=torch.cuda.get_device_name() if gpu else _cpu(),
            driver=_output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader") if gpu else "",
            torch=torch.__version__,
            cuda=(torch.version.cuda or torch.version.hip or "") if gpu else "",
            cudnn=str(torch.backends.cudnn.version() or "") if gpu else "",
            triton=_version("triton"),
        )


def stamped(machine: Machine) -> dict[str, object]:
    """The first columns of every row: the time (UTC) and the machine."""
    return {"measured": datetime.now(UTC).isoformat(timespec="microseconds")} | asdict(machine)


def _cpu() -> str:
    """The CPU's name, the instruction set that PyTorch uses (clouds give several generations one name), and threads."""
    return f"{_processor()}, {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"


def _processor() -> str:
    try:
        names = re.findall(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str:
    """The checkout's commit, marked as dirty if anything except the results differs from it."""
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
