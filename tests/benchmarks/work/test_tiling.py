"""Programs of a convolution: operations that no tiling may lose, bytes worked out by hand."""

from dataclasses import replace

import pytest
from convrnn3d.tuning import Launch as Tile

from benchmarks.work.first_design import gradient_by_voxel
from benchmarks.work.launches import Launch, Programs
from benchmarks.work.sizes import Sizes
from benchmarks.work.tiling import Convolution, bytes_of_parts, in_parts, weight_gradient, whole

TILE = Tile(None, rows=64, channels=32, inner=64, warps=4, stages=3)
FORWARD, PAIR, BACK = Convolution(1), Convolution(2), Convolution(3, back=True)


def launch(programs: tuple[Programs, ...]) -> Launch:
    return Launch("", 1, programs, 0)


def useful(sizes: Sizes, gates: int) -> int:
    return 2 * sizes.batch * sizes.pairs * sizes.channels**2 * gates


@pytest.mark.parametrize("grid", [1, 2, 4, 5, 8])
@pytest.mark.parametrize("convolution", [FORWARD, PAIR, BACK], ids=["one gate", "two", "three, back"])
@pytest.mark.parametrize("shared", [0, 1, 2, 3])
def test_no_way_to_share_out_loses_an_operation(shared: int, convolution: Convolution, grid: int) -> None:
    """By voxel and by tap all do the useful operations, each once; what is masked is done besides."""
    sizes = Sizes(batch=64, grid=grid)
    done = launch((in_parts if shared else whole)(sizes, convolution, replace(TILE, shared=shared))).operations
    if shared in (0, 3):
        assert done == useful(sizes, convolution.gates)
    else:  # along each axis that is not shared out three taps for each place, those inside the grid or not
        masked = 3 - shared
        exact = done * sizes.axis_pairs**masked == useful(sizes, convolution.gates) * (3 * grid) ** masked
        assert exact


@pytest.mark.parametrize("grid", [2, 4, 5, 8])
@pytest.mark.parametrize("line", [2, 4, 8])
@pytest.mark.parametrize("shared", [0, 1])
def test_lines_lose_none_either(shared: int, line: int, grid: int) -> None:
    sizes, tile = Sizes(batch=64, grid=grid), replace(TILE, shared=shared, line=min(line, grid))
    done = launch((in_parts if shared else whole)(sizes, PAIR, tile)).operations
    assert done == useful(sizes, 2) if line >= grid else done > useful(sizes, 2)


def test_a_line_reads_each_source_and_weight_once_a_turn() -> None:
    """A grid of 4: four sources and three weights for ten products, for each of the hundred (dx, dy) that there are."""
    sizes = Sizes(batch=64)
    blocks, channels = 4, 128 * 2
    assert launch(whole(sizes, PAIR, replace(TILE, line=4))).tiles == blocks * 100 * channels * (4 * 64 + 3 * 2 * 32)
    assert launch(whole(sizes, PAIR, TILE)).tiles == blocks * 1000 * channels * (64 + 2 * 32)
    halves = launch(whole(sizes, PAIR, replace(TILE, line=2)))  # two lines, each with one source from the other
    assert halves.tiles == blocks * 2 * 100 * channels * (3 * 64 + 3 * 2 * 32)


@pytest.mark.parametrize("line", [1, 4])
def test_parts_read_what_is_inside_the_grid_and_weights_of_every_tap(line: int) -> None:
    """Taps shared out along x: 160 pairs of x and dx with a plane of 16 voxels, or 40 with four lines."""
    sizes, tile = Sizes(batch=64), replace(TILE, shared=1, line=line)
    sources = 1000 * 64
    weights = 160 * 9 * 32 if line == 1 else 10 * 10 * 3 * 32
    if line > 1:
        sources = 10 * 10 * 4 * 64
    assert launch(in_parts(sizes, FORWARD, tile)).tiles == pytest.approx(4 * 128 * 2 * (sources + weights), rel=1e-4)


def test_parts_that_are_left_to_be_summed() -> None:
    sizes = Sizes(batch=2)
    for shared, pairs in ((1, 10 * 16), (2, 100 * 4), (3, 1000)):
        assert bytes_of_parts(sizes, PAIR, replace(TILE, shared=shared)) == 4 * 2 * 2 * 128 * pairs
    assert bytes_of_parts(sizes, BACK, replace(TILE, shared=3)) == 4 * 2 * 128 * 1000


def test_the_weights_gradient_loses_none_either_and_rows_that_run_on_are_fewer() -> None:
    sizes, tile = Sizes(batch=64, steps=2), replace(TILE, channels=128)
    by_voxel = [one for gates in (2, 1) for one in gradient_by_voxel(sizes, gates, tile, 1)]
    for programs in (tuple(by_voxel), weight_gradient(sizes, tile, 1), weight_gradient(sizes, tile, 2)):
        assert launch(programs).operations == 3 * 2 * sizes.batch * sizes.steps * sizes.pairs * sizes.channels**2
    one = Sizes(batch=1, steps=1)
    turns = [
        max(group.turns for group in groups)
        for groups in (gradient_by_voxel(one, 3, tile, 1), weight_gradient(one, tile, 1))
    ]
    assert turns == [64, 1]


def test_rows_and_columns_that_do_not_exist_are_read_nowhere() -> None:
    """B = 3, C = 24: one program for each voxel, whose tiles are 64 by 32."""
    found = launch(whole(Sizes(batch=3, channels=24), PAIR, replace(TILE, inner=32)))
    assert found.count == 64
    assert found.tiles == 1000 * 24 * 2 * (3 + 2 * 24)
    assert found.operations == 2 * 1000 * 64 * 2 * 32 * 32
