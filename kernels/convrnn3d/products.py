"""The loop inside every kernel: sums of products over a box of taps; `lines` has the one for lines of voxels.

A turn has a tap, a block of input channels and, if transposed, a gate; see DERIVATION.md, rows, products and launches.
It adds to one or more tiles (rows, channels): one for each gate (if transposed, one in all) and, for lines, one for
each dz. These are adjacent columns of few products, since each product reads the sources from shared memory again.
"""

import triton
import triton.language as tl

from convrnn3d.places import GATES, INTERPRETED, wait
from convrnn3d.quotients import inverse_of_taps, quotient


@triton.jit
def convolve_box(
    source,  # Slot's tensor
    rows,  # (rows) offset of each row's voxel in `source`
    y, z,  # (rows) of the voxel; read if taps are divided, but not along these axes, where they may leave the grid
    weight,  # (taps, 3, C, C), one of the two orders of `packing`
    first,  # output channel that the tile begins with
    x0, nx, y0, ny, z0, nz,  # box of taps: the first, and how many, along each axis; 0 is the voxel itself
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Tiles of W * source, one for each gate; or, if transposed, one: the sum of W^T * each gate's own source."""
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    INNER: tl.constexpr = TILE.inner
    TRANSPOSED: tl.constexpr = PHASE.transposed
    k = tl.arange(0, INNER)
    chunks: tl.constexpr = (C + INNER - 1) // INNER
    ragged: tl.constexpr = C % INNER != 0
    summed: tl.constexpr = PHASE.count if TRANSPOSED else 1
    sources = source + rows[:, None] + k[None, :]
    weights = weight_pointers(weight, first, 1, SHAPE, PHASE, TILE)
    sums = zeros(rows.shape[0], 1, PHASE, TILE)
    by_y, by_z = inverse_of_taps(ny), inverse_of_taps(nz)
    wait(TILE)
    for i in range(tl.maximum(nx * ny * nz * summed * chunks, 1)):  # at least one turn: see `wgrad`
        begin = i % chunks * INNER
        gate = i // chunks % summed
        tap = i // (chunks * summed)
        line = quotient(tap, by_z)
        plane = quotient(line, by_y)
        dx, dy, dz = x0 + plane, y0 + line - plane * ny, z0 + tap - line * nz
        distance = (dx * SIDE + dy) * SIDE + dz
        index = SIDE * SIDE * SIDE // 2 + (-distance if TRANSPOSED else distance)
        voxels = (dx * SHAPE.Y + dy) * SHAPE.Z + dz + gate * (SHAPE.X * SHAPE.Y * SHAPE.Z)
        inside = (begin + k < C)[:, None]
        if TILE.shared == 1 or TILE.shared == 2:
            there = (z + dz >= 0) & (z + dz < SHAPE.Z)
            if TILE.shared == 1:
                there &= (y + dy >= 0) & (y + dy < SHAPE.Y)
            there = there[:, None] & inside.T if ragged else there[:, None]
            a = tl.load(sources + voxels * C + begin, there, other=0)
        else:
            a = tl.load(sources + voxels * C + begin, inside.T if ragged else None, other=0 if ragged else None)
        at = (index * GATES + gate) * (C * C) + begin
        sums = add_products(sums, a, weights, at, inside if ragged else None, TILE)
    return tiles_of(sums, 1, TILE)


@triton.constexpr_function
def widths(TILES):
    """How many of TILES tiles are adjacent in each product: powers of two, the largest first, such as 8 and 1 of 9."""
    return tuple(1 << bit for bit in reversed(range(TILES.bit_length())) if TILES >> bit & 1)


@triton.constexpr_function
def tiles_before(WIDTHS, PRODUCT):
    """The number of tiles in the products before PRODUCT."""
    return sum(WIDTHS[:PRODUCT])


@triton.jit
def weight_pointers(
    weight, first, TAPS: tl.constexpr, SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr
):  # fmt: skip
    """Pointers (inner, width channels) to what each product of a turn reads of the weight, for tap 0, input channel 0.

    A turn has TAPS taps along z, one or three; of three, the pointers' tap is the middle one. Tiles are in the order of
    taps, then of gates: with three taps and gates u, r, the first product has u and r of dz = -1, then of 0, and the
    second those of 1.
    """
    C: tl.constexpr = SHAPE.C
    CHANNELS: tl.constexpr = TILE.channels
    SUMS: tl.constexpr = PHASE.sums
    WIDTHS: tl.constexpr = widths(TAPS * SUMS)
    k = tl.arange(0, TILE.inner)
    pointers = ()
    for product in tl.static_range(len(WIDTHS)):
        column = tl.arange(0, WIDTHS[product] * CHANNELS)
        tile = tiles_before(WIDTHS, product) + column // CHANNELS
        channel = first + column % CHANNELS
        if C % CHANNELS != 0:
            channel = tl.minimum(channel, C - 1)
        tap = tile // SUMS - TAPS // 2
        rows = (-tap if PHASE.transposed else tap) * (GATES * C) + (PHASE.first + tile % SUMS) * C + channel
        pointers = pointers + (weight + rows[None, :] * C + k[:, None],)
    return pointers


@triton.jit
def zeros(ROWS: tl.constexpr, TAPS: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr):
    """Zeros (rows, width channels) for the sum of each product of a turn."""
    SUMS: tl.constexpr = PHASE.sums
    WIDTHS: tl.constexpr = widths(TAPS * SUMS)
    sums = ()
    for product in tl.static_range(len(WIDTHS)):
        sums = sums + (tl.zeros((ROWS, WIDTHS[product] * TILE.channels), tl.float32),)
    return sums


@triton.jit
def add_products(sums, a, weights, at, there, TILE: tl.constexpr):
    """Add a turn's products with `a` to `sums`; weights are read at offset `at` where `there`."""
    PRECISION: tl.constexpr = TILE.precision
    other: tl.constexpr = None if there is None else 0
    added = ()
    for product in tl.static_range(len(sums)):
        b = tl.load(weights[product] + at, there, other)
        added = added + (multiply(a, b, sums[product], PRECISION),)
    return added


@triton.jit
def multiply(a, b, sum, PRECISION: tl.constexpr):
    """sum + a b. In exact float32, a turn's products are added up separately first.

    Thousands added one after the other are twice as far from float64 as PyTorch's sums of sums: the LSTM's gradient by
    h was off by 6.6e-7, PyTorch's by 2.9e-7, on an H200 (benchmarks/NOTES.md, the fourth run). max_num_imprecise_acc,
    which otherwise concerns only eight-bit operands, keeps Triton from making one sum of the two.
    """
    EXACT: tl.constexpr = PRECISION == "ieee" and a.dtype == tl.float32
    if INTERPRETED:  # the interpreter would multiply the bits of bfloat16 operands
        a, b = a.to(tl.float32), b.to(tl.float32)
    if EXACT:
        return sum + tl.dot(a, b, input_precision=PRECISION, max_num_imprecise_acc=1)
    else:
        return tl.dot(a, b, sum, input_precision=PRECISION)


@triton.jit
def tiles_of(sums, LENGTH: tl.constexpr, TILE: tl.constexpr):
    """The adjacent tiles in `sums` as separate ones, in their order, each split into LENGTH voxels along z."""
    tiles = ()
    for product in tl.static_range(len(sums)):
        tiles = tiles + apart(sums[product], LENGTH, TILE)
    return tiles


@triton.jit
def apart(sum, LENGTH: tl.constexpr, TILE: tl.constexpr):
    """The tiles (rows, channels) of a sum (z and row, tile and channel); those of a tile's z follow each other."""
    ROWS: tl.constexpr = sum.shape[0] // LENGTH
    CHANNELS: tl.constexpr = TILE.channels
    WIDTH: tl.constexpr = sum.shape[1] // CHANNELS
    PARTS: tl.constexpr = LENGTH * WIDTH
    tiles = (tl.permute(tl.reshape(sum, (LENGTH, ROWS, WIDTH, CHANNELS)), (1, 3, 2, 0)),)
    for step in tl.static_range(halvings(PARTS)):
        even = ()
        odd = ()
        for tile in tl.static_range(len(tiles)):  # holds those numbered `tile`, `tile` + len(tiles) and so on
            halves = tl.split(tl.reshape(tiles[tile], (ROWS, CHANNELS, PARTS >> (step + 1), 2)))
            even = even + (halves[0],)
            odd = odd + (halves[1],)
        tiles = even + odd
    flat = ()
    for tile in tl.static_range(PARTS):
        flat = flat + (tl.reshape(tiles[tile], (ROWS, CHANNELS)),)
    return flat


@triton.constexpr_function
def halvings(NUMBER):
    """How often a power of two is halved until one is left."""
    return NUMBER.bit_length() - 1
