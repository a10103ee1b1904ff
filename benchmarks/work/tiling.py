"""How `convrnn3d` shares a convolution out over programs, and what each program then reads and multiplies.

    whole     a voxel of a block of samples, with its box of taps, or lines along z, with the box of all of theirs; for
              a 1x1x1 kernel, rows of any voxels
    in parts  the taps along one, two or three axes are also shared out over programs: rows of any voxels that have a
              source there, or lines of such

The weight gradient is included. Taps along axes that are not shared out are masked, except for a voxel's box; those
along a line are all computed, and share a source. The order is that in which programs start, see
`convrnn3d.convolution` and `convrnn3d.wgrad`. Bytes count only the existing part of a tile: rows beyond the last sample
read that sample again, masked ones read nothing. Operations include masked rows, columns and taps, which are
multiplied.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import NamedTuple

from convrnn3d.lines import rows_of_line
from convrnn3d.orders import order_of_taps, order_of_voxels
from convrnn3d.products import widths
from convrnn3d.tuning import Launch as Choice

from benchmarks.work.launches import Programs
from benchmarks.work.sizes import GATES, Sizes

Order = Callable[[int, int, int], tuple[int, ...]]  # of a grid's voxels, by its sides


@dataclass(frozen=True)
class Convolution:
    """A convolution for `gates` gates, each with a result of its own or, with `back`, all summed into one."""

    gates: int
    back: bool = False

    @property
    def summed(self) -> int:
        return self.gates if self.back else 1

    @property
    def separate(self) -> int:
        return 1 if self.back else self.gates


class Loop(NamedTuple):
    """A program's loop for one gate and a tile of input channels: turns, tiles of sources, taps of each turn."""

    turns: int
    sources: float
    taps: int = 1


