"""The lines of a tile, and their box: the taps that the tile's loop runs through."""

from itertools import product

import pytest
import torch
import triton
import triton.language as tl
from convrnn3d.lines import box_of_lines, lines_at, rows_of_line, taps_along
from convrnn3d.places import Shape, Tile
from parity import DEVICE

TILE = Tile(64, 16, 16, "ieee", lines=True)  # sixteen lines of four voxels


@triton.jit(do_not_specialize=["batch", "x0", "nx", "y0", "ny"])
def lines_kernel(found, boxes, batch, x0, nx, y0, ny, shape: tl.constexpr, tile: tl.constexpr):
    lines: tl.constexpr = tile.rows // rows_of_line(shape.Z)
    program = tl.program_id(0)
    number = program * lines + tl.arange(0, lines)
    b, x, y, exists = lines_at(number, batch, x0, nx, y0, ny)
    tl.store(found + number * 4, b)
    tl.store(found + number * 4 + 1, x)
    tl.store(found + number * 4 + 2, y)
    tl.store(found + number * 4 + 3, exists.to(tl.int32))
    low_x, high_x, low_y, high_y = box_of_lines(program, batch, x0, nx, y0, ny, shape, tile)
    tl.store(boxes + program * 4, low_x)
    tl.store(boxes + program * 4 + 1, high_x)
    tl.store(boxes + program * 4 + 2, low_y)
    tl.store(boxes + program * 4 + 3, high_y)


@pytest.mark.parametrize(
    ("first", "number"),
    [((0, 0), (4, 4)), ((1, 0), (3, 4)), ((0, 1), (2, 3)), ((0, 0), (1, 5)), ((2, 0), (6, 1))],
    ids=str,
)
@pytest.mark.parametrize("batch", [1, 3, 9, 16, 36, 40])
def test_every_line_is_in_one_tile_and_in_its_box(batch: int, first: tuple[int, int], number: tuple[int, int]) -> None:
    (x0, y0), (nx, ny) = first, number
    lines = TILE.rows // 4
    tiles = -(-batch * nx * ny // lines)
    found = torch.full((tiles, lines, 4), -1, dtype=torch.int32, device=DEVICE)
    boxes = torch.full((tiles, 4), -1, dtype=torch.int32, device=DEVICE)
    lines_kernel[(tiles,)](found, boxes, batch, x0, nx, y0, ny, shape=Shape(8, 8, 4, 16, 3), tile=TILE)
    seen = [tuple(line[:3]) for line in found.flatten(0, 1).tolist() if line[3]]
    assert sorted(seen) == sorted(product(range(batch), range(x0, x0 + nx), range(y0, y0 + ny)))
    for tile, (low_x, high_x, low_y, high_y) in zip(found.tolist(), boxes.tolist(), strict=True):
        x, y = ({line[axis] for line in tile if line[3]} for axis in (1, 2))
        assert (min(x), max(x)) == (low_x, high_x)
        assert low_y <= min(y) and max(y) <= high_y
        if ny == 4:  # in a tile with lines of two planes, the box may have every y, but only taps that the lines have
            taps = [(high > y0, low < y0 + 3) for low, high in ((min(y), max(y)), (low_y, high_y))]
            assert taps[0] == taps[1]


def test_lines_with_few_taps_come_first_and_last() -> None:
    """Of sixteen lines on a 4x4 grid, two that are half of all apart have 12 or 13 taps together."""
    found, boxes = (torch.empty(1, 16, 4, dtype=torch.int32, device=DEVICE) for _ in range(2))
    lines_kernel[(1,)](found, boxes, 1, 0, 4, 0, 4, shape=Shape(4, 4, 4, 16, 3), tile=TILE)
    taps = [(3 - (x in (0, 3))) * (3 - (y in (0, 3))) for _, x, y, _ in found[0].tolist()]
    assert taps == [4, 4, 6, 6, 6, 6, 9, 9, 9, 9, 6, 6, 6, 6, 4, 4]


@triton.jit
def taps_kernel(low, high, found, side: tl.constexpr):
    i = tl.program_id(0)
    first, number = taps_along(tl.load(low + i), tl.load(high + i), side, 1)
    tl.store(found + 2 * i, first)
    tl.store(found + 2 * i + 1, number)


@pytest.mark.parametrize("side", [1, 2, 4])
def test_a_box_has_the_taps_that_any_of_its_voxels_has(side: int) -> None:
    boxes = [(low, high) for low in range(side) for high in range(low, side)]
    low, high = torch.tensor(boxes, dtype=torch.int32, device=DEVICE).T.contiguous()
    found = torch.empty(len(boxes), 2, dtype=torch.int32, device=DEVICE)
    taps_kernel[(len(boxes),)](low, high, found, side=side)
    for (low, high), (first, number) in zip(boxes, found.tolist(), strict=True):
        taps = {d for place in range(low, high + 1) for d in (-1, 0, 1) if 0 <= place + d < side}
        assert set(range(first, first + number)) == taps
