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

What a tile's rows are is a place: (b, v, n, exists), samples (rows), voxels (rows), channels (channels), and which of
the tile there is (rows, channels). Kernels read and write grids at a place through a Slot.
"""

from typing import NamedTuple

import triton
import triton.language as tl

INTERPRETED = tl.constexpr(triton.knobs.runtime.interpret)


class Shape(NamedTuple):
    """Sides of the grid, channels, and the side of the state kernels, 1 or 3."""

    X: int
    Y: int
    Z: int
    C: int
    SIDE: int


class Phase(NamedTuple):
    """A launch's convolution: of `count` gates from `first` on; transposed, the sum of their adjoints."""

    first: int
    count: int
    transposed: bool = False


class Tile(NamedTuple):
    """What a program owns: rows x channels, of each voxel of a line; how many input channels a turn has.

    precision: how float32 is multiplied, ieee or tf32. dependent: begun before the launch before it has ended.
    """

    rows: int
    channels: int
    inner: int
    precision: str
    line: int = 1
    dependent: bool = False


@triton.jit
def wait(TILE: tl.constexpr):
    """Until all that was launched before has ended and its results can be read; the next launch may begin at once.

    Before the first store, too: a step writes over what the one before still reads, slots of gates and of sources.
    """
    if TILE.dependent:
        tl.extra.cuda.gdc_launch_dependents()
        tl.extra.cuda.gdc_wait()


@triton.jit
def pointers(slot, place, gate, SHAPE: tl.constexpr):
    """(rows, channels), to a place in the grid `gate` slots after the one that a Slot means."""
    b, v, n, _ = place
    V: tl.constexpr = SHAPE.X * SHAPE.Y * SHAPE.Z
    return slot.tensor + ((b * slot.slots + slot.slot + gate) * V + v)[:, None] * SHAPE.C + n[None, :]


@triton.jit
def read(slot, place, gate, SHAPE: tl.constexpr):
    """(rows, channels) float32."""
    exists = place[3]
    if slot.tensor is None:
        return tl.zeros((exists.shape[0], exists.shape[1]), tl.float32)
    else:
        return tl.load(pointers(slot, place, gate, SHAPE), exists).to(tl.float32)


@triton.jit
def write(slot, place, gate, x, SHAPE: tl.constexpr):
    if slot.tensor is not None:
        store(pointers(slot, place, gate, SHAPE), x, place[3])


@triton.jit
def write_factor(slot, place, gate, x, SHAPE: tl.constexpr, TILE: tl.constexpr):
    """`write` of what a product will read, in tf32 rounded for it."""
    if slot.tensor is not None:
        store(pointers(slot, place, gate, SHAPE), as_factor(x, TILE.precision), place[3])


@triton.jit
def seen(mask, place, T, t):
    """(rows, 1): whether the mask (B, T) has step t of a row's sample."""
    return tl.load(mask + place[0] * T + t)[:, None] != 0


@triton.jit
def tanh(x):
    """To float32's last bits: 2 sigmoid(2x) - 1 alone cancels where x is small.

    There a polynomial of x^2, fitted to tanh(x) / x at Chebyshev's nodes up to |x| = 0.65, is 7e-9 from it.
    """
    e = tl.exp(-2 * tl.abs(x))
    y = (1 - e) / (1 + e)
    x2 = x * x
    series = 0.02045437 - x2 * 0.00550101
    series = -0.33333256 + x2 * (0.13330747 + x2 * (-0.05368244 + x2 * series))
    return tl.where(tl.abs(x) < 0.6, x + x * (x2 * series), tl.where(x < 0, -y, y))


@triton.jit
def store(pointer, x, exists):
    """tl.store, rounding to nearest; Triton's interpreter cuts bfloat16 off, twice as far from the truth."""
    if INTERPRETED and pointer.dtype.element_ty == tl.bfloat16:
        bits = x.to(tl.int32, bitcast=True)
        x = (bits + 0x7FFF + ((bits >> 16) & 1)).to(tl.float32, bitcast=True)
    tl.store(pointer, x, exists)


