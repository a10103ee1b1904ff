"""Launch choices: which tiles, warps and stages a kernel is launched with, from one small table.

For each kernel and kind of operand, a table has a list of choices, each for batches up to a size B or, for the weight
gradient, up to a number of (b, t), whose rows it sums. A choice depends on nothing that changes from call to call
except this bracket, so that no first batch is spent on tuning, and a change of B or T within a bracket compiles nothing
new (except across `SMALL_BATCH`, if launches are told to overlap, and, from zeros, across `FEW_STEPS`).
`launches.sm_90.json` is for NVIDIA's GPUs whose multiprocessors have 227 KB of shared memory (benchmarks/NOTES.md says
what of it was timed, on sm_90). `launches.99KB.json` is for NVIDIA's others from sm_80 on, which have at least 99
KB. `launches.json` is for all others, and fits the smallest. `python -m benchmarks.tune` times choices on a GPU and
writes its architecture's file, which takes precedence over these. The environment variable CONVRNN3D_LAUNCHES names a
file to use in place of any of them.
"""

import ctypes
import json
import os
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import torch

KINDS = {torch.bfloat16: "half", torch.float16: "half", torch.float32: "ieee"}
FOLDER = Path(__file__).parent
SMALLEST = 16  # side of a tile that tl.dot takes
LONGEST = 8  # voxels of a tile's lines
SMALL_BATCH = 8  # up to which launches of a step overlap by default
# Sequences from zeros of up to this many steps leave step 0 out of the weight's gradient, to which it adds nothing.
# Finding the (b, t) of a row then takes a ninth more instructions in a turn (benchmarks/NOTES.md).
FEW_STEPS = 8
# Environment variables: a table to use in place of the installed one; whether launches overlap, 1 or 0.
VARIABLE, DEPENDENT = "CONVRNN3D_LAUNCHES", "CONVRNN3D_DEPENDENT_LAUNCH"


@dataclass(frozen=True)
class Launch:
    """A program's tile of the result, rows x channels; inner channels in a turn of its loop; warps, pipeline stages.

    batch: the largest batch this is for, None for all. shared: along this many axes, x first, taps are divided among
    programs; lines: the rows are whole lines along z; see `convolution`. For the weight gradient, batch counts (b, t),
    rows are those of a turn, and there are as many input channels as output channels; lines: a turn's rows are of one
    voxel, see `wgrad`.
    """

    batch: int | None
    rows: int
    channels: int
    inner: int
    warps: int
    stages: int
    shared: int = 0
    lines: bool = False

    def __post_init__(self) -> None:
        if self.lines and self.shared == 3:
            raise ValueError(f"lines hold all taps along z, so shared must be at most 2: {self}")

    @cached_property
    def options(self) -> dict[str, int]:
        """Triton's launch options."""
        return {"num_warps": self.warps, "num_stages": self.stages}

    @cached_property
    def undivided(self) -> "Launch":
        """This launch for state kernels of one tap: there are no taps to divide, and no source serves three."""
        return replace(self, shared=0, lines=False)

    def fitted(self, channels: int, depth: int | None = None) -> "Launch":
        """This launch with tiles no larger than `channels` needs; with lines only if the grid's `depth`, if given,
        allows it.
        """
        lines_fit = depth is None or 1 < depth <= LONGEST
        if self.channels <= channels >= self.inner and (lines_fit or not self.lines):
            return self
        return self._resized(channels, lines_fit)

    @cache  # noqa: B019, there are only as many as the table has launches
    def _resized(self, channels: int, lines: bool) -> "Launch":
        enough = max(SMALLEST, 1 << (channels - 1).bit_length())
        fits = {"channels": min(self.channels, enough), "inner": min(self.inner, enough)}
        return replace(self, **fits, lines=self.lines and lines)


def kind_of(dtype: torch.dtype, precision: str) -> str:
    """The kind of operand: half (bfloat16, float16), tf32 or ieee."""
    return precision if dtype == torch.float32 else KINDS[dtype]


