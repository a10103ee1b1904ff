"""What a figure was measured on and with: the device, its driver, versions, the commit, the kernels."""

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
    """What a figure was measured on and with. kernels: a fingerprint of what convrnn3d ran there."""

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
            kernels=fingerprint(gpu),
            device=torch.cuda.get_device_name() if gpu else _cpu(),
            driver=_output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader") if gpu else "",
            torch=torch.__version__,
            cuda=(torch.version.cuda or torch.version.hip or "") if gpu else "",
            cudnn=str(torch.backends.cudnn.version() or "") if gpu else "",
            triton=_version("triton"),
        )


def stamped(machine: Machine) -> dict[str, object]:
    """What every row begins with: the time (UTC) and the machine, by column."""
    return {"measured": datetime.now(UTC).isoformat(timespec="microseconds")} | asdict(machine)


def _cpu() -> str:
    """Its name, what PyTorch makes use of in it (clouds give processors of several generations one name), threads."""
    return f"{_processor()}, {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"


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
