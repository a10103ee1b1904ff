"""The convolution inside every kernel: tiles of W * h and of W^T * da, summed over tap boxes.

A tile has rows, each a sample b at a voxel v, and output channels n. Two ways to share the work out (DERIVATION.md,
rows, products and launches):

    by voxel   a program owns one voxel of several samples, and runs through the voxel's box of taps. No tap leaves
               the grid, so the loop multiplies no zero and tests no mask. Or it owns a line of voxels along z, for many
               samples: what it reads is in several products then.
    by tap     a program owns one tap, and rows of every voxel that the tap does not leave the grid from; what the
               taps add up to is summed by the next kernel, always in the same order (a tree). For a few samples, where
               a voxel alone has too few rows.

A 1x1x1 convolution has one tap, which no voxel leaves the grid by: a program owns rows of any voxels.
"""

import triton
import triton.language as tl

from convrnn3d.places import wait
from convrnn3d.products import convolve_box, convolve_line


@triton.jit
def convolution(
    source,  # Slot: what is convolved; without a tensor, zeros
    weight,  # as for convolve_box
    parts,  # what conv_taps left, or None
    B,
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """What this program owns: places, one for each voxel of a line, and the sums at each.

    Sums are the convolution of each gate or, transposed, in all.
    """
    X: tl.constexpr = SHAPE.X
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    ROWS: tl.constexpr = TILE.rows
    CHANNELS: tl.constexpr = TILE.channels
    LINE: tl.constexpr = TILE.line
    V: tl.constexpr = X * Y * Z
    R: tl.constexpr = SIDE // 2
    blocks: tl.constexpr = (C + CHANNELS - 1) // CHANNELS
    separate: tl.constexpr = 1 if PHASE.transposed else PHASE.count
    wait(TILE)
    program = tl.program_id(0)
    first = program % blocks * CHANNELS
    n = first + tl.arange(0, CHANNELS)
    program = program // blocks
    if SIDE == 1 or parts is not None or source.tensor is None:
        row = program * ROWS + tl.arange(0, ROWS)
        exists = row < B * V
        row = tl.minimum(row, B * V - 1)
        b, v = (row // V).to(tl.int64), row % V
        place = (b, v, n, exists[:, None] & (n < C)[None, :])
        places = (place,)
        if parts is not None:
            sums = (sum_of_taps(parts, place, B, SHAPE, separate),)
        elif source.tensor is not None:
            one = tl.full((), 1, tl.int32)
            rows = ((b * source.slots + source.slot) * V + v) * C
            sums = (convolve_box(source.tensor, rows, weight, first, 0, one, 0, one, 0, one, SHAPE, PHASE, TILE),)
        else:
            sums = ((tl.zeros((ROWS, CHANNELS), tl.float32),) * separate,)
    else:
        sample_blocks = tl.cdiv(B, ROWS)
        b = program % sample_blocks * ROWS + tl.arange(0, ROWS)
        exists = (b < B)[:, None] & (n < C)[None, :]
        b = tl.minimum(b, B - 1).to(tl.int64)
        lines: tl.constexpr = (Z + LINE - 1) // LINE  # along z
        # Interior voxels first: they have up to 27 taps, corners 8, and what starts last should be short.
        line = program // sample_blocks
        x, y, z = (line // (Y * lines) + 1) % X, (line // lines % Y + 1) % Y, (line % lines + 1) % lines * LINE
        x0, y0 = tl.maximum(-R, -x), tl.maximum(-R, -y)
        nx, ny = tl.minimum(R, X - 1 - x) - x0 + 1, tl.minimum(R, Y - 1 - y) - y0 + 1
        v = (x * Y + y) * Z + z + tl.zeros((ROWS,), tl.int32)
        rows = ((b * source.slots + source.slot) * V + v) * C
        places = ()
        for voxel in tl.static_range(LINE):
            there = exists & (z + voxel + 0 * n < Z)[None, :] if Z % LINE else exists
            places = places + ((b, v + voxel, n, there),)  # noqa: RUF005
        if LINE > 1:
            sums = convolve_line(source.tensor, rows, weight, first, z, x0, nx, y0, ny, SHAPE, PHASE, TILE)
        else:
            z0 = tl.maximum(-R, -z)
            nz = tl.minimum(R, Z - 1 - z) - z0 + 1
            sums = (convolve_box(source.tensor, rows, weight, first, x0, nx, y0, ny, z0, nz, SHAPE, PHASE, TILE),)
    return places, sums


@triton.jit
def sum_of_taps(parts, place, B, SHAPE: tl.constexpr, SEPARATE: tl.constexpr):
    """What conv_taps left at a place, added up over the taps inside the grid."""
    X: tl.constexpr = SHAPE.X
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    R: tl.constexpr = SIDE // 2
    b, v, n, exists = place
    tap = tl.arange(0, triton.next_power_of_2(SIDE * SIDE * SIDE))[:, None]
    x = v // (Y * Z) + tap // (SIDE * SIDE) - R  # (taps, rows)
    y = v // Z % Y + tap // SIDE % SIDE - R
    z = v % Z + tap % SIDE - R
    inside = (x >= 0) & (x < X) & (y >= 0) & (y < Y) & (z >= 0) & (z < Z) & (tap < SIDE * SIDE * SIDE)
    inside = inside[:, :, None] & exists[None, :, :]  # (taps, rows, channels)
    grids = B.to(tl.int64) * (X * Y * Z * C)
    rows = (b * (X * Y * Z) + v)[:, None] * C + n[None, :]
    part = parts + tap[:, :, None] * SEPARATE * grids + rows[None, :, :]
    sums = ()
    for g in tl.static_range(SEPARATE):
        sums = sums + (tl.sum(tl.load(part + g * grids, inside, other=0), axis=0),)  # noqa: RUF005
    return sums


@triton.jit
def conv_taps(
    source,  # Slot
    weight,  # as for convolve_box
    parts,  # (taps, gates, B, X, Y, Z, C) float32; transposed, of one gate
    B,
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """What each tap adds to the convolution, into `parts`, where the tap is inside."""
    X: tl.constexpr = SHAPE.X
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    ROWS: tl.constexpr = TILE.rows
    CHANNELS: tl.constexpr = TILE.channels
    V: tl.constexpr = X * Y * Z
    R: tl.constexpr = SIDE // 2
    blocks: tl.constexpr = (C + CHANNELS - 1) // CHANNELS
    separate: tl.constexpr = 1 if PHASE.transposed else PHASE.count
    wait(TILE)
    program = tl.program_id(0)
    first = program % blocks * CHANNELS
    n = first + tl.arange(0, CHANNELS)
    program = program // blocks
    tap = program % (SIDE * SIDE * SIDE)
    first_row = program // (SIDE * SIDE * SIDE) * ROWS
    dx, dy, dz = tap // (SIDE * SIDE) - R, tap // SIDE % SIDE - R, tap % SIDE - R
    nx, ny, nz = X - tl.abs(dx), Y - tl.abs(dy), Z - tl.abs(dz)  # voxels that the tap does not leave the grid from
    inside = nx * ny * nz
    if first_row >= B * inside:
        return
    row = first_row + tl.arange(0, ROWS)
    exists = row < B * inside
    row = tl.minimum(row, B * inside - 1)
    b = (row // inside).to(tl.int64)
    x = tl.maximum(0, -dx) + row % inside // (ny * nz)
    y = tl.maximum(0, -dy) + row % (ny * nz) // nz
    z = tl.maximum(0, -dz) + row % nz
    v = (x * Y + y) * Z + z
    one = tl.full((), 1, tl.int32)
    rows = ((b * source.slots + source.slot) * V + v) * C
    sums = convolve_box(source.tensor, rows, weight, first, dx, one, dy, one, dz, one, SHAPE, PHASE, TILE)
    grids = B.to(tl.int64) * V * C
    part = parts + tap * separate * grids + (b * V + v)[:, None] * C + n[None, :]
    for g in tl.static_range(separate):
        tl.store(part + g * grids, sums[g], exists[:, None] & (n < C)[None, :])
