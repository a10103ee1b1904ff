"""How `convrnn3d` shares a convolution out over programs, and what each program then reads and multiplies.

    whole     a voxel of a block of samples, or a line of voxels along z, with its box of taps; of a 1x1x1 kernel, rows
              of any voxels
    in parts  the taps along one, two or three axes shared out over programs, too: rows of any voxels that have a source
              there, or lines of such; taps along axes that are not shared out are masked

and the weight's gradient. The order is that in which programs start, see `convrnn3d.convolution` and `convrnn3d.wgrad`.
A tile is counted as what exists of it: rows beyond the last sample read that sample again, masked ones read nothing.
Masked rows, columns and taps are multiplied, and counted so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import NamedTuple

from convrnn3d.tuning import Launch as Tile

from benchmarks.work.launches import Programs
from benchmarks.work.sizes import GATES, Sizes


@dataclass(frozen=True)
class Convolution:
    """Of so many gates, each with a result of its own or, `back`, all summed into one."""

    gates: int
    back: bool = False

    @property
    def summed(self) -> int:
        return self.gates if self.back else 1

    @property
    def separate(self) -> int:
        return 1 if self.back else self.gates


class Loop(NamedTuple):
    """A program's loop, for one gate and a tile of input channels: turns; tiles of sources and weights; products."""

    turns: int
    sources: float
    weights: int
    products: int

    def times(self, taps: int) -> "Loop":
        return Loop(*(taps * number for number in self))


def whole(sizes: Sizes, convolution: Convolution, tile: Tile) -> tuple[Programs, ...]:
    if sizes.kernel_size == 1:
        sizes, tile = replace(sizes, batch=sizes.batch * sizes.voxels, grid=1), replace(tile, line=1)
    side = sizes.grid
    found = []
    for x, y, loop in product(range(side), range(side), _along_z(sizes, tile)):
        # Interior voxels first, in the second half of the x corners first.
        place = (y + 1 + x // ((side + 1) // 2) * (side // 2)) % side
        taps = sizes.along((x + 1) % side) * sizes.along(place)
        for rows, count in spans(sizes.batch, tile.rows):
            found += _columns(sizes, convolution, tile, loop.times(taps), rows, count)
    return tuple(found)


def in_parts(sizes: Sizes, convolution: Convolution, tile: Tile) -> tuple[Programs, ...]:
    """Without the sums of what the parts leave, which are another launch."""
    return tuple(_parts_of_lines(sizes, convolution, tile) if tile.line > 1 else _parts(sizes, convolution, tile))


def bytes_of_parts(sizes: Sizes, convolution: Convolution, tile: Tile) -> int:
    """In float32, what `in_parts` leaves to be summed."""
    pairs = sizes.axis_pairs**tile.shared * sizes.grid ** (3 - tile.shared)
    return 4 * convolution.separate * sizes.batch * sizes.channels * pairs


def weight_gradient(sizes: Sizes, tile: Tile, shares: int) -> tuple[Programs, ...]:
    """Of all gates; each share has whole samples, whose rows run on from voxel to voxel."""
    samples = sizes.batch * sizes.steps
    a_share = -(-samples // shares)
    found = []
    for share, offset in product(range(shares), product(_reach(sizes), repeat=3)):
        rows = max(min(a_share, samples - share * a_share), 0) * _inside(sizes, offset)
        turns = -(-rows // tile.rows)
        for (outputs, a), (inputs, b) in product(spans(sizes.channels, tile.channels), repeat=2):
            read, operations = rows * (outputs + inputs) * sizes.element, 2 * turns * tile.rows * tile.channels**2
            found.append(Programs(GATES * a * b, turns, read, operations))
    return tuple(found)


def spans(size: int, piece: int) -> list[tuple[int, int]]:
    """`size` cut into pieces: (length, how many), the last one ragged."""
    full, rest = divmod(size, piece)
    return [(length, count) for length, count in ((piece, full), (rest, 1)) if length and count]


def _along_z(sizes: Sizes, tile: Tile) -> list[Loop]:
    """Of each line along z, or each voxel, one tap along x and y."""
    side, taps = sizes.grid, sizes.kernel_size
    starts = range(0, side, tile.line)
    if tile.line == 1:
        return [Loop(*[sizes.along((start + 1) % side)] * 4) for start in starts]
    if tile.line == side:  # no tap beyond the line is in the grid
        return [Loop(1, side, taps, sizes.axis_pairs)]
    sources = [min(start + tile.line + sizes.reach, side) - max(start - sizes.reach, 0) for start in starts]
    return [Loop(1, number, taps, tile.line * taps) for number in [*sources[1:], sources[0]]]


def _parts(sizes: Sizes, convolution: Convolution, tile: Tile) -> Iterator[Programs]:
    masked = 3 - tile.shared
    taps, there = sizes.kernel_size**masked, (sizes.axis_pairs / sizes.grid) ** masked
    offsets = list(product(_reach(sizes), repeat=tile.shared))
    for first, offset in product(range(0, sizes.batch * sizes.voxels, tile.rows), offsets):
        rows = min(max(sizes.batch * _inside(sizes, offset) - first, 0), tile.rows)
        yield from _columns(sizes, convolution, tile, Loop(taps, there, taps, taps), rows)


def _parts_of_lines(sizes: Sizes, convolution: Convolution, tile: Tile) -> Iterator[Programs]:
    places = product(range(sizes.grid), range(sizes.grid), _along_z(sizes, tile))
    for (x, y, loop), (rows, count), dx in product(places, spans(sizes.batch, tile.rows), _reach(sizes)):
        there = rows if x < sizes.grid - abs(dx) else 0
        yield from _columns(sizes, convolution, tile, loop.times(sizes.along(y)), there, count)


def _columns(
    sizes: Sizes, convolution: Convolution, tile: Tile, loop: Loop, rows: int, count: int = 1
) -> Iterator[Programs]:
    """`count` programs for each block of channels; without rows they end at once."""
    chunks, summed, separate = -(-sizes.channels // tile.inner), convolution.summed, convolution.separate
    for columns, number in spans(sizes.channels, tile.channels):
        if not rows:
            yield Programs(count * number, 0, 0)
            continue
        read = summed * (loop.sources * rows + loop.weights * separate * columns) * sizes.channels * sizes.element
        multiplied = loop.products * tile.rows * separate * tile.channels * tile.inner
        turns = summed * chunks
        yield Programs(count * number, turns * loop.turns, round(read), 2 * turns * multiplied)


def _reach(sizes: Sizes) -> range:
    return range(-sizes.reach, sizes.reach + 1)


def _inside(sizes: Sizes, offset: tuple[int, ...]) -> int:
    """Voxels that have a source at an offset along the first axes."""
    sides = [max(sizes.grid - abs(away), 0) for away in offset]
    return prod(sides) * sizes.grid ** (3 - len(sides))
