"""The loop inside every kernel: sums of products over a box of taps; `lines` has the one for lines of voxels.

A turn has a tap, a block of input channels and, transposed, a gate; see DERIVATION.md, rows, products and launches.
"""

import triton
import triton.language as tl

from convrnn3d.places import INTERPRETED, wait


@triton.jit
def inverse(n):
    """What `quotient` divides by n with: a division by a run-time number is many instructions, and a turn needs three.

    Triton 3.9, sm_90: divisions made a turn of gates_kernel (half, 64x32x64) 189 instructions, this 120;
    `benchmarks.machine_code` prints the present length.
    """
    return (0x7FFFFFFF // n).to(tl.uint32) + 1


@triton.jit
def inverse_of_taps(n):
    """`inverse` of as many taps as an axis has, without a division."""
    return tl.where(n == 1, 0x7FFFFFFF, tl.where(n == 2, 0x7FFFFFFF // 2, 0x7FFFFFFF // 3)).to(tl.uint32) + 1


@triton.jit
def quotient(i, inverse):
    """i // n, exact while i n < 2^31, n > 0.

    By the upper half of a product of 32 bits: that of 64, (i ((1 << 32) // n + 1)) >> 32, is miscompiled by ptxas 12.8
    where n is known when it compiles (conv_parts, half, 64x64x128 in three parts, on an H200).
    """
    return tl.umulhi((2 * i).to(tl.uint32), inverse).to(tl.int32)


@triton.jit
def unsigned(n):
    """n >= 0, whose quotients take fewer instructions then."""
    return (n + tl.zeros((), tl.int32)).to(tl.uint32)


@triton.jit
def divided(i, n, inverse, SMALL: tl.constexpr):
    """i // n, by `quotient` where that is exact."""
    if SMALL:
        return quotient(i, inverse)
    else:
        return i // n


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
    which comes apart after the loop, without a number changing its thread.
    """
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    INNER: tl.constexpr = TILE.inner
    CHANNELS: tl.constexpr = TILE.channels
    COUNT: tl.constexpr = PHASE.count
    TRANSPOSED: tl.constexpr = PHASE.transposed
    k = tl.arange(0, INNER)
    chunks: tl.constexpr = (C + INNER - 1) // INNER
    ragged: tl.constexpr = C % INNER != 0
    summed: tl.constexpr = COUNT if TRANSPOSED else 1
    sources, pair_weights, weights = operand_pointers(source, rows, weight, first, SHAPE, PHASE, TILE)
    pair = tl.zeros((rows.shape[0], 2 * CHANNELS), tl.float32)
    single = tl.zeros((rows.shape[0], CHANNELS), tl.float32)
    by_y, by_z = inverse_of_taps(ny), inverse_of_taps(nz)
    wait(TILE)
    for i in range(tl.maximum(nx * ny * nz * summed * chunks, 1)):
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
        within = inside if ragged else None
        pair, single = add_products(pair, single, a, pair_weights, weights, tap_and_gate, within, PHASE, TILE)
    return apart(pair, single, PHASE)


@triton.jit
def operand_pointers(source, rows, weight, first, SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr):
    """To what a turn reads of the first tap and input channels: sources, (rows, inner); weights of the first two gates,
    (inner, 2 channels); and of a gate by itself, (inner, channels).
    """
    C: tl.constexpr = SHAPE.C
    CHANNELS: tl.constexpr = TILE.channels
    k = tl.arange(0, TILE.inner)
    column = tl.minimum(2 * first + tl.arange(0, 2 * CHANNELS), 2 * C - 1)
    pair_weights = weight + column[None, :] * C + k[:, None]
    column = tl.minimum(first + tl.arange(0, CHANNELS), C - 1)
    # Forward, what is left of a pair is the last gate.
    weights = weight + ((PHASE.first if PHASE.transposed else 2) * C + column)[None, :] * C + k[:, None]
    return source + rows[:, None] + k[None, :], pair_weights, weights


@triton.jit
def add_products(
    pair, single, a, pair_weights, weights, at, there, PHASE: tl.constexpr, TILE: tl.constexpr
):  # fmt: skip
    """The sums of a turn, with its products of a: weights are read `at` so far from where they begin, if `there`."""
    PRECISION: tl.constexpr = TILE.precision
    PAIR: tl.constexpr = not PHASE.transposed and PHASE.count > 1
    SINGLE: tl.constexpr = PHASE.transposed or PHASE.count % 2 == 1
    other: tl.constexpr = None if there is None else 0
    if PAIR:
        pair = multiply(a, tl.load(pair_weights + at, there, other), pair, PRECISION)
    if SINGLE:
        single = multiply(a, tl.load(weights + at, there, other), single, PRECISION)
    return pair, single


@triton.jit
def multiply(a, b, sum, PRECISION: tl.constexpr):
    if INTERPRETED:  # whose product of bfloat16 operands would be that of their bits
        a, b = a.to(tl.float32), b.to(tl.float32)
    return tl.dot(a, b, sum, input_precision=PRECISION)


@triton.jit
def apart(pair, single, PHASE: tl.constexpr):
    """A tile for each gate, or the one of their sum."""
    if PHASE.transposed or PHASE.count == 1:
        sums = (single,)
    else:
        first, second = tl.split(tl.reshape(pair, (single.shape[0], single.shape[1], 2)))
        sums = (first, second, single) if PHASE.count == 3 else (first, second)
    return sums
