"""Tiles whose rows are whole lines along z, and the loop for them.

Sums over dx and dy come first, one for each dz, and are shifted along z after the loop:

    (W * source)[z] = sum over dz of Y_dz[z + dz]
    Y_dz = sum over dx, dy of W[dx, dy, dz] source[x + dx, y + dy]
"""

import triton
import triton.language as tl

from convrnn3d.places import GATES, offsets, wait
from convrnn3d.products import add_products, tiles_of, weight_pointers, zeros
from convrnn3d.quotients import inverse_of_taps, quotient, unsigned


@triton.jit
def lines_of_tile(source, program, B, x0, nx, y0, ny, first, SHAPE: tl.constexpr, TILE: tl.constexpr):
    """A tile's lines, out of those with x0 <= x < x0 + nx, y0 <= y < y0 + ny of all samples; z varies slowest in it.

    Return each row's offset in `source`, its x, its y and whether it exists, and the place of the lines at each z.
    """
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    LINES: tl.constexpr = TILE.rows // rows_of_line(Z)
    row = tl.arange(0, TILE.rows)
    z = row // LINES
    b, x, y, exists = lines_at(program * LINES + row % LINES, B, x0, nx, y0, ny)
    rows = offsets(source, b, (x * Y + y) * Z + z, SHAPE)
    b, line_x, line_y, there = lines_at(program * LINES + tl.arange(0, LINES), B, x0, nx, y0, ny)
    n = first + tl.arange(0, TILE.channels)
    v = (line_x * Y + line_y) * Z
    places = ()
    for along in tl.static_range(Z):
        places = places + ((b, v, n, there[:, None] & (n < C)[None, :], along),)
    return rows, x, y, exists & (z < Z), places


@triton.jit
def lines_at(number, B, x0, nx, y0, ny):
    """Return b, x, y of the lines with these numbers, and whether each exists.

    The corners at one end along x come first, those at the other end last, and the lines with the most taps half-way.
    So programs in the first half of the lines are short where those in the second half are long: if each multiprocessor
    takes one of either half, none takes two long ones; if only a few take a second one, two short ones meet.
    """
    exists = number < B * nx * ny
    B, nx, ny = unsigned(B), unsigned(nx), unsigned(ny)
    number = tl.minimum(unsigned(number), B * nx * ny - 1)
    line = number // B  # the only division by a number that is unknown when compiled, except in parts
    plane = line // ny
    x = tl.where(plane == 0, nx - 1, tl.where(plane == nx - 1, 0, plane))
    y = (line + first_y_of(plane, nx, ny)) % ny
    return (number - line * B).to(tl.int32), x0 + x.to(tl.int32), y0 + y.to(tl.int32), exists


@triton.jit
def first_y_of(plane, nx, ny):
    """The y of a plane's first lines: the last y, which 0 follows, or 1 in the second half of the planes."""
    return tl.where(2 * plane < nx, ny - 1, 1)


@triton.jit
def box_of_lines(program, B, x0, nx, y0, ny, SHAPE: tl.constexpr, TILE: tl.constexpr):
    """Return the lowest and the highest x, then y, of a tile's lines in the order of `lines_at`, whose planes have
    x = nx - 1, 1, 2, ..., nx - 2, 0, or only nx - 1.

    They follow from the planes of the tile's first and last line: minima and maxima over all lines would make the warps
    wait for each other four times. Lines in several planes, or across the last y, count as having every y.
    """
    LINES: tl.constexpr = TILE.rows // rows_of_line(SHAPE.Z)
    B, nx, ny, number = unsigned(B), unsigned(nx), unsigned(ny), unsigned(program * LINES)
    first, last = number // B, (tl.minimum(number + LINES, B * nx * ny) - 1) // B
    plane, last_plane = first // ny, last // ny
    shift = first_y_of(plane, nx, ny)
    first_y, last_y = (first + shift) % ny, (last + shift) % ny
    every_y = (plane < last_plane) | (first_y > last_y)
    to_end = last_plane == nx - 1
    low_x = tl.where(plane == 0, tl.where(last_plane == 0, nx - 1, tl.where(to_end, 0, 1)), tl.where(to_end, 0, plane))
    high_x = tl.where(plane == 0, nx - 1, tl.where(to_end, tl.where(plane == nx - 1, 0, nx - 2), last_plane))
    low_y, high_y = tl.where(every_y, 0, first_y), tl.where(every_y, ny - 1, last_y)
    low_x, high_x, low_y, high_y = low_x.to(tl.int32), high_x.to(tl.int32), low_y.to(tl.int32), high_y.to(tl.int32)
    return x0 + low_x, x0 + high_x, y0 + low_y, y0 + high_y


