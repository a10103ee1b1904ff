"""Meshes are watertight, in the right place, and survive every format."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from r2n2.data.camera import voxel_centres
from r2n2.errors import UserError
from r2n2.shapes.formats import MESH_SUFFIXES, write_mesh
from r2n2.shapes.mesh import STYLES, surface_mesh

THRESHOLD = 0.4


def grids() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    touching = np.zeros((8, 8, 8), np.float32)
    touching[2, 2, 2] = touching[3, 3, 2] = touching[4, 4, 3] = 1  # cubes that share an edge or a corner
    return {
        "noise": rng.random((12, 12, 12), np.float32),
        "binary": (rng.random((12, 12, 12)) < 0.3).astype(np.float32),
        "on the threshold": rng.choice(np.array([0, THRESHOLD, 1], np.float32), (12, 12, 12)),
        "full": np.ones((8, 8, 8), np.float32),
        "touching": touching,
        "just above the threshold": np.full((8, 8, 8), 0.4001, np.float32),
    }


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", grids())
def test_every_surface_is_watertight_in_every_format(tmp_path: Path, name: str, style: str) -> None:
    mesh = surface_mesh(grids()[name], THRESHOLD, style)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0
    for suffix in set(MESH_SUFFIXES) - {".3mf"}:  # trimesh reads 3MF only with another package
        write_mesh(mesh, tmp_path / f"mesh{suffix}", smooth=style == "smooth")
        loaded = trimesh.load_mesh(tmp_path / f"mesh{suffix}")
        assert loaded.is_watertight, suffix
        np.testing.assert_allclose(loaded.bounds, mesh.bounds, atol=1e-5)


def test_a_blocky_surface_matches_the_voxels() -> None:
    occupancy = np.zeros((32, 32, 32), np.float32)
    occupancy[4:12, 10:14, 20:32] = 1
    mesh = surface_mesh(occupancy, THRESHOLD, "blocky")
    np.testing.assert_allclose(mesh.bounds * 32 + 16, [[4, 10, 20], [12, 14, 32]], atol=1e-12)
    assert np.isclose(mesh.volume * 32**3, 8 * 4 * 12, rtol=1e-12)
    assert len(mesh.faces) == 12


def test_a_smooth_surface_interpolates_the_occupancy() -> None:
    radius = 0.3
    distance = np.linalg.norm(voxel_centres(32), axis=-1)
    ball = np.clip(THRESHOLD + (radius - distance) * 4, 0, 1).astype(np.float32)
    mesh = surface_mesh(ball, THRESHOLD)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices, axis=1), radius, atol=0.004)


def test_the_error_for_an_empty_grid_suggests_a_lower_threshold() -> None:
    with pytest.raises(UserError, match=r"highest occupancy is 0\.250: choose a lower threshold"):
        surface_mesh(np.full((8, 8, 8), 0.25, np.float32), THRESHOLD)


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(UserError, match="no mesh style"):
        surface_mesh(np.ones((8, 8, 8), np.float32), THRESHOLD, "wobbly")
