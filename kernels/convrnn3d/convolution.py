"""The convolution inside every kernel: tiles of W * h and of W^T * da, summed over tap boxes.

Grids are tensors (B, slots, X, Y, Z, C), contiguous; a slot is a step, or a gate of a step. A tile has rows, each a
sample b at a voxel v, and output channels n. Two ways to share the work out (DERIVATION.md, tap boxes):

    by voxel   a program owns one voxel of several samples, and runs through the voxel's box of taps. No tap leaves
               the grid, so the loop multiplies no zero and tests no mask.
    by tap     a program owns one tap, and rows of every voxel that the tap does not leave the grid from; what the
               taps add up to is summed by the next kernel, always in the same order (a tree). For a few samples, where
               a voxel alone has too few rows.

A 1x1x1 convolution has one tap, which no voxel leaves the grid by: a program owns rows of any voxels.
"""

import triton
import triton.language as tl

INTERPRETED = tl.constexpr(triton.knobs.runtime.interpret)
VARYING = ["B", "T", "t", "source_slots", "source_slot", "h_slots", "h_slot", "gate_slots", "gate_slot", "next_slot"]
VARYING += ["s_slots", "s_slot", "next_s_slots", "next_s_slot"]


@triton.jit
def offset(b, v, n, slots, slot, V: tl.constexpr, C: tl.constexpr):
    """Offsets (rows, channels) of row (b, v)'s channels n in slot `slot` of a tensor (B, slots, X, Y, Z, C)."""
    return ((b * slots + slot) * V + v)[:, None] * C + n[None, :]


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
def store(pointer, x, tile):
    """tl.store, rounding to nearest; Triton's interpreter cuts bfloat16 off, twice as far from the truth."""
    if INTERPRETED and pointer.dtype.element_ty == tl.bfloat16:
        bits = x.to(tl.int32, bitcast=True)
        x = (bits + 0x7FFF + ((bits >> 16) & 1)).to(tl.float32, bitcast=True)
    tl.store(pointer, x, tile)


