"""The launches that follow from sizes and tiles; `benchmarks/work` checks their programs against a count of its own."""

from dataclasses import replace

import pytest
from convrnn3d.places import Phase, Shape
from convrnn3d.plans import ADD_PARTS, FROM_ZEROS, Sizes, plan
from convrnn3d.tuning import Launch

SIZES = Sizes(batch=5, shape=Shape(2, 3, 4, 24, 3), precision="ieee", exact=False)
VOXELS = 2 * 3 * 4
LAUNCH = Launch(None, rows=16, channels=16, inner=16, warps=4, stages=3)


def test_a_kernel_that_starts_from_zeros_has_a_plan_of_its_own() -> None:
    from_zeros, other = (plan(SIZES, replace(FROM_ZEROS), Phase.of(0, 1), zeros) for zeros in (True, False))
    assert from_zeros.kernel.blocks == -(-5 * VOXELS // 32)  # its rows are of any voxels; C is less than a tile
    assert other.kernel.blocks == VOXELS  # its rows are of one voxel


@pytest.mark.parametrize("phase", [Phase.of(0, 2), Phase.of(0, 2, transposed=True)], ids=["forward", "backward"])
def test_divided_taps_are_planned_as_parts_and_a_kernel_that_adds_them_up(phase: Phase) -> None:
    kernel, parts, shape = plan(SIZES, replace(LAUNCH, shared=2), phase, False)
    tiles = -(-5 * VOXELS // 16)
    assert parts.blocks == 9 * tiles * 2  # nine pairs of dx and dy, two tiles of channels
    assert shape == (5, VOXELS, 9, 1 if phase.transposed else 2, 24)
    assert kernel.constants["TILE"].shared == 2 and kernel.options == ADD_PARTS[2].options
    assert kernel.blocks == -(-5 * VOXELS // ADD_PARTS[2].rows)


def test_kernels_of_one_tap_have_no_parts() -> None:
    sizes = SIZES._replace(shape=SIZES.shape._replace(SIDE=1))
    assert plan(sizes, replace(LAUNCH, shared=1), Phase.of(0, 1), False) == plan(sizes, LAUNCH, Phase.of(0, 1), False)
    assert plan(sizes, LAUNCH, Phase.of(0, 1), False).parts is None


def test_equal_arguments_share_one_plan() -> None:
    assert plan(SIZES, LAUNCH, Phase.of(0, 1), False) is plan(SIZES, replace(LAUNCH), Phase.of(0, 1), False)
    assert plan(SIZES, LAUNCH, Phase.of(0, 1), False) is not plan(
        SIZES._replace(batch=6), LAUNCH, Phase.of(0, 1), False
    )


@pytest.mark.parametrize(("batch", "dependent", "early"), [(8, True, True), (9, True, False), (8, False, False)])
def test_only_launches_of_few_samples_let_the_next_one_begin_at_once(batch: int, dependent: bool, early: bool) -> None:
    sizes = SIZES._replace(batch=batch, dependent=dependent)
    for launched in plan(sizes, replace(LAUNCH, shared=2), Phase.of(0, 1), False)[:2]:
        tile = launched.constants["TILE"]
        assert (tile.dependent, tile.early) == (dependent, early)
        assert launched.options.get("launch_pdl", False) == dependent