def first_kept(steps: int, has_state: bool, traced: bool) -> int:
    """The first step whose sources are saved for backward: 1 where those of step 0 are left out, else 0.

    traced: whether a compiler traces the call; the number of steps must then make no difference to what is compiled.
    """
    return int(not has_state and not traced and steps <= FEW_STEPS)


def supported(precision: str, architecture: str) -> str:
    """`precision`, or ieee where matrix units have no tf32: NVIDIA's have it from sm_80 on, AMD's only in gfx942."""
    has_tf32 = architecture == "gfx942" or capability(architecture) >= 80
    return precision if has_tf32 else "ieee"


@cache
def architecture_of(device: torch.device) -> str | None:
    """A GPU's architecture, such as "sm_90" or "gfx942"; None for any other device."""
    if device.type != "cuda":
        return None
    if torch.version.hip is not None:
        return torch.cuda.get_device_properties(device).gcnArchName.split(":")[0]
    major, minor = torch.cuda.get_device_capability(device)
    return f"sm_{major}{minor}"


def capability(architecture: str | None) -> int:
    """An NVIDIA GPU's compute capability, such as 90 for "sm_90"; 0 for any other device."""
    return int(architecture.removeprefix("sm_")) if architecture and architecture.startswith("sm_") else 0


def dependent_launch(device: torch.device, batch: int) -> bool:
    """Whether a launch begins before the preceding one has ended: where that is possible, and DEPENDENT is 1, or is
    not set and the batch is small.
    """
    asked, architecture = os.environ.get(DEPENDENT), architecture_of(device)
    able = overlaps_unasked(architecture, batch) if asked is None else asked == "1" and overlaps(architecture)
    return able and _captures_overlap()


def overlaps_unasked(architecture: str | None, batch: int) -> bool:
    """Whether launches overlap by default: in small batches, which it shortens on an H200, others hardly or not
    (benchmarks/NOTES.md).
    """
    return batch <= SMALL_BATCH and overlaps(architecture)


def has_special_unit(architecture: str | None) -> bool:
    """Whether an architecture has NVIDIA's special function unit, with an instruction for tanh: from sm_75 on."""
    return capability(architecture) >= 75


def overlaps(architecture: str | None) -> bool:
    """Whether an architecture's launches can overlap: from sm_90 on."""
    return capability(architecture) >= 90


@cache
def _captures_overlap() -> bool:
    """Whether the driver can capture launches that overlap: from CUDA 12.3 on."""
    version = ctypes.c_int()
    try:
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except OSError:
        return False
    return version.value >= 12030


def table_file(architecture: str | None) -> Path:
    """The file of the launch table in use for an architecture, which is as `architecture_of` returns it."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    own, fitting = (FOLDER / f"launches.{name}.json" for name in (architecture, _fitting(architecture)))
    return next((file for file in (own, fitting) if file.exists()), FOLDER / "launches.json")


def _fitting(architecture: str | None) -> str | None:
    """The name of a table whose tiles fit the shared memory of an architecture that has none of its own."""
    number = capability(architecture)
    return None if number < 80 else "sm_90" if 90 <= number < 120 else "99KB"


@cache
def table(architecture: str | None = None) -> dict[str, dict[str, tuple[Launch, ...]]]:
    """Launches by kernel and kind of operand."""
    stored = json.loads(table_file(architecture).read_text(encoding="utf-8"))["launches"]
    return {
        kernel: {kind: tuple(Launch(**launch) for launch in launches) for kind, launches in kinds.items()}
        for kernel, kinds in stored.items()
    }


@cache
def choose(kernel: str, kind: str, batch: int, channels: int, architecture: str | None = None) -> Launch:
    """The launch of `kernel` (a key of the table) for operands of `kind`."""
    launches = table(architecture)[kernel][kind]
    return next(launch for launch in launches if launch.batch is None or batch <= launch.batch).fitted(channels)
