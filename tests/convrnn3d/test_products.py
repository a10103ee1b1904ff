"""Adjacent tiles in few products."""

import pytest
import torch
import triton
import triton.language as tl
from convrnn3d.places import Phase, Shape, Tile
from convrnn3d.products import tiles_of, weight_pointers, widths
from parity import DEVICE

TILE = Tile(32, 16, 16, "ieee")


@pytest.mark.parametrize(
    ("gates", "taps", "expected"),
    [(1, 1, (1,)), (2, 1, (2,)), (3, 1, (2, 1)), (1, 3, (2, 1)), (2, 3, (4, 2)), (3, 3, (8, 1))],
)
def test_products_are_as_few_as_powers_of_two_allow(gates: int, taps: int, expected: tuple[int, ...]) -> None:
    assert widths(taps * gates) == expected


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
def test_tiles_are_split_in_their_order(width: int, length: int) -> None:
    """By column, then by z, which varies slowest among the rows."""
    numbers = torch.arange(TILE.rows * width * TILE.channels, dtype=torch.float32, device=DEVICE)
    found = torch.empty_like(numbers)
    apart_kernel[(1,)](numbers, found, length=length, width=width, tile=TILE)
    expected = numbers.view(length, TILE.rows // length, width, TILE.channels).permute(2, 0, 1, 3)
    assert torch.equal(found.view(expected.shape), expected)


@triton.jit
def store_offsets(found, weight, pointers):
    inner: tl.constexpr = pointers.shape[0]
    columns: tl.constexpr = pointers.shape[1]
    k, column = tl.arange(0, inner)[:, None], tl.arange(0, columns)[None, :]
    tl.store(found + k * columns + column, (pointers.to(tl.int64) - weight.to(tl.int64)) // 4)


@triton.jit
def pointers_kernel(
    weight, found, first, taps: tl.constexpr, shape: tl.constexpr, phase: tl.constexpr, tile: tl.constexpr
):  # fmt: skip
    pointers = weight_pointers(weight, first, taps, shape, phase, tile)
    for one in tl.static_range(len(pointers)):
        store_offsets(found, weight, pointers[one])
        found += tile.inner * pointers[one].shape[1]


@pytest.mark.parametrize("first", [0, 16])
@pytest.mark.parametrize("taps", [1, 3])
@pytest.mark.parametrize("phase", [Phase.of(*of) for of in ((0, 2), (2, 1), (0, 3), (0, 2, True))], ids=str)
def test_weights_are_read_by_tap_and_gate_and_not_beyond_the_last_channel(phase: Phase, taps: int, first: int) -> None:
    """Of 20 channels, a second tile has four: its other columns read the last one again."""
    channels, gates = 20, 1 if phase.transposed else phase.count
    expected = torch.empty(taps, gates, TILE.channels, TILE.inner, dtype=torch.int64)
    for tap in range(taps):
        away = (taps // 2 - tap) if phase.transposed else (tap - taps // 2)
        for gate in range(gates):
            for n in range(TILE.channels):
                row = (3 * away + phase.first + gate) * channels + min(first + n, channels - 1)
                expected[tap, gate, n] = row * channels + torch.arange(TILE.inner)
    found, weight = torch.empty_like(expected, device=DEVICE), torch.empty(1, device=DEVICE)
    shape = Shape(4, 4, 4, channels, 3)
    pointers_kernel[(1,)](weight, found, first, taps=taps, shape=shape, phase=phase, tile=TILE)
    before = 0
    for width in widths(taps * phase.sums):
        size = width * TILE.channels
        product = found.flatten()[before * TILE.inner :][: size * TILE.inner].view(TILE.inner, size)
        assert torch.equal(product.T.cpu(), expected.view(-1, TILE.inner)[before : before + size])
        before += size