@triton.jit
def as_factor(x, PRECISION: tl.constexpr):
    """x as a product should read it. In tf32 it is rounded here, to nearest, as the matrix units cut bits off.

    Cut-off factors are all too small, and their products more than twice as far from float64 as those of rounded ones
    (tests/convrnn3d/test_kernels.py).
    """
    if PRECISION == "tf32":
        bits = x.to(tl.int32, bitcast=True)
        rounded = ((bits + 0x1000) & -0x2000).to(tl.float32, bitcast=True)
        x = tl.where(x == x, rounded, x)  # NaN's bits would carry over into the sign
    return x


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


@triton.jit
def convolve_box(
    source,  # Slot's tensor
    rows,  # (rows) offset of each row's voxel in `source`
    weight,  # (taps, 3 C, C), one of the two orders of `packing`
    first,  # output channel that the tile begins with
    x0, nx, y0, ny, z0, nz,  # box of taps: first, and how many, in each axis; 0 is the voxel itself
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Tiles of W * source, one for each gate; or, transposed, one: the sum of W^T * each gate's own source.

    The first two gates' output channels alternate in the packed weight: their tiles are one product twice as wide,
    which comes apart after the loop, without a number changing its thread.
    """
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    INNER: tl.constexpr = TILE.inner
    CHANNELS: tl.constexpr = TILE.channels
    PAIR: tl.constexpr = not PHASE.transposed and PHASE.count > 1
    SINGLE: tl.constexpr = PHASE.transposed or PHASE.count % 2 == 1
    k = tl.arange(0, INNER)
    chunks: tl.constexpr = (C + INNER - 1) // INNER
    ragged: tl.constexpr = C % INNER != 0
    summed: tl.constexpr = PHASE.count if PHASE.transposed else 1
    sources = source + rows[:, None] + k[None, :]  # (rows, INNER)
    column = tl.minimum(2 * first + tl.arange(0, 2 * CHANNELS), 2 * C - 1)
    pair_weights = weight + column[None, :] * C + k[:, None]  # (INNER, 2 channels)
    column = tl.minimum(first + tl.arange(0, CHANNELS), C - 1)
    # Forward, what is left of a pair is the last gate.
    weights = weight + ((PHASE.first if PHASE.transposed else 2) * C + column)[None, :] * C + k[:, None]
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
        index = SIDE * SIDE * SIDE // 2 + (-distance if PHASE.transposed else distance)
        voxels = (dx * SHAPE.Y + dy) * SHAPE.Z + dz + gate * (SHAPE.X * SHAPE.Y * SHAPE.Z)
        tap_and_gate = (index * 3 + gate) * (C * C) + begin
        inside = (begin + k < C)[:, None]
        a = tl.load(sources + voxels * C + begin, inside.T if ragged else None, other=0 if ragged else None)
        if PAIR:
            w = tl.load(pair_weights + tap_and_gate, inside if ragged else None, other=0 if ragged else None)
            pair = multiply(a, w, pair, TILE.precision)
        if SINGLE:
            w = tl.load(weights + tap_and_gate, inside if ragged else None, other=0 if ragged else None)
            single = multiply(a, w, single, TILE.precision)
    return apart(pair, single, PAIR, SINGLE)


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
def convolve_line(
    source,  # Slot's tensor
    rows,  # (rows) offset of the line's first voxel in `source`
    weight, first,  # as for convolve_box
    z0,  # of the first voxel
    x0, nx, y0, ny,  # box of taps, without dz
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """`convolve_box` for the voxels of a line along z, a tuple of tiles for each.

    A turn has one (dx, dy), and reads the sources of the whole line and the weights of the three dz once each, for all
    the products that they are in: of a line of four, the grid's whole side, four sources and three weights for ten
    products. A line that is shorter than the side reads one source more at each end, zeros beyond the grid.
    """
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    INNER: tl.constexpr = TILE.inner
    CHANNELS: tl.constexpr = TILE.channels
    LINE: tl.constexpr = TILE.line
    R: tl.constexpr = SIDE // 2
    HALO: tl.constexpr = 0 if LINE == Z else R
    PAIR: tl.constexpr = not PHASE.transposed and PHASE.count > 1
    SINGLE: tl.constexpr = PHASE.transposed or PHASE.count % 2 == 1
    k = tl.arange(0, INNER)
    chunks: tl.constexpr = (C + INNER - 1) // INNER
    ragged: tl.constexpr = C % INNER != 0
    summed: tl.constexpr = PHASE.count if PHASE.transposed else 1
    sources = source + rows[:, None] + k[None, :]  # (rows, INNER)
    column = tl.minimum(2 * first + tl.arange(0, 2 * CHANNELS), 2 * C - 1)
    pair_weights = weight + column[None, :] * C + k[:, None]  # (INNER, 2 channels)
    column = tl.minimum(first + tl.arange(0, CHANNELS), C - 1)
    weights = weight + ((PHASE.first if PHASE.transposed else 2) * C + column)[None, :] * C + k[:, None]
    pairs = (tl.zeros((rows.shape[0], 2 * CHANNELS), tl.float32),) * LINE
    singles = (tl.zeros((rows.shape[0], CHANNELS), tl.float32),) * LINE
    by_y = inverse(ny)
    for i in range(nx * ny * summed * chunks):
        begin = i % chunks * INNER
        gate = i // chunks % summed
        tap = i // (chunks * summed)
        plane = quotient(tap, by_y)
        dx, dy = x0 + plane, y0 + tap - plane * ny
        distance = (dx * SIDE + dy) * SIDE
        index = SIDE * SIDE * SIDE // 2 + (-distance if PHASE.transposed else distance)  # of dz = 0
        inside = (begin + k < C)[:, None]
        w_pair = ()
        w_single = ()
        for place in tl.static_range(SIDE):  # dz = place - R
            away = R - place if PHASE.transposed else place - R
            tap_and_gate = ((index + away) * 3 + gate) * (C * C) + begin
            if PAIR:
                w = tl.load(pair_weights + tap_and_gate, inside if ragged else None, other=0 if ragged else None)
                w_pair = w_pair + (w,)  # noqa: RUF005
            if SINGLE:
                w = tl.load(weights + tap_and_gate, inside if ragged else None, other=0 if ragged else None)
                w_single = w_single + (w,)  # noqa: RUF005
        line = ((dx * SHAPE.Y + dy) * Z + gate * (SHAPE.X * SHAPE.Y * Z)) * C + begin
        for place in tl.static_range(LINE + 2 * HALO):  # a source, at z0 + place - HALO
            at = sources + line + (place - HALO) * C
            if HALO == 0:
                a = tl.load(at, inside.T if ragged else None, other=0 if ragged else None)
            else:
                z = z0 + (place - HALO) + 0 * k
                a = tl.load(at, ((begin + k < C) & (z >= 0) & (z < Z))[None, :], other=0)
            new_pairs = ()
            new_singles = ()
            for voxel in tl.static_range(LINE):
                pair = pairs[voxel]
                single = singles[voxel]
                if place - HALO - voxel >= -R and place - HALO - voxel <= R:
                    if PAIR:
                        pair = multiply(a, w_pair[place - HALO - voxel + R], pair, TILE.precision)
                    if SINGLE:
                        single = multiply(a, w_single[place - HALO - voxel + R], single, TILE.precision)
                new_pairs = new_pairs + (pair,)  # noqa: RUF005
                new_singles = new_singles + (single,)  # noqa: RUF005
            pairs = new_pairs
            singles = new_singles
    sums = ()
    for voxel in tl.static_range(LINE):
        sums = sums + (apart(pairs[voxel], singles[voxel], PAIR, SINGLE),)  # noqa: RUF005
    return sums


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