def whole(sizes: Sizes, convolution: Convolution, tile: Choice, order: Order = order_of_voxels) -> tuple[Programs, ...]:
    """The programs of a convolution that is not in parts. order: the order in which voxels' programs start."""
    if sizes.kernel_size == 1:
        sizes, tile = replace(sizes, batch=sizes.batch * sizes.voxels, grid=1), replace(tile, lines=False)
    if tile.lines:
        return _lines(sizes, convolution, tile)
    side = sizes.grid
    found = []
    for voxel in order(side, side, side):
        taps = sizes.along(voxel // side**2) * sizes.along(voxel // side % side) * sizes.along(voxel % side)
        for rows, count in spans(sizes.batch, tile.rows):
            found += _columns(sizes, convolution, tile, Loop(taps, taps), rows, count)
    return tuple(found)


def in_parts(sizes: Sizes, convolution: Convolution, tile: Choice) -> tuple[Programs, ...]:
    """The programs of a convolution in parts, without the sums of the parts, which are another launch."""
    if tile.lines:
        return _lines(sizes, convolution, tile)
    masked = 3 - tile.shared
    taps, there = sizes.kernel_size**masked, (sizes.axis_pairs / sizes.grid) ** masked
    found = []
    offsets = list(product(_reach(sizes), repeat=tile.shared))
    for first, offset in product(range(0, sizes.batch * sizes.voxels, tile.rows), offsets):
        rows = min(max(sizes.batch * _inside(sizes, offset) - first, 0), tile.rows)
        found += _columns(sizes, convolution, tile, Loop(taps, there), rows)
    return tuple(found)


def _lines(sizes: Sizes, convolution: Convolution, tile: Choice) -> tuple[Programs, ...]:
    """The programs of tiles by line, numbered as in `convrnn3d.lines.lines_at`."""
    side, batch = sizes.grid, sizes.batch
    lines = tile.rows // rows_of_line(side)  # of a tile
    offsets = list(product(_reach(sizes), repeat=tile.shared))
    inside = [sizes.along(place) for place in range(side)]
    found = []
    for first, offset in product(range(0, batch * side**2, lines), offsets):
        dx, dy = (*offset, 0, 0)[:2]
        nx, ny = side - abs(dx), side - abs(dy)
        numbers = range(first, min(first + lines, batch * max(nx, 0) * max(ny, 0)))
        if not numbers:
            found += _columns(sizes, convolution, tile, Loop(0, 0), 0)
            continue
        planes = [number // (batch * ny) for number in numbers]
        ends = [ny - 1 if 2 * plane < nx else 1 for plane in planes]
        x = [max(0, -dx) + {0: nx - 1, nx - 1: 0}.get(plane, plane) for plane in planes]
        y = [max(0, -dy) + (number // batch + end) % ny for number, end in zip(numbers, ends, strict=True)]
        x_taps, x_there = (1, [1] * len(x)) if tile.shared > 0 else _taps(sizes, x, inside)
        y_taps, y_there = (1, [1] * len(y)) if tile.shared > 1 else _taps(sizes, y, inside)
        there = sum(a * b for a, b in zip(x_there, y_there, strict=True)) / len(x)
        found += _columns(sizes, convolution, tile, Loop(x_taps * y_taps, there, sizes.kernel_size), len(x) * side)
    return tuple(found)


def _taps(sizes: Sizes, places: list[int], inside: list[int]) -> tuple[int, list[int]]:
    """How many taps along an axis any of these places has inside the grid, and how many each has, from `inside`."""
    low, high = max(-sizes.reach, -max(places)), min(sizes.reach, sizes.grid - 1 - min(places))
    return high - low + 1, [inside[place] for place in places]


def shared_memory(sizes: Sizes, convolution: Convolution, tile: Choice) -> int:
    """Bytes that the tiles of a program's pipeline take."""
    columns = convolution.separate * tile.channels * (sizes.kernel_size if tile.lines else 1)
    return tile.stages * (tile.rows + columns) * tile.inner * sizes.element


def bytes_of_parts(sizes: Sizes, convolution: Convolution, tile: Choice) -> int:
    """Bytes of the float32 parts that `in_parts` leaves to be summed."""
    pairs = sizes.axis_pairs**tile.shared * sizes.grid ** (3 - tile.shared)
    return 4 * convolution.separate * sizes.batch * sizes.channels * pairs


def weight_gradient(sizes: Sizes, tile: Choice, shares: int) -> tuple[Programs, ...]:
    """The weight gradient's programs for all gates.

    Each share has whole samples, whose rows continue from voxel to voxel, or turns of one voxel each.
    """
    samples = sizes.batch * sizes.steps
    a_share = -(-samples // shares)
    found = []
    offsets, side = list(product(_reach(sizes), repeat=3)), sizes.grid
    for tap, share in product(order_of_taps(sizes.kernel_size, side, side, side), range(shares)):
        offset = offsets[tap]
        voxels = _inside(sizes, offset)
        rows = max(min(a_share, samples - share * a_share), 0) * voxels
        turns = -(-rows // tile.rows)
        if tile.lines:
            every = voxels * -(-samples // tile.rows)
            turns = max(min(-(-every // shares), every - share * -(-every // shares)), 0)
            rows = samples * voxels * turns // max(every, 1)
        for (outputs, a), (inputs, b) in product(spans(sizes.channels, tile.channels), repeat=2):
            read, operations = rows * (outputs + inputs) * sizes.element, 2 * turns * tile.rows * tile.channels**2
            scratch = turns * (4 * tile.rows * tile.channels * sizes.element)
            scratch += turns * operands(tile.channels, tile.channels, tile.rows * sizes.element, tile.warps)
            found.append(Programs(GATES * a * b, turns, read, operations, scratch))
    return tuple(found)


def spans(size: int, piece: int) -> list[tuple[int, int]]:
    """`size` cut into pieces, as (length, count); the last piece may be shorter."""
    full, rest = divmod(size, piece)
    return [(length, count) for length, count in ((piece, full), (rest, 1)) if length and count]


def _columns(
    sizes: Sizes, convolution: Convolution, tile: Choice, loop: Loop, rows: int, count: int = 1
) -> Iterator[Programs]:
    """`count` programs for each block of channels; programs without rows end at once."""
    chunks, summed, separate = -(-sizes.channels // tile.inner), convolution.summed, convolution.separate
    for columns, number in spans(sizes.channels, tile.channels):
        if not rows:
            yield Programs(count * number, 0, 0)
            continue
        turns = summed * chunks * loop.turns
        tiles = loop.taps * separate  # of a turn
        read = summed * (loop.sources * rows + loop.turns * tiles * columns) * sizes.channels * sizes.element
        scratch = 2 * (tile.rows + tiles * tile.channels) * tile.inner * sizes.element
        for width in widths(tiles):
            scratch += operands(tile.rows, width * tile.channels, tile.inner * sizes.element, tile.warps)
        operations = 2 * turns * tile.rows * tiles * tile.channels * tile.inner
        yield Programs(count * number, turns, round(read), operations, turns * scratch)


def operands(rows: int, columns: int, inner: int, warps: int) -> int:
    """Bytes of shared memory that a product reads: wgmma reads both tiles, 64 rows by up to 256 columns per four warps.

    Warps beyond those needed for the rows share out the columns, and read the rows again.
    """
    high = -(-rows // 64)
    beside = max(1, warps // 4 // high)
    return high * (64 * beside * -(-columns // (256 * beside)) + columns) * inner


def _reach(sizes: Sizes) -> range:
    return range(-sizes.reach, sizes.reach + 1)


def _inside(sizes: Sizes, offset: tuple[int, ...]) -> int:
    """The number of voxels that have a source at an offset along the first axes."""
    sides = [max(sizes.grid - abs(away), 0) for away in offset]
    return prod(sides) * sizes.grid ** (3 - len(sides))
