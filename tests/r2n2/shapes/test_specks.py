"""Small pieces can be removed, and nothing else changes."""

import numpy as np
import pytest

from r2n2.errors import UserError
from r2n2.shapes.mesh import surface_mesh
from r2n2.shapes.specks import without_specks

THRESHOLD = 0.4


@pytest.fixture
def occupancy() -> np.ndarray:
    """A body of 27 voxels, a speck of 2, and one of 1 that touches the body along an edge, in faint noise."""
    grid = np.random.default_rng(0).uniform(0, 0.3, (12, 12, 12)).astype(np.float32)
    grid[2:5, 2:5, 2:5] = 0.9
    grid[8, 8, 8:10] = 0.7
    grid[5, 5, 3] = 0.6
    return grid


def test_keep_largest_keeps_only_the_largest_piece_unchanged(occupancy: np.ndarray) -> None:
    kept = without_specks(occupancy, THRESHOLD, keep_largest=True)
    body = np.zeros(occupancy.shape, bool)
    body[2:5, 2:5, 2:5] = True
    np.testing.assert_array_equal(kept > THRESHOLD, body)
    same = occupancy <= THRESHOLD
    np.testing.assert_array_equal(kept[same | body], occupancy[same | body])
    assert kept.dtype == np.float32
    mesh = surface_mesh(kept, THRESHOLD)
    assert mesh.body_count == 1
    assert mesh.is_watertight


def test_pieces_with_enough_voxels_are_kept(occupancy: np.ndarray) -> None:
    for least, left in ((0, 30), (1, 30), (2, 29), (3, 27), (27, 27)):
        assert (without_specks(occupancy, THRESHOLD, min_voxels=least) > THRESHOLD).sum() == left
    with pytest.raises(UserError, match=r"has 28 voxels; the largest has 27: choose a lower --min-voxels"):
        without_specks(occupancy, THRESHOLD, min_voxels=28)


def test_an_empty_grid_stays_empty() -> None:
    empty = np.full((4, 4, 4), 0.1, np.float32)
    np.testing.assert_array_equal(without_specks(empty, THRESHOLD, True, 5), empty)
