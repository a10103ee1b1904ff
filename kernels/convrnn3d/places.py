"""What a program owns, and how it reads and writes grids there.

A place is where a tile of rows x channels is in the grids, a tuple (b, v, n, exists, along):

    b, v    (rows) sample and voxel of each row, int32
    n       (channels)
    exists  (rows, channels) which of the tile's elements are inside
    along   how many voxels further along z than v, a constant: the places of a line differ only in it

Kernels read and write grids at a place through a Slot. (Triton 3.6 forgets the names of a named tuple's fields if it is
made in a kernel.)
"""

from typing import NamedTuple

import triton
import triton.language as tl

INTERPRETED = tl.constexpr(triton.knobs.runtime.interpret)
GATES = tl.constexpr(3)  # of either cell


class Shape(NamedTuple):
    """Sides of the grid, channels, and the side of the state kernels, 1 or 3."""

    X: int
    Y: int
    Z: int
    C: int
    SIDE: int


class Phase(NamedTuple):
    """A launch's convolution: that of `count` gates from `first` on or, if transposed, the sum of their adjoints.

    sums: the number of its sums, one for each gate or, if transposed, one in all.
    """

    first: int
    count: int  # type: ignore[assignment]  # in place of a tuple's method
    transposed: bool
    sums: int

    @classmethod
    def of(cls, first: int, count: int, transposed: bool = False) -> "Phase":
        return cls(first, count, transposed, 1 if transposed else count)


class Tile(NamedTuple):
    """What a program owns, rows x channels; inner: the number of input channels in a turn.

    precision: how float32 is multiplied, ieee or tf32. lines: the rows are whole lines along z. shared: along this many
    of the axes x, y, z, the first ones, taps are divided among programs. exact: results must be as accurate as float32.
    dependent: the launch begins before the preceding one has ended; early: it lets the next one begin at once, not
    after its loop. special_unit: the GPU has NVIDIA's special function unit, with an instruction for tanh.
    """

    rows: int
    channels: int
    inner: int
    precision: str
    lines: bool = False
    shared: int = 0
    exact: bool = False
    dependent: bool = False
    early: bool = False
    special_unit: bool = False


@triton.jit
def wait(TILE: tl.constexpr):
    """Wait until all earlier launches have ended and their results can be read; `early` ones let the next begin first.

    Called before the first access to memory and after everything that needs none, which thus overlaps the preceding
    launch. The first store has to wait, too: a step overwrites slots of gates and of sources that the preceding step
    still reads.
    """
    if TILE.dependent:
        if TILE.early:
            tl.extra.cuda.gdc_launch_dependents()
        tl.extra.cuda.gdc_wait()


@triton.jit
def let_next_begin(TILE: tl.constexpr):
    """Let the next launch begin, unless `wait` did; after the loop, so that it takes no multiprocessor from it."""
    if TILE.dependent and not TILE.early:
        tl.extra.cuda.gdc_launch_dependents()


@triton.jit
def place_of(b, v, exists, first, SHAPE: tl.constexpr, TILE: tl.constexpr):
    """The place of rows (b, v), as far as they exist, from channel `first` on."""
    n = first + tl.arange(0, TILE.channels)
    return b, v, n, exists[:, None] & (n < SHAPE.C)[None, :], 0


@triton.jit
def offsets(slot, b, v, SHAPE: tl.constexpr):
    """Offsets (rows), int64, of voxels in a Slot's tensor."""
    V: tl.constexpr = SHAPE.X * SHAPE.Y * SHAPE.Z
    return (b * slot.slots + slot.slot).to(tl.int64) * (V * SHAPE.C) + v * SHAPE.C


@triton.jit
def pointers(slot, place, GATE: tl.constexpr, SHAPE: tl.constexpr):
    """Pointers (rows, channels) to a place in the grid GATE slots after the one that a Slot refers to.

    The constant is added last, so that gates, and voxels along z, share an address and differ in an instruction's own
    offset.
    """
    b, v, n, _, along = place
    V: tl.constexpr = SHAPE.X * SHAPE.Y * SHAPE.Z
    return slot.tensor + offsets(slot, b, v, SHAPE)[:, None] + n[None, :] + (GATE * V + along) * SHAPE.C


@triton.jit
def read(slot, place, GATE: tl.constexpr, SHAPE: tl.constexpr):
    """Read (rows, channels) as float32, where the tile exists."""
    exists = place[3]
    if slot.tensor is None:
        return tl.zeros((exists.shape[0], exists.shape[1]), tl.float32)
    else:
        return as_float(tl.load(pointers(slot, place, GATE, SHAPE), exists))


@triton.jit
def as_float(x):
    """x in float32; bfloat16 by its bits, where the upper one of two in a register takes one instruction, not two."""
    if x.dtype == tl.bfloat16:
        x = (x.to(tl.uint16, bitcast=True).to(tl.uint32) << 16).to(tl.float32, bitcast=True)
    else:
        x = x.to(tl.float32)
    return x


@triton.jit
def write(slot, place, GATE: tl.constexpr, x, SHAPE: tl.constexpr):
    if slot.tensor is not None:
        store(pointers(slot, place, GATE, SHAPE), x, place[3])


@triton.jit
def write_factor(slot, place, GATE: tl.constexpr, x, SHAPE: tl.constexpr, TILE: tl.constexpr):
    """`write` what a product will read, rounded for tf32."""
    PRECISION: tl.constexpr = TILE.precision  # Triton 3.6 would pass TILE.precision on as a string, not as a constant
    if slot.tensor is not None:
        store(pointers(slot, place, GATE, SHAPE), as_factor(x, PRECISION), place[3])


@triton.jit
def seen(mask, place, T, t):
    """(rows, 1): whether step t of a row's sample is present in the mask (B, T)."""
    return tl.load(mask + place[0] * T + t)[:, None] != 0


@triton.jit
def store(pointer, x, exists):
    """tl.store, rounding to nearest also in Triton's interpreter, which would truncate bfloat16: twice as far off."""
    if INTERPRETED and pointer.dtype.element_ty == tl.bfloat16:
        bits = x.to(tl.int32, bitcast=True)
        x = ((bits + 0x7FFF + ((bits >> 16) & 1)) & -0x10000).to(tl.float32, bitcast=True)
    tl.store(pointer, x, exists)


@triton.jit
def as_factor(x, PRECISION: tl.constexpr):
    """x as a product should read it: for tf32, rounded to nearest here, since the matrix units truncate.

    Truncated factors are all too small, and their products more than twice as far from float64 as those of rounded ones
    (tests/convrnn3d/test_kernels.py).
    """
    if PRECISION == "tf32":
        bits = x.to(tl.int32, bitcast=True)
        rounded = ((bits + 0x1000) & -0x2000).to(tl.float32, bitcast=True)
        x = tl.where(x == x, rounded, x)  # NaN's bits would carry over into the sign
    return x