@triton.jit
def taps_along(low, high, X: tl.constexpr, R: tl.constexpr):
    """The first, and the number, of the taps along an axis that at least one voxel from `low` to `high` has inside."""
    first = tl.maximum(-R, -high)
    return first, tl.minimum(R, X - 1 - low) - first + 1


@triton.jit
def convolve_lines(
    source,  # Slot's tensor
    rows,  # (rows) offset of each row's voxel in `source`; rows are lines along z, those of one z together
    x, y,  # (rows); taps along them may leave the grid, unless taps are divided along these axes
    exists,  # (rows); rows that do not exist read as zeros
    weight, first,  # as for convolve_box
    x0, nx, y0, ny,  # box of taps, without dz
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """`convolve_box` for whole lines: a tuple of tiles for each z.

    A turn has one (dx, dy) and copies each source once for all dz, where a turn of `convolve_box` has one dz. The Y_dz
    are separate sums, so that no product waits for another of its turn. After the loop they are split along z and
    added, dz = 0 first. What leaves the grid along z, 2 of 3 Z pairs of a z and a dz, is computed and dropped, and so
    are the rows that fill a line up to a power of two.
    """
    X: tl.constexpr = SHAPE.X
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    INNER: tl.constexpr = TILE.inner
    TRANSPOSED: tl.constexpr = PHASE.transposed
    k = tl.arange(0, INNER)
    chunks: tl.constexpr = (C + INNER - 1) // INNER
    ragged: tl.constexpr = C % INNER != 0
    summed: tl.constexpr = PHASE.count if TRANSPOSED else 1
    sources = source + rows[:, None] + k[None, :]
    weights = weight_pointers(weight, first, SIDE, SHAPE, PHASE, TILE)
    sums = zeros(rows.shape[0], SIDE, PHASE, TILE)
    by_y = inverse_of_taps(ny)
    wait(TILE)
    for i in range(tl.maximum(nx * ny * summed * chunks, 1)):  # at least one turn: see `wgrad`
        begin = i % chunks * INNER
        gate = i // chunks % summed
        tap = i // (chunks * summed)
        plane = quotient(tap, by_y)
        dx, dy = x0 + plane, y0 + tap - plane * ny
        distance = (dx * SIDE + dy) * SIDE
        index = SIDE * SIDE * SIDE // 2 + (-distance if TRANSPOSED else distance)  # of dz = 0
        inside = (begin + k < C)[:, None]
        there = exists
        if TILE.shared < 1:
            there &= (x + dx >= 0) & (x + dx < X)
        if TILE.shared < 2:
            there &= (y + dy >= 0) & (y + dy < Y)
        voxels = (dx * Y + dy) * Z + gate * (X * Y * Z)
        there = there[:, None] & inside.T if ragged else there[:, None]
        a = tl.load(sources + voxels * C + begin, there, other=0)
        at = (index * GATES + gate) * (C * C) + begin
        sums = add_products(sums, a, weights, at, inside if ragged else None, TILE)
    return sums_along_z(tiles_of(sums, rows_of_line(Z), TILE), SHAPE, PHASE)


@triton.constexpr_function
def rows_of_line(Z):
    """Number of a tile's rows that a line along z takes: a power of two, as a tile is halved along z repeatedly."""
    return 1 << (Z - 1).bit_length()


@triton.jit
def sums_along_z(tiles, SHAPE: tl.constexpr, PHASE: tl.constexpr):
    """From tiles (lines, channels) of Y_dz, by dz, sum and z, a tuple for each z: the sums over dz of Y_dz[z + dz]."""
    Z: tl.constexpr = SHAPE.Z
    SIDE: tl.constexpr = SHAPE.SIDE
    R: tl.constexpr = SIDE // 2
    LENGTH: tl.constexpr = rows_of_line(Z)
    SUMS: tl.constexpr = PHASE.sums
    sums = ()
    for z in tl.static_range(Z):
        of_z = ()
        for one in tl.static_range(SUMS):
            sum = tiles[(R * SUMS + one) * LENGTH + z]
            for dz in tl.static_range(-R, R + 1):
                if dz != 0 and z + dz >= 0 and z + dz < Z:
                    sum += tiles[((R + dz) * SUMS + one) * LENGTH + z + dz]
            of_z = of_z + (sum,)
        sums = sums + (of_z,)
    return sums
