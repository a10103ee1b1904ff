"""Tiles side by side in few products."""

import pytest
import torch
import triton
import triton.language as tl
from convrnn3d.places import Phase, Tile
from convrnn3d.products import tiles_of, tiles_of_turn, widths
from parity import DEVICE

TILE = Tile(32, 16, 16, "ieee")


@pytest.mark.parametrize(
    ("gates", "taps", "expected"),
    [(1, 1, (1,)), (2, 1, (2,)), (3, 1, (2, 1)), (1, 3, (2, 1)), (2, 3, (4, 2)), (3, 3, (8, 1))],
)
def test_products_are_as_few_as_powers_of_two_allow(gates: int, taps: int, expected: tuple[int, ...]) -> None:
    assert widths(tiles_of_turn(Phase(0, gates), taps)) == expected
    assert widths(tiles_of_turn(Phase(0, gates, transposed=True), taps)) == widths(taps)


@triton.jit
def apart_kernel(numbers, found, length: tl.constexpr, width: tl.constexpr, tile: tl.constexpr):
    columns: tl.constexpr = width * tile.channels
    row, column = tl.arange(0, tile.rows)[:, None], tl.arange(0, columns)[None, :]
    tiles = tiles_of((tl.load(numbers + row * columns + column),), length, tile)
    rows: tl.constexpr = tile.rows // length
    row, column = tl.arange(0, rows)[:, None], tl.arange(0, tile.channels)[None, :]
    for one in tl.static_range(length * width):
        tl.store(found + (one * rows + row) * tile.channels + column, tiles[one])


@pytest.mark.parametrize("length", [1, 4, 8])
@pytest.mark.parametrize("width", [1, 2, 8])
def test_tiles_come_apart_in_their_order(width: int, length: int) -> None:
    """By column, then by z, the slowest of the rows."""
    numbers = torch.arange(TILE.rows * width * TILE.channels, dtype=torch.float32, device=DEVICE)
    found = torch.empty_like(numbers)
    apart_kernel[(1,)](numbers, found, length=length, width=width, tile=TILE)
    expected = numbers.view(length, TILE.rows // length, width, TILE.channels).permute(2, 0, 1, 3)
    assert torch.equal(found.view(expected.shape), expected)
