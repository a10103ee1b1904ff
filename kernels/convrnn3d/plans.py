"""How a step's kernels are launched: it depends only on a call's sizes, and is found once for all steps and calls."""

from functools import lru_cache
from typing import Any, NamedTuple

from convrnn3d.lines import rows_of_line
from convrnn3d.places import Phase, Shape, Tile
from convrnn3d.tuning import SMALL_BATCH, Launch

# Kernels that multiply nothing: those that add up the parts, up to 27 values for each sum, and those that start from
# zeros. With 27 values, a thread adds up one sum; with 128 channels on a 4x4x4 grid, one sample has 128 programs.
ADD_PARTS = {
    1: Launch(None, rows=8, channels=64, inner=16, warps=4, stages=1, shared=1),
    2: Launch(None, rows=2, channels=64, inner=16, warps=4, stages=1, shared=2),
    3: Launch(None, rows=2, channels=32, inner=16, warps=2, stages=1, shared=3),
}
FROM_ZEROS = Launch(None, rows=32, channels=32, inner=16, warps=4, stages=1)


class Sizes(NamedTuple):
    """What the launches of a call depend on besides their tiles; see `Sequence` and `places.Tile`."""

    batch: int
    shape: Shape
    precision: str
    exact: bool
    dependent: bool = False
    special_unit: bool = False


class Plan(NamedTuple):
    """A launch: its number of programs, its kernel's last parameters, Triton's options."""

    blocks: int
    constants: dict[str, Any]
    options: dict[str, int]


class Convolution(NamedTuple):
    """A kernel's launch and, if programs share taps, that of `conv_parts` before it and the shape of the parts."""

    kernel: Plan
    parts: Plan | None = None
    parts_shape: tuple[int, ...] = ()


@lru_cache(maxsize=4096)
def plan(sizes: Sizes, launch: Launch, phase: Phase, from_zeros: bool) -> Convolution:
    """Plan a kernel that begins with the convolution `phase`, or with zeros; `launch` was chosen for it."""
    launch = launch if sizes.shape.SIDE > 1 else launch.undivided
    parts, shape = None, ()
    if launch.shared:
        side, voxels = sizes.shape.SIDE, sizes.shape.X * sizes.shape.Y * sizes.shape.Z
        number = side**launch.shared
        shape = sizes.batch, voxels, number, phase.sums, sizes.shape.C
        parts = _plan(sizes, launch, phase, number)
        launch = ADD_PARTS[launch.shared]
    any_voxel = from_zeros or parts is not None or sizes.shape.SIDE == 1  # rows are of any voxels, not of one
    return Convolution(_plan(sizes, launch, phase, 1, any_voxel), parts, shape)


def _plan(sizes: Sizes, launch: Launch, phase: Phase, number: int, any_voxel: bool = True) -> Plan:
    """A launch of `number` times as many programs as there are tiles."""
    x, y, z, channels, _ = sizes.shape
    launch = launch.fitted(channels, z)
    if launch.lines:
        tiles = _cdiv(sizes.batch * x * y, launch.rows // rows_of_line(z))
    elif any_voxel:  # fewer of a part's tiles have a source
        tiles = _cdiv(sizes.batch * x * y * z, launch.rows)
    else:
        tiles = x * y * z * _cdiv(sizes.batch, launch.rows)
    tile = Tile(
        launch.rows, launch.channels, launch.inner, sizes.precision, launch.lines, launch.shared, sizes.exact,
        sizes.dependent, sizes.dependent and sizes.batch <= SMALL_BATCH, sizes.special_unit,
    )  # fmt: skip
    constants = {"SHAPE": sizes.shape, "PHASE": phase, "TILE": tile}
    options = launch.options | {"launch_pdl": True} if sizes.dependent else launch.options
    return Plan(number * tiles * _cdiv(channels, launch.channels), constants, options)


def _cdiv(a: int, b: int) -> int:
    return -(-a // b)  # not triton.cdiv, which goes through Triton's wrapper of constants each time
