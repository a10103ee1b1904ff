"""The voxeliser on shapes of known occupancy: whole, with holes, and with random winding."""

import numpy as np
import pytest
import trimesh
from skimage.measure import label

from r2n2.data.camera import voxel_centres
from r2n2.data.voxelize import carve, voxelize


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


BALL = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
TRUE_BALL = np.linalg.norm(voxel_centres(32), axis=-1) < 0.5


def test_a_ball_is_solid() -> None:
    assert iou(voxelize(BALL.triangles), TRUE_BALL) > 0.85


@pytest.mark.parametrize("damage", ["holes", "winding"])
def test_holes_and_random_winding_barely_change_the_voxels(damage: str) -> None:
    rng = np.random.default_rng(0)
    triangles = BALL.triangles.copy()
    if damage == "holes":
        triangles = triangles[rng.random(len(triangles)) > 0.03]
    else:
        flipped = rng.random(len(triangles)) < 0.5
        triangles[flipped] = triangles[flipped][:, ::-1]
    assert iou(voxelize(triangles), voxelize(BALL.triangles)) > 0.99


def test_a_sheet_without_thickness_is_one_voxel_thick() -> None:
    sheet = np.array([[[0, 0, 0], [1, 0, 0], [1, 0, 1]], [[0, 0, 0], [1, 0, 1], [0, 0, 1]]], float)
    voxels = voxelize(sheet)
    assert voxels.any(axis=(0, 2)).sum() == 1
    assert voxels.any(axis=1).all()


def test_a_thin_leg_stays_in_one_piece() -> None:
    leg = trimesh.creation.box((0.016, 1, 0.016)).apply_translation((0.013, 0, 0.07))
    plate = trimesh.creation.box((1, 0.03, 1)).apply_translation((0, 0.5, 0))
    pieces = label(voxelize(np.concatenate([leg.triangles, plate.triangles])), connectivity=1)
    assert pieces.max() == 1
    assert pieces[:, :4].any()


def test_axes_keep_their_order_and_the_longest_edge_fills_the_grid() -> None:
    voxels = voxelize(trimesh.creation.box((1, 0.5, 0.25)).triangles)
    assert [int(voxels.any(axis=other).sum()) for other in ((1, 2), (0, 2), (0, 1))] == [32, 16, 8]


def test_carving_keeps_voxels_that_no_axis_ray_reaches() -> None:
    shell = np.zeros((5, 5, 5), bool)
    shell[1:4, 1:4, 1:4] = True
    hollow = shell.copy()
    hollow[2, 2, 2] = False
    np.testing.assert_array_equal(carve(hollow), shell)


def test_a_mesh_without_extent_is_refused() -> None:
    with pytest.raises(ValueError, match="no extent"):
        voxelize(np.zeros((1, 3, 3)))
