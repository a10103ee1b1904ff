"""Ways to share a convolution out over programs, and what each program then reads and multiplies.

    by voxel       a voxel's samples, and its box of taps
    by tap         a tap, and rows of every voxel that it does not leave the grid from; sums are left to another launch
    by line        four voxels along z, samples of theirs: a turn's tiles, one for each source and each tap along z,
                   feed ten products, and only taps along x and y are looped over
    by short line  rows of four voxels along z by sixteen samples, one tap along x; taps along z are masked, and sums
                   left to another launch

and the weight's gradient, by voxel or with rows that run on from voxel to voxel. A tile is counted as what exists of
it: rows beyond the last sample read that sample again. Masked rows and columns are multiplied, and counted so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from benchmarks.launches import Programs
from benchmarks.sizes import Sizes

DEPTH = 4  # voxels of a line
SAMPLES = 16  # in a short line's rows
NARROWEST = 32  # columns: to fewer, wgmma takes as long, for it waits for its rows from shared memory


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


@dataclass(frozen=True)
class Tile:
    """rows x channels of each separate result, and `inner` channels of the source a turn."""

    rows: int
    channels: int
    inner: int


def by_voxel(sizes: Sizes, convolution: Convolution, tile: Tile) -> tuple[Programs, ...]:
    if sizes.kernel_size == 1:  # rows are of any voxel
        sizes = replace(sizes, batch=sizes.batch * sizes.voxels, grid=1)
    taps = [x * y * z for x, y, z in product(_inner_first(sizes), repeat=3)]
    return tuple(
        _programs(sizes, convolution, tile, count, turns=number, rows=number * rows, taps=number, columns=columns)
        for number in taps
        for rows, columns, count in _blocks(sizes.batch, sizes.channels, tile)
    )


def by_tap(sizes: Sizes, convolution: Convolution, tile: Tile) -> tuple[Programs, ...]:
    reach = range(-sizes.reach, sizes.reach + 1)
    inside = [
        (sizes.grid - abs(x)) * (sizes.grid - abs(y)) * (sizes.grid - abs(z)) for x, y, z in product(reach, repeat=3)
    ]
    found = []
    for first in range(0, sizes.batch * sizes.voxels, tile.rows):
        for voxels in inside:
            rows = min(max(sizes.batch * voxels - first, 0), tile.rows)
            some = int(rows > 0)  # programs beyond the last row end at once
            found += [
                _programs(sizes, convolution, tile, count, turns=some, rows=rows, taps=some, columns=columns)
                for columns, count in _spans(sizes.channels, tile.channels)
            ]
    return tuple(found)


def by_line(sizes: Sizes, convolution: Convolution, tile: Tile) -> tuple[Programs, ...]:
    found = []
    for plane, (sources, taps, products) in product(_planes(sizes), _lines(sizes)):
        found += [
            _programs(
                sizes, convolution, tile, count,
                turns=plane, rows=plane * sources * rows, taps=plane * taps, columns=columns, products=products,
            )
            for rows, columns, count in _blocks(sizes.batch, sizes.channels, tile)
        ]  # fmt: skip
    return tuple(found)


def by_short_line(sizes: Sizes, convolution: Convolution, tile: Tile) -> tuple[Programs, ...]:
    found = []
    samples = replace(tile, rows=SAMPLES)
    for plane, (_, taps, products) in product(_planes(sizes, split=True), _lines(sizes)):
        found += [
            _programs(
                sizes, convolution, tile, count,
                turns=plane * taps, rows=plane * products * rows, taps=plane * taps, columns=columns,
            )
            for rows, columns, count in _blocks(sizes.batch, sizes.channels, samples)
        ]  # fmt: skip
    return tuple(found)


def weight_gradient(sizes: Sizes, gates: int, tile: Tile, shares: int, jointly: bool) -> tuple[Programs, ...]:
    """jointly: rows run on from voxel to voxel; else each turn's are of one voxel."""
    samples, reach = sizes.batch * sizes.steps, range(-sizes.reach, sizes.reach + 1)
    found = []
    for x, y, z in product(reach, repeat=3):
        voxels = max(sizes.grid - abs(x), 0) * max(sizes.grid - abs(y), 0) * max(sizes.grid - abs(z), 0)
        turns = -(-voxels * samples // tile.rows) if jointly else voxels * -(-samples // tile.rows)
        share = max(1, -(-turns // shares))
        for length, number in [*_spans(turns, share), (0, shares - -(-turns // share))]:
            for (outputs, a), (inputs, b) in product(_spans(sizes.channels, tile.channels), repeat=2):
                read = voxels * samples * length // max(turns, 1) * (outputs + inputs) * sizes.element
                operations = 2 * length * tile.rows * tile.channels**2
                found.append(Programs(number * gates * a * b, length, read, operations))
    return tuple(found)


def partial_sums(sizes: Sizes, convolution: Convolution, share_out: Callable) -> int:
    """Bytes in float32 that `by_tap` or `by_short_line` leaves to be summed."""
    pairs = sizes.pairs if share_out is by_tap else sizes.axis_pairs * sizes.grid**2
    return 4 * convolution.separate * sizes.batch * sizes.channels * pairs


def _programs(
    sizes: Sizes, convolution: Convolution, tile: Tile, count: int, turns: int, rows: int, taps: int, columns: int,
    products: int = 1,
) -> Programs:  # fmt: skip
    """For each summed gate: turns if `inner` were all channels, rows of source tiles, weight tiles; products a turn."""
    chunks, summed, separate = -(-sizes.channels // tile.inner), convolution.summed, convolution.separate
    read = summed * (rows + taps * separate * columns) * sizes.channels * sizes.element
    multiplied = products * tile.rows * max(separate * tile.channels, NARROWEST) * tile.inner
    return Programs(count, turns * summed * chunks, read, 2 * turns * summed * chunks * multiplied)


def _spans(whole: int, size: int) -> list[tuple[int, int]]:
    """`whole` cut into pieces of `size`: (length, how many), the last one ragged."""
    full, rest = divmod(whole, size)
    return [(length, count) for length, count in ((size, full), (rest, 1)) if length and count]


def _blocks(rows: int, channels: int, tile: Tile) -> Iterator[tuple[int, int, int]]:
    """Pieces of rows by channels: (rows, channels, how many)."""
    for (height, a), (width, b) in product(_spans(rows, tile.rows), _spans(channels, tile.channels)):
        yield height, width, a * b


def _inner_first(sizes: Sizes) -> list[int]:
    """Taps inside the grid of each place on an axis: what starts last should be short."""
    return [sizes.along((place + 1) % sizes.grid) for place in range(sizes.grid)]


def _planes(sizes: Sizes, split: bool = False) -> list[int]:
    """Taps inside the grid of each place on x and y; split: a tap along x for itself."""
    places = _inner_first(sizes)
    along_x = [1] * sizes.axis_pairs if split else places
    return [x * y for x, y in product(along_x, places)]


def _lines(sizes: Sizes) -> list[tuple[int, int, int]]:
    """Of each line along z: source voxels, taps along z that any voxel of it has, and pairs of the two."""
    found = []
    for first in range(0, sizes.grid, DEPTH):
        places = range(first, min(first + DEPTH, sizes.grid))
        pairs = [
            (place + tap, tap)
            for place, tap in product(places, range(-sizes.reach, sizes.reach + 1))
            if 0 <= place + tap < sizes.grid
        ]
        found.append((len({source for source, _ in pairs}), len({tap for _, tap in pairs}), len(pairs)))
    return found
