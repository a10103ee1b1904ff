"""Programs of a convolution: operations that no tiling may lose, bytes worked out by hand."""

from dataclasses import replace
from itertools import product

import pytest
from convrnn3d.tuning import Launch as Choice

from benchmarks.work.first_design import gradient_by_voxel
from benchmarks.work.launches import Launch, Programs
from benchmarks.work.sizes import Sizes
from benchmarks.work.tiling import Convolution, bytes_of_parts, in_parts, weight_gradient, whole

TILE = Choice(None, rows=64, channels=32, inner=64, warps=4, stages=3)
FORWARD, PAIR, BACK = Convolution(1), Convolution(2), Convolution(3, back=True)


def launch(programs: tuple[Programs, ...]) -> Launch:
    return Launch("", 1, programs, 0)


def useful(sizes: Sizes, gates: int) -> int:
    return 2 * sizes.batch * sizes.pairs * sizes.channels**2 * gates


@pytest.mark.parametrize("grid", [1, 2, 4, 5, 8])
@pytest.mark.parametrize("convolution", [FORWARD, PAIR, BACK], ids=["one gate", "two gates", "three gates, back"])
@pytest.mark.parametrize("shared", [0, 1, 2, 3])
def test_no_way_to_share_out_taps_loses_an_operation(shared: int, convolution: Convolution, grid: int) -> None:
    """By voxel and by tap, each useful operation is done once and no other; elsewhere masked ones are added."""
    sizes = Sizes(batch=64, grid=grid)
    done = launch((in_parts if shared else whole)(sizes, convolution, replace(TILE, shared=shared))).operations
    if shared in (0, 3):
        assert done == useful(sizes, convolution.gates)
    else:  # along each axis that is not shared out, three taps for each place, whether inside the grid or not
        masked = 3 - shared
        exact = done * sizes.axis_pairs**masked == useful(sizes, convolution.gates) * (3 * grid) ** masked
        assert exact


@pytest.mark.parametrize("grid", [2, 4, 5, 8])
def test_lines_also_compute_taps_that_leave_the_grid_along_z(grid: int) -> None:
    """Each place of a line has three taps along z, a line has a power of two of rows, and a tile one (x, y) here."""
    sizes, rows = Sizes(batch=64, grid=grid), {2: 2, 4: 4, 5: 8, 8: 8}[grid]
    done = launch(whole(sizes, PAIR, replace(TILE, lines=True))).operations
    assert done * sizes.axis_pairs == useful(sizes, 2) * 3 * rows


def test_a_tile_of_several_places_has_the_taps_of_all() -> None:
    """One sample, whose sixteen lines are one tile: nine (dx, dy), as if padded."""
    done = launch(whole(Sizes(batch=1), PAIR, replace(TILE, lines=True))).operations
    assert done == 4 * 2 * 64 * 27 * 128 * 64
    in_x = launch(in_parts(Sizes(batch=1), PAIR, replace(TILE, lines=True, shared=1))).operations
    assert in_x == done  # three parts with a dx each
    singly = launch(in_parts(Sizes(batch=1), PAIR, replace(TILE, lines=True, shared=2))).operations
    assert singly == done


def test_a_line_reads_a_source_once_for_three_taps() -> None:
    """A grid of 4: a hundred (dx, dy) are inside, and with them 400 sources of a sample."""
    sizes, blocks, channels = Sizes(batch=64), 4, 128 * 2
    tiles = 64 * 4 // TILE.rows  # of an (x, y)
    lines = launch(whole(sizes, PAIR, replace(TILE, lines=True)))
    assert lines.l2_bytes == blocks * channels * (400 * 64 + 100 * tiles * 3 * 64)
    assert launch(whole(sizes, PAIR, TILE)).l2_bytes == blocks * channels * (1000 * 64 + 1000 * 64)
    few = launch(whole(Sizes(batch=1), PAIR, replace(TILE, lines=True)))  # masked sources are not read
    assert few.l2_bytes == blocks * channels * (400 + 27 * 64)


@pytest.mark.parametrize("lines", [False, True])
def test_parts_read_sources_inside_the_grid_and_the_weights_of_every_tap(lines: bool) -> None:
    """Taps shared out along x: 160 pairs of x and dx with a plane of 16 voxels, in tiles of 64 rows; or 160 lines."""
    tile = replace(TILE, shared=1, lines=lines)
    read = 400 * 64 + 10 * 4 * 10 * 3 * 32 if lines else 1000 * 64 + 160 * 9 * 32
    assert launch(in_parts(Sizes(batch=64), FORWARD, tile)).l2_bytes == pytest.approx(4 * 128 * 2 * read, rel=1e-4)


def test_copies_into_shared_memory_count_twice_even_those_of_zeros() -> None:
    """One sample, all of its lines, a block of 32 channels of two gates: nine times two turns of 64 input channels."""
    sizes, tile = Sizes(batch=1), replace(TILE, lines=True, warps=4)
    (group,) = {one.scratch for one in whole(sizes, PAIR, tile)}
    copied, read = 64 + 3 * 64, (64 + 4 * 32) + (64 + 2 * 32)
    assert group == 18 * (2 * copied + read) * 64 * 2
    (group,) = {one.scratch for one in whole(sizes, PAIR, replace(tile, warps=8))}  # eight read the rows twice
    assert group == 18 * (2 * copied + read + 2 * 64) * 64 * 2


def test_bytes_of_the_parts_that_are_left_to_be_summed() -> None:
    sizes = Sizes(batch=2)
    for shared, pairs in ((1, 10 * 16), (2, 100 * 4), (3, 1000)):
        assert bytes_of_parts(sizes, PAIR, replace(TILE, shared=shared)) == 4 * 2 * 2 * 128 * pairs
    assert bytes_of_parts(sizes, BACK, replace(TILE, shared=3)) == 4 * 2 * 128 * 1000


def test_the_weight_gradient_loses_no_operation_and_has_fewer_turns() -> None:
    sizes, tile = Sizes(batch=64, steps=2), replace(TILE, channels=128)
    by_voxel = [one for gates in (2, 1) for one in gradient_by_voxel(sizes, gates, tile, 1)]
    one_voxel = replace(tile, lines=True)
    found = [weight_gradient(sizes, one, shares) for one, shares in product((tile, one_voxel), (1, 2))]
    for programs in (tuple(by_voxel), *found):
        assert launch(programs).operations == 3 * 2 * sizes.batch * sizes.steps * sizes.pairs * sizes.channels**2
    one = Sizes(batch=1, steps=1)
    turns = [
        max(group.turns for group in groups)
        for groups in (gradient_by_voxel(one, 3, tile, 1), weight_gradient(one, tile, 1))
    ]
    assert turns == [64, 1]


def test_rows_and_columns_that_do_not_exist_are_not_read() -> None:
    """B = 3, C = 24: one program for each voxel, whose tiles are 64 by 32."""
    found = launch(whole(Sizes(batch=3, channels=24), PAIR, replace(TILE, inner=32)))
    assert found.count == 64
    assert found.l2_bytes == 1000 * 24 * 2 * (3 + 2 * 24)
    assert found.operations == 2 * 1000 * 64 * 2 * 32 * 32
