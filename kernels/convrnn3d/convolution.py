"""The convolution inside every kernel: tiles of W * h and of W^T * da, summed over tap boxes.

A tile has rows, each a sample b at a voxel v, and output channels n. Ways to share the work out (DERIVATION.md, rows,
products and launches):

    by voxel   a program owns one voxel of several samples, and runs through the voxel's box of taps. No tap leaves
               the grid, so the loop multiplies no zero and tests no mask.
    by line    a program owns rows that are whole lines along z, samples of one (x, y), then of the next: what it reads
               is in three products, one for each dz. It runs through the box of all its lines' taps along x and y,
               of which those that leave the grid are masked.
    in parts   taps are shared out over programs, too: those with one dx, or one dx and dy, or one tap to each. A
               program owns rows of any voxels that have a source there, or lines of such; what the parts add up to is
               summed by the next kernel, always in the same order. For few samples, which make few programs.

A 1x1x1 convolution has one tap, which no voxel leaves the grid by: a program owns rows of any voxels.
"""

import triton
import triton.language as tl

from convrnn3d.lines import convolve_lines, lines_of_tile, rows_of_line, taps_along
from convrnn3d.places import wait
from convrnn3d.products import convolve_box, halves


@triton.jit
def convolution(
    source,  # Slot: what is convolved; without a tensor, zeros
    weight,  # as for convolve_box
    parts,  # what conv_parts left, or None
    B,
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """What this program owns: places, one for each z of lines or half of a wide tile, and the sums at each.

    Sums are the convolution of each gate or, transposed, in all.
    """
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
    program = program // blocks
    if SIDE == 1 or parts is not None or source.tensor is None:
        row = program * ROWS + tl.arange(0, ROWS)
        exists = row < B * V
        row = tl.minimum(row, B * V - 1)
        b, v = (row // V).to(tl.int64), row % V
        places = places_of_tile(b, v, exists, first, SHAPE, PHASE, TILE)
        if parts is not None:
            sums = (sum_of_parts(parts, places[0], B, SHAPE, TILE, separate),)
        elif source.tensor is not None:
            one = tl.full((), 1, tl.int32)
            rows = ((b * source.slots + source.slot) * V + v) * C
            sums = convolve_box(
                source.tensor, rows, None, None, weight, first, 0, one, 0, one, 0, one, SHAPE, PHASE, TILE
            )
        else:
            sums = ((tl.zeros((ROWS, CHANNELS), tl.float32),) * separate,)
    elif TILE.lines:
        rows, x, y, exists, places = lines_of_tile(source, program, B, 0, X, 0, Y, first, SHAPE, TILE)
        x0, nx = taps_along(x, X, R)
        y0, ny = taps_along(y, Y, R)
        sums = convolve_lines(source.tensor, rows, x, y, exists, weight, first, x0, nx, y0, ny, SHAPE, PHASE, TILE)
    else:
        sample_blocks = tl.cdiv(B, ROWS)
        b = program % sample_blocks * ROWS + tl.arange(0, ROWS)
        exists = b < B
        b = tl.minimum(b, B - 1).to(tl.int64)
        # Interior voxels first: they have up to 27 taps, corners 8, and what starts last should be short. In the second
        # half of the x it is corners first: where each multiprocessor takes one program of either half, a long one and
        # a short one meet.
        voxel = program // sample_blocks
        plane = voxel // (Y * Z)
        x, z = (plane + 1) % X, (voxel + 1) % Z
        y = (voxel // Z + 1 + plane // ((X + 1) // 2) * (Y // 2)) % Y
        x0, y0, z0 = tl.maximum(-R, -x), tl.maximum(-R, -y), tl.maximum(-R, -z)
        nx, ny = tl.minimum(R, X - 1 - x) - x0 + 1, tl.minimum(R, Y - 1 - y) - y0 + 1
        nz = tl.minimum(R, Z - 1 - z) - z0 + 1
        v = (x * Y + y) * Z + z + tl.zeros((ROWS,), tl.int32)
        rows = ((b * source.slots + source.slot) * V + v) * C
        places = places_of_tile(b, v, exists, first, SHAPE, PHASE, TILE)
        sums = convolve_box(source.tensor, rows, None, None, weight, first, x0, nx, y0, ny, z0, nz, SHAPE, PHASE, TILE)
    return places, sums


@triton.jit
def places_of_tile(b, v, exists, first, SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr):
    """The places of `halves` of rows (b, v), as far as they exist, from channel `first` on."""
    HALVES: tl.constexpr = halves(TILE.channels, TILE.lines, 1 if PHASE.transposed else PHASE.count)
    CHANNELS: tl.constexpr = TILE.channels // HALVES
    places = ()
    for half in tl.static_range(HALVES):
        n = first + half * CHANNELS + tl.arange(0, CHANNELS)
        places = places + ((b, v, n, exists[:, None] & (n < SHAPE.C)[None, :]),)  # noqa: RUF005
    return places


@triton.jit
def sum_of_parts(parts, place, B, SHAPE: tl.constexpr, TILE: tl.constexpr, SEPARATE: tl.constexpr):
    """What conv_parts left at a place, added up over the parts that have a source inside the grid.

    No thread waits for another: loads of all parts, and of what the kernel goes on with, are under way at once.
    """
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    V: tl.constexpr = SHAPE.X * Y * Z
    b, v, n, exists = place
    grids = B.to(tl.int64) * (V * C)
    at = (b * V + v)[:, None] * C + n[None, :]
    sums = (tl.zeros((v.shape[0], n.shape[0]), tl.float32),) * SEPARATE
    for part in tl.static_range(number_of_parts(SHAPE.SIDE, TILE.shared)):
        dx, dy, dz = tap_of_part(part, SHAPE, TILE)
        x, y, z = v // (Y * Z) + dx, v // Z % Y + dy, v % Z + dz
        inside = (x >= 0) & (x < SHAPE.X) & (y >= 0) & (y < Y) & (z >= 0) & (z < Z)
        added = ()
        for g in tl.static_range(SEPARATE):
            sum = tl.load(parts + (part * SEPARATE + g) * grids + at, inside[:, None] & exists, other=0)
            added = added + (sums[g] + sum,)  # noqa: RUF005
        sums = added
    return sums


@triton.constexpr_function
def number_of_parts(SIDE, SHARED):
    return SIDE**SHARED


@triton.jit
def tap_of_part(part, SHAPE: tl.constexpr, TILE: tl.constexpr):
    """dx, dy, dz, zero along axes that are not shared out."""
    SIDE: tl.constexpr = SHAPE.SIDE
    R: tl.constexpr = SIDE // 2
    if TILE.shared == 1:
        return part - R, 0, 0
    elif TILE.shared == 2:
        return part // SIDE - R, part % SIDE - R, 0
    else:
        return part // (SIDE * SIDE) - R, part // SIDE % SIDE - R, part % SIDE - R


@triton.jit
def conv_parts(
    source,  # Slot
    weight,  # as for convolve_box
    parts,  # (parts, gates, B, X, Y, Z, C) float32; transposed, of one gate
    B,
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """What a part of the taps adds to the convolution, into `parts`, where there is a source for it."""
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
    number: tl.constexpr = number_of_parts(SIDE, TILE.shared)
    wait(TILE)
    program = tl.program_id(0)
    first = program % blocks * CHANNELS
    part = program // blocks % number
    program = program // (blocks * number)
    dx, dy, dz = tap_of_part(part, SHAPE, TILE)
    one = tl.full((), 1, tl.int32)
    side = tl.full((), SIDE, tl.int32)
    grids = B.to(tl.int64) * (V * C)
    parts += part * separate * grids
    nx, ny, nz = X - tl.abs(dx), Y - tl.abs(dy), Z - tl.abs(dz)  # voxels that have a source there
    x0, y0, z0 = tl.maximum(0, -dx), tl.maximum(0, -dy), tl.maximum(0, -dz)
    if TILE.lines:
        if program * (ROWS // rows_of_line(Z)) >= B * nx * ny:
            return
        rows, x, y, exists, places = lines_of_tile(source, program, B, x0, nx, y0, ny, first, SHAPE, TILE)
        y_taps = one
        if TILE.shared == 1:
            dy, y_taps = taps_along(y, Y, R)
        sums = convolve_lines(source.tensor, rows, x, y, exists, weight, first, dx, one, dy, y_taps, SHAPE, PHASE, TILE)
    else:
        inside = nx * ny * nz
        if program * ROWS >= B * inside:
            return
        row = program * ROWS + tl.arange(0, ROWS)
        exists = row < B * inside
        row = tl.minimum(row, B * inside - 1)
        b = (row // inside).to(tl.int64)
        x = x0 + row % inside // (ny * nz)
        y = y0 + row % (ny * nz) // nz
        z = z0 + row % nz
        v = (x * Y + y) * Z + z
        rows = ((b * source.slots + source.slot) * V + v) * C
        y_taps, z_taps = one, one
        if TILE.shared == 1:
            dy, y_taps = -R, side
        if TILE.shared <= 2:
            dz, z_taps = -R, side
        sums = convolve_box(
            source.tensor, rows, y, z, weight, first, dx, one, dy, y_taps, dz, z_taps, SHAPE, PHASE, TILE
        )
        places = places_of_tile(b, v, exists, first, SHAPE, PHASE, TILE)
    for place in tl.static_range(len(places)):
        b, v, n, there = places[place]
        at = (b * V + v)[:, None] * C + n[None, :]
        for g in tl.static_range(separate):
            tl.store(parts + g * grids + at, sums[place][g], there)
