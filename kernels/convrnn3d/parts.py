"""Taps divided among programs: for small batches, which make few programs.

A part of a convolution is what the taps of one dx add to it, or those of one (dx, dy), or one tap. `conv_parts` writes
the parts, and the next kernel adds them up, always in the order of the taps, so that results repeat bit for bit. A
program owns rows of any voxels whose source is inside the grid along the divided axes, or lines of such voxels.
"""

import triton
import triton.language as tl

from convrnn3d.lines import box_of_lines, convolve_lines, lines_of_tile, rows_of_line, taps_along
from convrnn3d.places import let_next_begin, offsets, place_of, wait
from convrnn3d.products import convolve_box
from convrnn3d.quotients import divided, inverse


@triton.jit
def conv_parts(
    source,  # Slot
    weight,  # as for convolve_box
    parts,  # (B, X, Y, Z, parts, sums, C) float32
    B,
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Write to `parts` what a part of the taps adds, at voxels whose source is inside the grid along divided axes."""
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
    number: tl.constexpr = number_of_parts(SIDE, TILE.shared)
    program = tl.program_id(0)
    first = program % blocks * CHANNELS
    part = program // blocks % number
    program = program // (blocks * number)
    dx, dy, dz = tap_of_part(part, SHAPE, TILE)
    one = tl.full((), 1, tl.int32)
    side = tl.full((), SIDE, tl.int32)
    nx, ny, nz = X - tl.abs(dx), Y - tl.abs(dy), Z - tl.abs(dz)  # number of such voxels along each axis
    x0, y0, z0 = tl.maximum(0, -dx), tl.maximum(0, -dy), tl.maximum(0, -dz)
    if TILE.lines:
        if program * (ROWS // rows_of_line(Z)) >= B * nx * ny:
            return  # without `let_next_begin`: a program that has ended counts as having called it
        rows, x, y, exists, places = lines_of_tile(source, program, B, x0, nx, y0, ny, first, SHAPE, TILE)
        y_taps = one
        if TILE.shared == 1:
            _, _, low_y, high_y = box_of_lines(program, B, x0, nx, y0, ny, SHAPE, TILE)
            dy, y_taps = taps_along(low_y, high_y, Y, R)
        tiles = convolve_lines(
            source.tensor, rows, x, y, exists, weight, first, dx, one, dy, y_taps, SHAPE, PHASE, TILE
        )
    else:
        inside = nx * ny * nz
        if program * ROWS >= B * inside:
            return
        row = program * ROWS + tl.arange(0, ROWS)
        exists = row < B * inside
        row = tl.minimum(row, B * inside - 1)
        sample = row // inside
        voxel = row - sample * inside
        line = divided(voxel, nz, inverse(nz), V * V < 2**31)
        plane = divided(line, ny, inverse(ny), V * V < 2**31)
        x, y, z = x0 + plane, y0 + line - plane * ny, z0 + voxel - line * nz
        v = (x * Y + y) * Z + z
        rows = offsets(source, sample, v, SHAPE)
        y_taps, z_taps = one, one
        if TILE.shared == 1:
            dy, y_taps = -R, side
        if TILE.shared <= 2:
            dz, z_taps = -R, side
        sums = convolve_box(
            source.tensor, rows, y, z, weight, first, dx, one, dy, y_taps, dz, z_taps, SHAPE, PHASE, TILE
        )
        places, tiles = (place_of(sample, v, exists, first, SHAPE, TILE),), (sums,)
    let_next_begin(TILE)
    SUMS: tl.constexpr = PHASE.sums  # Triton 3.6 takes PHASE.sums itself for a number that may change
    parts += part * (SUMS * C)  # the sums of this part begin here
    for at in tl.static_range(len(places)):
        for g in tl.static_range(SUMS):
            tl.store(part_pointers(parts, places[at], g, SHAPE, PHASE, TILE), tiles[at][g], places[at][3])


@triton.jit
def part_pointers(
    parts, place, NUMBER: tl.constexpr, SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr
):  # fmt: skip
    """Pointers (rows, channels) to the NUMBER-th sum left at a place: part * SUMS + sum."""
    b, v, n, _, along = place
    C: tl.constexpr = SHAPE.C
    V: tl.constexpr = SHAPE.X * SHAPE.Y * SHAPE.Z
    VOXEL: tl.constexpr = number_of_parts(SHAPE.SIDE, TILE.shared) * PHASE.sums * C
    return parts + (b * V + v).to(tl.int64)[:, None] * VOXEL + n[None, :] + (along * VOXEL + NUMBER * C)


@triton.jit
def sum_of_parts(parts, place, SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr):
    """Add up the parts left at a place, over those that have a source inside the grid.

    No thread waits for another: the loads of all parts, and of what the kernel needs next, are in flight at once.
    """
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    SUMS: tl.constexpr = PHASE.sums
    _, v, _, exists, _ = place
    wait(TILE)
    left = ()
    for part in tl.static_range(number_of_parts(SHAPE.SIDE, TILE.shared)):
        dx, dy, dz = tap_of_part(part, SHAPE, TILE)
        x, y, z = v // (Y * Z) + dx, v // Z % Y + dy, v % Z + dz
        inside = (x >= 0) & (x < SHAPE.X) & (y >= 0) & (y < Y) & (z >= 0) & (z < Z)
        for g in tl.static_range(SUMS):
            pointer = part_pointers(parts, place, part * SUMS + g, SHAPE, PHASE, TILE)
            left = left + (tl.load(pointer, inside[:, None] & exists, other=0),)
    sums = ()
    for g in tl.static_range(SUMS):
        sum = left[g]
        for part in tl.static_range(1, number_of_parts(SHAPE.SIDE, TILE.shared)):
            sum += left[part * SUMS + g]
        sums = sums + (sum,)
    return sums


@triton.constexpr_function
def number_of_parts(SIDE, SHARED):
    return SIDE**SHARED


@triton.jit
def tap_of_part(part, SHAPE: tl.constexpr, TILE: tl.constexpr):
    """dx, dy, dz of a part; zero along axes whose taps are not divided."""
    SIDE: tl.constexpr = SHAPE.SIDE
    R: tl.constexpr = SIDE // 2
    if TILE.shared == 1:
        return part - R, 0, 0
    elif TILE.shared == 2:
        return part // SIDE - R, part % SIDE - R, 0
    else:
        return part // (SIDE * SIDE) - R, part // SIDE % SIDE - R, part % SIDE - R
