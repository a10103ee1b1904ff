"""Launch choices: which tiles, warps and stages a kernel is launched with, from one small table.

A table is for each kernel and kind of operand a list of choices, each good up to a batch size B; the weight gradient's
up to a number of (b, t), whose rows it sums. A choice depends on nothing that changes from call to call but the
bracket, so that no first batch is spent on tuning, and a change of B or T compiles nothing new within one (but across
`SMALL_BATCH`, if launches are told to overlap; and, from zeros, across `FEW_STEPS`).
`launches.sm_90.json` is for NVIDIA's GPUs whose multiprocessors have 227 KB of shared memory (what of it was timed, on
sm_90, benchmarks/NOTES.md says), `launches.99KB.json` for its others from sm_80 on, which have that much at least, and
`launches.json` for all the rest, and fits the smallest. `python -m benchmarks.tune` times choices on a GPU and writes
its architecture's file, which goes before these. The environment variable CONVRNN3D_LAUNCHES names another file to be
used in place of any.
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
SMALL_BATCH = 8  # up to which launches of a step overlap if nothing else is said
# Steps up to which those from zeros leave step 0 out of the weight's gradient, which its zeros add nothing to: to find
# the (b, t) of a row takes a ninth more instructions a turn then (benchmarks/NOTES.md).
FEW_STEPS = 8
# Of the environment: a table to use in place of the one that is installed; whether launches overlap, 1 or 0.
VARIABLE, DEPENDENT = "CONVRNN3D_LAUNCHES", "CONVRNN3D_DEPENDENT_LAUNCH"


@dataclass(frozen=True)
class Launch:
    """rows x channels of a program's tile of the result, inner channels a turn of its loop; warps, pipeline stages.

    batch: the largest batch this is for, None for all. shared: along so many axes, x first, taps are shared out over
    programs; lines: the rows are whole lines along z; see `convolution`. Of the weight gradient, batch is of (b, t),
    rows are a turn's, and input channels as many as output channels; lines: a turn's rows are of one voxel, see
    `wgrad`.
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
            raise ValueError(f"taps along z are a line's, and cannot be shared out: {self}")

    @cached_property
    def options(self) -> dict[str, int]:
        """Triton's."""
        return {"num_warps": self.warps, "num_stages": self.stages}

    @cached_property
    def undivided(self) -> "Launch":
        """This launch for state kernels of one tap: nothing to share out, nothing to read once for three."""
        return replace(self, shared=0, lines=False)

    def fitted(self, channels: int, depth: int | None = None) -> "Launch":
        """This launch with tiles no larger than `channels` needs; of lines only where the grid's `depth`, if any is
        given, allows it.
        """
        lines_fit = depth is None or 1 < depth <= LONGEST
        if self.channels <= channels >= self.inner and (lines_fit or not self.lines):
            return self
        return self._resized(channels, lines_fit)

    @cache  # noqa: B019, of which there are as many as lines in the table
    def _resized(self, channels: int, lines: bool) -> "Launch":
        enough = max(SMALLEST, 1 << (channels - 1).bit_length())
        fits = {"channels": min(self.channels, enough), "inner": min(self.inner, enough)}
        return replace(self, **fits, lines=self.lines and lines)


def kind_of(dtype: torch.dtype, precision: str) -> str:
    """The kind of operand: half (bfloat16, float16), tf32 or ieee."""
    return precision if dtype == torch.float32 else KINDS[dtype]


def first_kept(steps: int, has_state: bool, traced: bool) -> int:
    """The step that the sources kept for a backward pass begin with: 1 where those of step 0 are left out.

    traced: by a compiler, to which the number of steps, that of other calls, too, is to make no difference.
    """
    return int(not has_state and not traced and steps <= FEW_STEPS)


def supported(precision: str, architecture: str) -> str:
    """`precision`, or ieee where matrix units have no tf32: NVIDIA's have it from sm_80 on, of AMD's gfx942 alone."""
    amd = architecture.startswith("gfx")
    has_tf32 = architecture == "gfx942" if amd else int(architecture.removeprefix("sm_")) >= 80
    return precision if has_tf32 else "ieee"


@cache
def architecture_of(device: torch.device) -> str | None:
    """A GPU's, as "sm_90" or "gfx942"; None for any other device."""
    if device.type != "cuda":
        return None
    if torch.version.hip is not None:
        return torch.cuda.get_device_properties(device).gcnArchName.split(":")[0]
    major, minor = torch.cuda.get_device_capability(device)
    return f"sm_{major}{minor}"


def dependent_launch(device: torch.device, batch: int) -> bool:
    """Whether a launch begins before the one before it has ended: where that can be, and DEPENDENT says 1, or nothing
    and the batch is small.
    """
    asked, architecture = os.environ.get(DEPENDENT), architecture_of(device)
    able = overlaps_unasked(architecture, batch) if asked is None else asked == "1" and overlaps(architecture)
    return able and _captures_overlap()


def overlaps_unasked(architecture: str | None, batch: int) -> bool:
    """Of small batches: these it made shorter on an H200, others hardly or not (benchmarks/NOTES.md)."""
    return batch <= SMALL_BATCH and overlaps(architecture)


def has_special_unit(architecture: str | None) -> bool:
    """Whether its GPUs have NVIDIA's special function unit, with an instruction for tanh: from sm_75 on."""
    return (architecture or "").startswith("sm_") and int(architecture.removeprefix("sm_")) >= 75


def overlaps(architecture: str | None) -> bool:
    """Whether its launches can: from sm_90 on."""
    return (architecture or "").startswith("sm_") and int(architecture.removeprefix("sm_")) >= 90


@cache
def _captures_overlap() -> bool:
    """Whether the driver can capture launches that overlap, which it can from CUDA 12.3 on."""
    version = ctypes.c_int()
    try:
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except OSError:
        return False
    return version.value >= 12030


def table_file(architecture: str | None) -> Path:
    """Of the launch table in use on GPUs of an architecture, for whose name see `architecture_of`."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    own, fitting = (FOLDER / f"launches.{name}.json" for name in (architecture, _fitting(architecture)))
    return next((file for file in (own, fitting) if file.exists()), FOLDER / "launches.json")


def _fitting(architecture: str | None) -> str | None:
    """The name of a table whose tiles fit the shared memory of an architecture that has none of its own."""
    number = int(architecture.removeprefix("sm_")) if (architecture or "").startswith("sm_") else 0
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
