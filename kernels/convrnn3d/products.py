"""The loops inside every kernel: sums of products over a box of taps, for a voxel or for a line of them.

A turn has a tap, a block of input channels and, transposed, a gate; see DERIVATION.md, rows, products and launches.
"""

import triton
import triton.language as tl

from convrnn3d.places import INTERPRETED


@triton.jit
def inverse(n):
    """What `quotient` divides by n with: a division by a run-time number is many instructions, and a turn needs three.

    Triton 3.9, sm_90: divisions made a turn of gates_kernel (half, 64x32x64) 189 instructions, this 120;
    `benchmarks.machine_code` prints the present length.
    """
    return (1 << 32) // n.to(tl.int64) + 1


@triton.jit
def quotient(i, inverse):
    """i // n, exact while i n < 2^32."""
    return ((i * inverse) >> 32).to(tl.int32)


@triton.jit
def multiply(a, b, sum, PRECISION: tl.constexpr):
    if INTERPRETED:  # whose product of bfloat16 operands would be that of their bits
        a, b = a.to(tl.float32), b.to(tl.float32)
    return tl.dot(a, b, sum, input_precision=PRECISION)


@triton.constexpr_function
def halves(CHANNELS, LINES, SEPARATE):  # not of named tuples, whose names Triton 3.6's interpreter loses on the way
    """In how many pieces a kernel goes on with a tile's channels after the loop.

    With a whole tile of 128 x 128 numbers, and as many of each grid that it reads, it would need more registers than
    there are.
    """
    return 2 if CHANNELS > 64 and not LINES and SEPARATE == 1 else 1


