"""Which voxel, or which tap of the weight's gradient, a program owns, so that multiprocessors have equally much to do.

A corner of the grid has 8 taps, an inner voxel 27; the middle tap has a source at every voxel, a tap towards a corner
at 27 of a 4x4x4 grid's 64. With about two programs for each multiprocessor, its second program comes half of all
programs after its first, and starts at once or when the first one ends. So the longer half of the programs comes first,
in rising length, then the others, in falling length: 18, 27, 12, 8 taps on a 4x4x4 grid, where an inner voxel is paired
with a corner.
"""

import triton
import triton.language as tl

# Most entries of an order that is looked up: it is held as one 64-bit number for each bit of its entries.
MOST = tl.constexpr(64)


@triton.constexpr_function
def _longer_half_first(LENGTHS):
    falling = sorted(range(len(LENGTHS)), key=LENGTHS.__getitem__, reverse=True)
    half = (len(falling) + 1) // 2
    return (*reversed(falling[:half]), *falling[half:])


@triton.constexpr_function
def order_of_voxels(X, Y, Z):
    """The voxels (x Y + y) Z + z of a grid; as they come in a large one, which has many programs per multiprocessor."""

    def along(place: int, side: int) -> int:
        return min(1, side - 1 - place) - max(-1, -place) + 1

    def taps(voxel: int) -> int:
        return along(voxel // (Y * Z), X) * along(voxel // Z % Y, Y) * along(voxel % Z, Z)

    number = X * Y * Z
    return tuple(range(number)) if number > MOST.value else _longer_half_first(tuple(map(taps, range(number))))


@triton.constexpr_function
def order_of_taps(SIDE, X, Y, Z):
    """The taps (dx SIDE + dy) SIDE + dz of a kernel, where dx, dy and dz count from 0."""
    R = SIDE // 2

    def voxels(tap: int) -> int:
        away = tap // (SIDE * SIDE) - R, tap // SIDE % SIDE - R, tap % SIDE - R
        nx, ny, nz = (max(side - abs(distance), 0) for side, distance in zip((X, Y, Z), away, strict=True))
        return nx * ny * nz

    return _longer_half_first(tuple(map(voxels, range(SIDE**3))))


@triton.constexpr_function
def _as_they_come(ORDER):
    return tuple(ORDER) == tuple(range(len(ORDER)))


@triton.constexpr_function
def _bits_of(ORDER):
    return (len(ORDER) - 1).bit_length()


@triton.constexpr_function
def _bits(ORDER, BIT):
    """A number whose i-th bit is bit BIT of the i-th entry of an order."""
    return sum((one >> BIT & 1) << i for i, one in enumerate(ORDER))


@triton.jit
def in_order(i, ORDER: tl.constexpr):
    """The i-th entry of an order; an order of more than MOST entries must be 0, 1, 2 and so on."""
    if len(ORDER) > MOST:
        tl.static_assert(_as_they_come(ORDER))
        found = i
    else:
        found = i * 0
        for bit in tl.static_range(_bits_of(ORDER)):
            bits = tl.full((), _bits(ORDER, bit), tl.uint64)
            found += ((bits >> i.to(tl.uint64)) & 1).to(tl.int32) << bit
    return found