@triton.jit
def store_factor(pointer, x, tile, PRECISION: tl.constexpr):
    """`store` of what a product will read. In tf32 it is rounded here, to nearest, as the matrix units cut bits off.

    Cut-off factors are all too small, and their products more than twice as far from float64 as those of rounded ones
    (tests/convrnn3d/test_kernels.py).
    """
    if PRECISION == "tf32":
        bits = x.to(tl.int32, bitcast=True)
        rounded = ((bits + 0x1000) & -0x2000).to(tl.float32, bitcast=True)
        x = tl.where(x == x, rounded, x)  # NaN's bits would carry over into the sign
    store(pointer, x, tile)


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
def convolve(
    source,
    rows,  # (rows) offset of each row's voxel in `source`
    weight,  # (taps, 3, C, C): gate, output channel, input channel; the last two swapped if TRANSPOSED
    n,  # (channels) output channels
    x0, nx, y0, ny, z0, nz,  # box of taps: first, and how many, in each axis; 0 is the voxel itself
    X: tl.constexpr, Y: tl.constexpr, Z: tl.constexpr, C: tl.constexpr, SIDE: tl.constexpr,
    GATE: tl.constexpr, GATES: tl.constexpr, TRANSPOSED: tl.constexpr,
    INNER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """W * source, each gate's in one of the three; or, TRANSPOSED, the sum of W^T * its own source, in the first."""
    k = tl.arange(0, INNER)
    chunks: tl.constexpr = (C + INNER - 1) // INNER
    ragged: tl.constexpr = C % INNER != 0
    summed: tl.constexpr = GATES if TRANSPOSED else 1
    separate: tl.constexpr = 1 if TRANSPOSED else GATES
    sources = source + rows[:, None] + k[None, :]  # (rows, INNER)
    kernels = weight + (GATE * C + tl.minimum(n, C - 1))[None, :] * C + k[:, None]  # (INNER, channels)
    sum_0 = tl.zeros((rows.shape[0], n.shape[0]), tl.float32)
    sum_1 = sum_0
    sum_2 = sum_0
    by_y, by_z = inverse(ny), inverse(nz)
    for i in range(nx * ny * nz * summed * chunks):
        first = i % chunks * INNER
        gate = i // chunks % summed
        tap = i // (chunks * summed)
        line = quotient(tap, by_z)
        plane = quotient(line, by_y)
        dx, dy, dz = x0 + plane, y0 + line - plane * ny, z0 + tap - line * nz
        distance = (dx * SIDE + dy) * SIDE + dz
        index = SIDE * SIDE * SIDE // 2 + (-distance if TRANSPOSED else distance)
        at = sources + ((dx * Y + dy) * Z + dz + gate * (X * Y * Z)) * C + first
        kernel = kernels + (index * 3 + gate) * (C * C) + first
        inside = (first + k < C)[:, None]
        a = tl.load(at, inside.T if ragged else None, other=0 if ragged else None)
        w_0 = tl.load(kernel, inside if ragged else None, other=0 if ragged else None)
        sum_0 = multiply(a, w_0, sum_0, PRECISION)
        if separate > 1:
            w_1 = tl.load(kernel + C * C, inside if ragged else None, other=0 if ragged else None)
            sum_1 = multiply(a, w_1, sum_1, PRECISION)
        if separate > 2:
            w_2 = tl.load(kernel + 2 * C * C, inside if ragged else None, other=0 if ragged else None)
            sum_2 = multiply(a, w_2, sum_2, PRECISION)
    return sum_0, sum_1, sum_2


@triton.jit
def own(
    source, source_slots, source_slot, weight, parts, B,
    X: tl.constexpr, Y: tl.constexpr, Z: tl.constexpr, C: tl.constexpr, SIDE: tl.constexpr,
    GATE: tl.constexpr, GATES: tl.constexpr, TRANSPOSED: tl.constexpr, EMPTY: tl.constexpr,
    ROWS: tl.constexpr, CHANNELS: tl.constexpr, INNER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The tile this program owns: samples b, voxels v, channels n, which of it exists, and its convolution by gate.

    The convolution is zero if EMPTY; read from `parts`, where `conv_taps` left it by tap, if there are; else computed.
    """
    V: tl.constexpr = X * Y * Z
    R: tl.constexpr = SIDE // 2
    blocks: tl.constexpr = (C + CHANNELS - 1) // CHANNELS
    program = tl.program_id(0)
    n = program % blocks * CHANNELS + tl.arange(0, CHANNELS)
    program = program // blocks
    sum_0 = tl.zeros((ROWS, CHANNELS), tl.float32)
    sum_1 = sum_0
    sum_2 = sum_0
    if SIDE == 1 or EMPTY or parts is not None:
        row = program * ROWS + tl.arange(0, ROWS)
        exists = row < B * V
        row = tl.minimum(row, B * V - 1)
        b, v = (row // V).to(tl.int64), row % V
        tile = exists[:, None] & (n < C)[None, :]
        if parts is not None:
            tap = tl.arange(0, triton.next_power_of_2(SIDE * SIDE * SIDE))[:, None]
            x = v // (Y * Z) + tap // (SIDE * SIDE) - R  # (taps, rows)
            y = v // Z % Y + tap // SIDE % SIDE - R
            z = v % Z + tap % SIDE - R
            inside = (x >= 0) & (x < X) & (y >= 0) & (y < Y) & (z >= 0) & (z < Z) & (tap < SIDE * SIDE * SIDE)
            inside = inside[:, :, None] & tile[None, :, :]  # (taps, rows, channels)
            grids = B.to(tl.int64) * V * C
            separate: tl.constexpr = 1 if TRANSPOSED else GATES
            part = parts + tap[:, :, None] * separate * grids + offset(b, v, n, 1, 0, V, C)[None, :, :]
            sum_0 = tl.sum(tl.load(part, inside, other=0), axis=0)
            if separate > 1:
                sum_1 = tl.sum(tl.load(part + grids, inside, other=0), axis=0)
            if separate > 2:
                sum_2 = tl.sum(tl.load(part + 2 * grids, inside, other=0), axis=0)
        elif not EMPTY:
            rows = ((b * source_slots + source_slot) * V + v) * C
            one = tl.full((), 1, tl.int32)
            sum_0, sum_1, sum_2 = convolve(
                source, rows, weight, n, 0, one, 0, one, 0, one,
                X, Y, Z, C, SIDE, GATE, GATES, TRANSPOSED, INNER, PRECISION,
            )  # fmt: skip
    else:
        sample_blocks = tl.cdiv(B, ROWS)
        b = program % sample_blocks * ROWS + tl.arange(0, ROWS)
        exists = b < B
        b = tl.minimum(b, B - 1).to(tl.int64)
        # Interior voxels first: they have up to 27 taps, corners 8, and what starts last should be short.
        place = program // sample_blocks
        x, y, z = (place // (Y * Z) + 1) % X, (place // Z % Y + 1) % Y, (place % Z + 1) % Z
        v = (x * Y + y) * Z + z + tl.zeros((ROWS,), tl.int32)
        tile = exists[:, None] & (n < C)[None, :]
        x0, y0, z0 = tl.maximum(-R, -x), tl.maximum(-R, -y), tl.maximum(-R, -z)
        nx, ny, nz = (
            tl.minimum(R, X - 1 - x) - x0 + 1,
            tl.minimum(R, Y - 1 - y) - y0 + 1,
            tl.minimum(R, Z - 1 - z) - z0 + 1,
        )
        rows = ((b * source_slots + source_slot) * V + v) * C
        sum_0, sum_1, sum_2 = convolve(
            source, rows, weight, n, x0, nx, y0, ny, z0, nz,
            X, Y, Z, C, SIDE, GATE, GATES, TRANSPOSED, INNER, PRECISION,
        )  # fmt: skip
    return b, v, n, tile, sum_0, sum_1, sum_2


@triton.jit(do_not_specialize=VARYING)
def conv_taps(
    source, source_slots, source_slot, weight, parts, B,
    X: tl.constexpr, Y: tl.constexpr, Z: tl.constexpr, C: tl.constexpr, SIDE: tl.constexpr,
    GATE: tl.constexpr, GATES: tl.constexpr, TRANSPOSED: tl.constexpr,
    ROWS: tl.constexpr, CHANNELS: tl.constexpr, INNER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """What each tap adds to the convolution: parts (taps, gates, B, X, Y, Z, C) float32, where the tap is inside."""
    V: tl.constexpr = X * Y * Z
    R: tl.constexpr = SIDE // 2
    blocks: tl.constexpr = (C + CHANNELS - 1) // CHANNELS
    program = tl.program_id(0)
    n = program % blocks * CHANNELS + tl.arange(0, CHANNELS)
    program = program // blocks
    tap = program % (SIDE * SIDE * SIDE)
    first = program // (SIDE * SIDE * SIDE) * ROWS
    dx, dy, dz = tap // (SIDE * SIDE) - R, tap // SIDE % SIDE - R, tap % SIDE - R
    nx, ny, nz = X - tl.abs(dx), Y - tl.abs(dy), Z - tl.abs(dz)  # voxels that the tap does not leave the grid from
    inside = nx * ny * nz
    if first >= B * inside:
        return
    row = first + tl.arange(0, ROWS)
    exists = row < B * inside
    row = tl.minimum(row, B * inside - 1)
    b = (row // inside).to(tl.int64)
    x = tl.maximum(0, -dx) + row % inside // (ny * nz)
    y = tl.maximum(0, -dy) + row % (ny * nz) // nz
    z = tl.maximum(0, -dz) + row % nz
    v = (x * Y + y) * Z + z
    one = tl.full((), 1, tl.int32)
    sum_0, sum_1, sum_2 = convolve(
        source, ((b * source_slots + source_slot) * V + v) * C, weight, n, dx, one, dy, one, dz, one,
        X, Y, Z, C, SIDE, GATE, GATES, TRANSPOSED, INNER, PRECISION,
    )  # fmt: skip
    tile = exists[:, None] & (n < C)[None, :]
    grids = B.to(tl.int64) * V * C
    part = parts + tap * (1 if TRANSPOSED else GATES) * grids + offset(b, v, n, 1, 0, V, C)
    tl.store(part, sum_0, tile)
    if GATES > 1 and not TRANSPOSED:
        tl.store(part + grids, sum_1, tile)
    if GATES > 2 and not TRANSPOSED:
        tl.store(part + 2 * grids, sum_2, tile)
