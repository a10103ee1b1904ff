"""Which voxel a program owns, so that every multiprocessor has as much to do: a corner has 8 taps, an inner voxel 27.

Where there are about two programs for each multiprocessor, the second one there is the one that is half of all later:
at once, or when the first one ends. So in the first half of the order voxels have more and more taps, in the second
fewer and fewer, 18, 27, 12, 8 on a 4x4x4 grid: an inner voxel meets a corner.
"""

import triton
import triton.language as tl

MOST = tl.constexpr(64)  # voxels whose order is looked up, in the bits of one number for each bit of a voxel's


@triton.constexpr_function
def order_of_voxels(X, Y, Z):
    """The voxels (x Y + y) Z + z of a grid in the order in which their programs start, as `voxel_at` finds them."""

    def of_a_larger_grid(i: int) -> int:
        plane = i // (Y * Z)
        y = (i // Z + 1 + plane // ((X + 1) // 2) * (Y // 2)) % Y
        return ((plane + 1) % X * Y + y) * Z + (i + 1) % Z

    def along(place: int, side: int) -> int:
        return min(1, side - 1 - place) - max(-1, -place) + 1

    def taps(voxel: int) -> int:
        return along(voxel // (Y * Z), X) * along(voxel // Z % Y, Y) * along(voxel % Z, Z)

    number = X * Y * Z
    if number > MOST.value:
        return tuple(map(of_a_larger_grid, range(number)))
    falling = sorted(range(number), key=taps, reverse=True)
    return (*reversed(falling[: number // 2]), *falling[number // 2 :])


@triton.constexpr_function
def bits_of_order(X, Y, Z, BIT):
    """A number whose i-th bit is that of the i-th voxel."""
    return sum((voxel >> BIT & 1) << i for i, voxel in enumerate(order_of_voxels(X, Y, Z)))


@triton.jit
def voxel_at(i, SHAPE: tl.constexpr):
    """The i-th voxel."""
    X: tl.constexpr = SHAPE.X
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    V: tl.constexpr = X * Y * Z
    if V <= MOST:
        voxel = i * 0
        for bit in tl.static_range((V - 1).bit_length()):
            bits = tl.full((), bits_of_order(X, Y, Z, bit), tl.uint64)
            voxel += ((bits >> i.to(tl.uint64)) & 1).to(tl.int32) << bit
    else:
        # Of larger grids there are many programs for each multiprocessor. Inner voxels come first, for what starts last
        # should be short; in the second half of the x corners do.
        plane = i // (Y * Z)
        x, z = (plane + 1) % X, (i + 1) % Z
        y = (i // Z + 1 + plane // ((X + 1) // 2) * (Y // 2)) % Y
        voxel = (x * Y + y) * Z + z
    return voxel