@triton.jit
def convolve_box(
    source,  # Slot's tensor
    rows,  # (rows) offset of each row's voxel in `source`
    y, z,  # (rows) of the voxel, where taps along them may leave the grid: if fewer axes than these are shared out
    weight,  # (taps, 3 C, C), one of the two orders of `packing`
    first,  # output channel that the tile begins with
    x0, nx, y0, ny, z0, nz,  # box of taps: first, and how many, in each axis; 0 is the voxel itself
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Tiles of W * source, one for each gate; or, transposed, one: the sum of W^T * each gate's own source.

    The first two gates' output channels alternate in the packed weight: their tiles are one product twice as wide,
    which comes apart after the loop, without a number changing its thread. Channels of the two `halves` of a wide tile
    alternate likewise, in the order in which the weight is read. Returned is a tuple of tiles for each half.
    """
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    INNER: tl.constexpr = TILE.inner
    CHANNELS: tl.constexpr = TILE.channels
    COUNT: tl.constexpr = PHASE.count
    TRANSPOSED: tl.constexpr = PHASE.transposed
    PRECISION: tl.constexpr = TILE.precision
    PAIR: tl.constexpr = not TRANSPOSED and COUNT > 1
    SINGLE: tl.constexpr = TRANSPOSED or COUNT % 2 == 1
    HALVES: tl.constexpr = halves(TILE.channels, TILE.lines, 1 if TRANSPOSED else COUNT)
    k = tl.arange(0, INNER)
    chunks: tl.constexpr = (C + INNER - 1) // INNER
    ragged: tl.constexpr = C % INNER != 0
    summed: tl.constexpr = COUNT if TRANSPOSED else 1
    sources = source + rows[:, None] + k[None, :]  # (rows, INNER)
    column = tl.minimum(2 * first + tl.arange(0, 2 * CHANNELS), 2 * C - 1)
    pair_weights = weight + column[None, :] * C + k[:, None]  # (INNER, 2 channels)
    column = tl.arange(0, CHANNELS)
    column = tl.minimum(first + column % HALVES * (CHANNELS // HALVES) + column // HALVES, C - 1)
    # Forward, what is left of a pair is the last gate.
    weights = weight + ((PHASE.first if TRANSPOSED else 2) * C + column)[None, :] * C + k[:, None]
    pair = tl.zeros((rows.shape[0], 2 * CHANNELS), tl.float32)
    single = tl.zeros((rows.shape[0], CHANNELS), tl.float32)
    by_y, by_z = inverse(ny), inverse(nz)
    for i in range(nx * ny * nz * summed * chunks):
        begin = i % chunks * INNER
        gate = i // chunks % summed
        tap = i // (chunks * summed)
        line = quotient(tap, by_z)
        plane = quotient(line, by_y)
        dx, dy, dz = x0 + plane, y0 + line - plane * ny, z0 + tap - line * nz
        distance = (dx * SIDE + dy) * SIDE + dz
        index = SIDE * SIDE * SIDE // 2 + (-distance if TRANSPOSED else distance)
        voxels = (dx * SHAPE.Y + dy) * SHAPE.Z + dz + gate * (SHAPE.X * SHAPE.Y * SHAPE.Z)
        tap_and_gate = (index * 3 + gate) * (C * C) + begin
        inside = (begin + k < C)[:, None]
        if TILE.shared == 1 or TILE.shared == 2:
            there = (z + dz >= 0) & (z + dz < SHAPE.Z)
            if TILE.shared == 1:
                there &= (y + dy >= 0) & (y + dy < SHAPE.Y)
            there = there[:, None] & inside.T if ragged else there[:, None]
            a = tl.load(sources + voxels * C + begin, there, other=0)
        else:
            a = tl.load(sources + voxels * C + begin, inside.T if ragged else None, other=0 if ragged else None)
        if PAIR:
            w = tl.load(pair_weights + tap_and_gate, inside if ragged else None, other=0 if ragged else None)
            pair = multiply(a, w, pair, PRECISION)
        if SINGLE:
            w = tl.load(weights + tap_and_gate, inside if ragged else None, other=0 if ragged else None)
            single = multiply(a, w, single, PRECISION)
    if HALVES == 2:
        low, high = tl.split(tl.reshape(single, (rows.shape[0], CHANNELS // 2, 2)))
        sums = ((low,), (high,))
    else:
        sums = (apart(pair, single, PAIR, SINGLE),)
    return sums


@triton.jit
def apart(pair, single, PAIR: tl.constexpr, SINGLE: tl.constexpr):
    """A tile for each gate."""
    if PAIR:
        first, second = tl.split(tl.reshape(pair, (single.shape[0], single.shape[1], 2)))
        sums = (first, second, single) if SINGLE else (first, second)
    else:
        sums = (single,)
    return sums


@triton.jit
def convolve_lines(
    source,  # Slot's tensor
    rows,  # (rows) offset of each row's voxel in `source`; the tile's rows are lines along z, all of one z together
    x, y,  # (rows); taps along them may leave the grid, unless these axes are shared out
    exists,  # (rows), others read as zeros
    weight, first,  # as for convolve_box
    x0, nx, y0, ny,  # box of taps, without dz
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """`convolve_box` for whole lines: a tuple of tiles for each z.

        (W * source)[z] = sum over dz of Y_dz[z + dz]
        Y_dz = sum over dx, dy of W[dx, dy, dz] source[x + dx, y + dy]

    A turn has one (dx, dy) and reads each source once for all dz, where a turn of `convolve_box` has one dz. Each Y_dz
    is a sum of its own: no product waits for another. After the loop they come apart along z and are added, dz = 0
    first. What leaves the grid along z is computed and dropped, of a line of four 2 of 12 products.
    """
    X: tl.constexpr = SHAPE.X
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    INNER: tl.constexpr = TILE.inner
    CHANNELS: tl.constexpr = TILE.channels
    R: tl.constexpr = SIDE // 2
    COUNT: tl.constexpr = PHASE.count
    TRANSPOSED: tl.constexpr = PHASE.transposed
    PRECISION: tl.constexpr = TILE.precision
    PAIR: tl.constexpr = not TRANSPOSED and COUNT > 1
    SINGLE: tl.constexpr = TRANSPOSED or COUNT % 2 == 1
    k = tl.arange(0, INNER)
    chunks: tl.constexpr = (C + INNER - 1) // INNER
    ragged: tl.constexpr = C % INNER != 0
    summed: tl.constexpr = COUNT if TRANSPOSED else 1
    sources = source + rows[:, None] + k[None, :]  # (rows, INNER)
    column = tl.minimum(2 * first + tl.arange(0, 2 * CHANNELS), 2 * C - 1)
    pair_weights = weight + column[None, :] * C + k[:, None]  # (INNER, 2 channels)
    column = tl.minimum(first + tl.arange(0, CHANNELS), C - 1)
    weights = weight + ((PHASE.first if TRANSPOSED else 2) * C + column)[None, :] * C + k[:, None]
    pairs = (tl.zeros((rows.shape[0], 2 * CHANNELS), tl.float32),) * SIDE  # Y_dz
    singles = (tl.zeros((rows.shape[0], CHANNELS), tl.float32),) * SIDE
    by_y = inverse(ny)
    for i in range(nx * ny * summed * chunks):
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
        new_pairs = ()
        new_singles = ()
        for place in tl.static_range(SIDE):  # dz = place - R
            tap_and_gate = ((index + (R - place if TRANSPOSED else place - R)) * 3 + gate) * (C * C) + begin
            pair = pairs[place]
            single = singles[place]
            if PAIR:
                w = tl.load(pair_weights + tap_and_gate, inside if ragged else None, other=0 if ragged else None)
                pair = multiply(a, w, pair, PRECISION)
            if SINGLE:
                w = tl.load(weights + tap_and_gate, inside if ragged else None, other=0 if ragged else None)
                single = multiply(a, w, single, PRECISION)
            new_pairs = new_pairs + (pair,)  # noqa: RUF005
            new_singles = new_singles + (single,)  # noqa: RUF005
        pairs = new_pairs
        singles = new_singles
    pairs = sums_along_z(pairs, SHAPE)
    singles = sums_along_z(singles, SHAPE)
    sums = ()
    for z in tl.static_range(Z):
        sums = sums + (apart(pairs[z], singles[z], PAIR, SINGLE),)  # noqa: RUF005
    return sums


@triton.constexpr_function
def line_length(Z):
    """Rows of a tile that a line along z takes: a power of two, as a tile is halved along z again and again."""
    return 1 << (Z - 1).bit_length()


@triton.jit
def sums_along_z(by_dz, SHAPE: tl.constexpr):
    """Of Y_dz, (rows, channels) each, a tile (lines, channels) for each z: the sum of Y_dz[z + dz]."""
    Z: tl.constexpr = SHAPE.Z
    SIDE: tl.constexpr = SHAPE.SIDE
    R: tl.constexpr = SIDE // 2
    at = ()
    for place in tl.static_range(SIDE):
        at = at + (tiles_along_z(by_dz[place], SHAPE),)  # noqa: RUF005
    sums = ()
    for z in tl.static_range(Z):
        sum = at[R][z]
        for place in tl.static_range(SIDE):
            if place != R and z + place - R >= 0 and z + place - R < Z:
                sum += at[place][z + place - R]
        sums = sums + (sum,)  # noqa: RUF005
    return sums


@triton.jit
def tiles_along_z(tile, SHAPE: tl.constexpr):
    """A tile (z and line, channels) as one of each z, (lines, channels)."""
    LENGTH: tl.constexpr = line_length(SHAPE.Z)
    ROWS: tl.constexpr = tile.shape[0]
    CHANNELS: tl.constexpr = tile.shape[1]
    if LENGTH == 1:
        tiles = (tile,)
    elif LENGTH == 2:
        tiles = tl.split(tl.permute(tl.reshape(tile, (2, ROWS // 2, CHANNELS)), (1, 2, 0)))
    elif LENGTH == 4:
        even, odd = tl.split(tl.permute(tl.reshape(tile, (2, 2, ROWS // 4, CHANNELS)), (2, 3, 0, 1)))
        z0, z2 = tl.split(even)
        z1, z3 = tl.split(odd)
        tiles = (z0, z1, z2, z3)
    else:
        even, odd = tl.split(tl.permute(tl.reshape(tile, (2, 2, 2, ROWS // 8, CHANNELS)), (3, 4, 0, 1, 2)))
        z04, z26 = tl.split(even)
        z15, z37 = tl.split(odd)
        z0, z4 = tl.split(z04)
        z1, z5 = tl.split(z15)
        z2, z6 = tl.split(z26)
        z3, z7 = tl.split(z37)
        tiles = (z0, z1, z2, z3, z4, z5, z6, z7)
    return tiles
