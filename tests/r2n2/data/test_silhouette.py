"""The silhouette of a voxel grid in a view."""

import numpy as np

from r2n2.data.camera import View
from r2n2.data.silhouette import silhouette, voxel_faces


def test_the_silhouette_of_a_cube_reaches_its_corners_without_holes() -> None:
    view, scale = View(0, 0, 1.0), 0.5
    for size in (137, 500):  # without holes at any size
        mask = silhouette(np.ones((8, 8, 8), bool), view, scale, size)
        half = size * 35 / 32 * 0.25 / (1.75 - 0.25)
        rows, columns = np.nonzero(mask)
        np.testing.assert_allclose([rows.min(), rows.max() + 1], [size / 2 - half, size / 2 + half], atol=1)
        assert mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()
    assert not silhouette(np.zeros((8, 8, 8), bool), view, scale).any()


def test_faces_lie_between_occupied_and_empty_voxels() -> None:
    voxels = np.zeros((4, 4, 4), bool)
    voxels[1, 2, 3] = True
    triangles = voxel_faces(voxels, scale=4)
    assert triangles.shape == (12, 3, 3)
    np.testing.assert_array_equal(triangles.min(axis=(0, 1)) + 2, [1, 2, 3])
    np.testing.assert_array_equal(triangles.max(axis=(0, 1)) + 2, [2, 3, 4])
    voxels[1, 2, 2] = True  # shares a face with the first
    assert len(voxel_faces(voxels)) == 20
