"""Taps shared out over programs: for few samples, which make few programs.

A part of a convolution is what the taps of one dx add to it, or those of one (dx, dy), or one tap. What parts add up to
is summed in the order of the taps, so that a result repeats bit for bit, in one of two ways:

    left      `conv_parts` leaves them, and the kernel after it adds them up. Its programs own rows of any voxels that
              have a source there, or lines of such.
    joined    the programs of a tile leave theirs, and the one that arrives last adds them up and goes on: one launch
              where there were two, for some programs whose rows have no source. A tile has rows in the order of lines,
              samples of one (x, y), then of the next, so that few programs have such rows alone.
"""

import triton
import triton.language as tl

from convrnn3d.lines import convolve_lines, lines_at, lines_of_tile, rows_of_line, taps_along
from convrnn3d.places import wait
from convrnn3d.products import convolve_box, divided, inverse, places_of_tile


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
    number: tl.constexpr = number_of_parts(SIDE, TILE.shared)
    wait(TILE)
    program = tl.program_id(0)
    first = program % blocks * CHANNELS
    part = program // blocks % number
    program = program // (blocks * number)
    dx, dy, dz = tap_of_part(part, SHAPE, TILE)
    one = tl.full((), 1, tl.int32)
    side = tl.full((), SIDE, tl.int32)
    nx, ny, nz = X - tl.abs(dx), Y - tl.abs(dy), Z - tl.abs(dz)  # voxels that have a source there
    x0, y0, z0 = tl.maximum(0, -dx), tl.maximum(0, -dy), tl.maximum(0, -dz)
    if TILE.lines:
        if program * (ROWS // rows_of_line(Z)) >= B * nx * ny:
            return
        rows, x, y, exists, places = lines_of_tile(source, program, B, x0, nx, y0, ny, first, SHAPE, TILE)
        y_taps = one
        if TILE.shared == 1:
            dy, y_taps = taps_along(y, Y, R)
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
        b, v = sample.to(tl.int64), (x * Y + y) * Z + z
        rows = ((b * source.slots + source.slot) * V + v) * C
        y_taps, z_taps = one, one
        if TILE.shared == 1:
            dy, y_taps = -R, side
        if TILE.shared <= 2:
            dz, z_taps = -R, side
        tiles = convolve_box(
            source.tensor, rows, y, z, None, weight, first, dx, one, dy, y_taps, dz, z_taps, SHAPE, PHASE, TILE
        )
        places = places_of_tile(b, v, exists, first, SHAPE, PHASE, TILE)
    leave(parts, part, places, tiles, B, SHAPE, PHASE)


@triton.jit
def joined_part(
    source,  # Slot
    weight,  # as for convolve_box
    parts,  # as for conv_parts
    arrivals,  # int32, zeros, one for each tile
    B, first, program,  # output channel that the tile begins with; which program of those that begin with it
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """This program's part, left; the places of the tile, and whether all of its parts are there: the program is last.

    `arrivals` are zeros again after the launch.
    """
    X: tl.constexpr = SHAPE.X
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    ROWS: tl.constexpr = TILE.rows
    R: tl.constexpr = SIDE // 2
    LENGTH: tl.constexpr = rows_of_line(Z) if TILE.lines else Z
    blocks: tl.constexpr = (C + TILE.channels - 1) // TILE.channels
    number: tl.constexpr = number_of_parts(SIDE, TILE.shared)
    part = program % number
    tile = program // number
    dx, dy, dz = tap_of_part(part, SHAPE, TILE)
    row = tile * ROWS + tl.arange(0, ROWS)
    b, x, y, exists = lines_at(row // LENGTH, B, 0, X, 0, Y)
    z = row % LENGTH
    exists &= z < Z
    z = tl.minimum(z, Z - 1)
    v = (x * Y + y) * Z + z
    places = places_of_tile(b, v, exists, first, SHAPE, PHASE, TILE)
    one = tl.full((), 1, tl.int32)
    x_taps, y_taps, z_taps = taps_inside(dx, x, X, R) * taps_inside(dy, y, Y, R) * taps_inside(dz, z, Z, R), one, one
    if TILE.shared == 1:
        dy, y_taps = taps_along(y, Y, R)
    if TILE.lines:
        # The same rows in another order, all of one z together.
        rows, x, y, exists, owned = lines_of_tile(source, tile, B, 0, X, 0, Y, first, SHAPE, TILE)
        exists &= (x + dx >= 0) & (x + dx < X)
        if TILE.shared == 2:
            exists &= (y + dy >= 0) & (y + dy < Y)
        tiles = convolve_lines(
            source.tensor, rows, x, y, exists, weight, first, dx, x_taps, dy, y_taps, SHAPE, PHASE, TILE
        )
    else:
        exists &= (x + dx >= 0) & (x + dx < X)
        if TILE.shared >= 2:
            exists &= (y + dy >= 0) & (y + dy < Y)
        if TILE.shared == 3:
            exists &= (z + dz >= 0) & (z + dz < Z)
        else:
            dz, z_taps = taps_along(z, Z, R)
        rows = ((b * source.slots + source.slot) * (X * Y * Z) + v) * C
        tiles = convolve_box(
            source.tensor, rows, y, z, exists, weight, first, dx, x_taps, dy, y_taps, dz, z_taps, SHAPE, PHASE, TILE
        )
        owned = places
    leave(parts, part, owned, tiles, B, SHAPE, PHASE)
    return places, arrive(arrivals + tile * blocks + first // TILE.channels, number)


@triton.jit
def taps_inside(dx, x, X: tl.constexpr, R: tl.constexpr):
    """1, if the tap dx of any of the rows is inside the grid, otherwise 0."""
    first, taps = taps_along(x, X, R)
    return ((dx >= first) & (dx < first + taps)).to(tl.int32)


@triton.jit
def arrive(arrivals, number):
    """Whether all of `number` programs have arrived here, this one last: what the others stored can be read then.

    Each thread's stores are before the barrier, and the barrier before the one thread's release.
    """
    tl.debug_barrier()
    is_last = tl.atomic_add(arrivals, 1, sem="acq_rel", scope="gpu") == number - 1
    if is_last:
        tl.store(arrivals, 0)
    return is_last


@triton.jit
def leave(parts, part, places, tiles, B, SHAPE: tl.constexpr, PHASE: tl.constexpr):
    """Store a part's tiles."""
    V: tl.constexpr = SHAPE.X * SHAPE.Y * SHAPE.Z
    C: tl.constexpr = SHAPE.C
    separate: tl.constexpr = 1 if PHASE.transposed else PHASE.count
    grids = B.to(tl.int64) * (V * C)
    parts += part * separate * grids
    for one in tl.static_range(len(places)):
        b, v, n, there = places[one]
        at = (b * V + v)[:, None] * C + n[None, :]
        for g in tl.static_range(separate):
            tl.store(parts + g * grids + at, tiles[one][g], there)


@triton.jit
def sum_of_parts(parts, place, B, SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr):
    """What parts were left at a place, added up over those that have a source inside the grid.

    No thread waits for another: loads of all parts, and of what the kernel goes on with, are under way at once.
    """
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    V: tl.constexpr = SHAPE.X * Y * Z
    separate: tl.constexpr = 1 if PHASE.transposed else PHASE.count
    b, v, n, exists = place
    grids = B.to(tl.int64) * (V * C)
    at = (b * V + v)[:, None] * C + n[None, :]
    sums = (tl.zeros((v.shape[0], n.shape[0]), tl.float32),) * separate
    for part in tl.static_range(number_of_parts(SHAPE.SIDE, TILE.shared)):
        dx, dy, dz = tap_of_part(part, SHAPE, TILE)
        x, y, z = v // (Y * Z) + dx, v // Z % Y + dy, v % Z + dz
        inside = (x >= 0) & (x < SHAPE.X) & (y >= 0) & (y < Y) & (z >= 0) & (z < Z)
        added = ()
        for g in tl.static_range(separate):
            sum = tl.load(parts + (part * separate + g) * grids + at, inside[:, None] & exists, other=0)
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
