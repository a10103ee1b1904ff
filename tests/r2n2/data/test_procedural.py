"""Parametric objects: always the same, sound, facing +X, and not all alike."""

from pathlib import Path

import numpy as np
import pytest

from r2n2.data.procedural import GENERATORS, generate, write_shapes
from r2n2.data.voxelize import voxelize
from r2n2.errors import UserError


@pytest.mark.parametrize("category", GENERATORS)
def test_objects_are_sound_and_repeatable(category: str) -> None:
    for number in range(6):
        mesh, again = generate(category, number), generate(category, number)
        np.testing.assert_array_equal(mesh.vertices, again.vertices)
        np.testing.assert_array_equal(mesh.visual.face_colors, again.visual.face_colors)
        assert np.isfinite(mesh.vertices).all()
        assert len(mesh.faces) < 20_000
        assert np.ptp(mesh.vertices, axis=0).min() > 0
    assert not np.array_equal(generate(category, 0).bounds, generate(category, 0, seed=1).bounds)


@pytest.mark.parametrize("category", ["airplane", "car", "rifle", "watercraft"])
def test_vehicles_and_rifles_are_long_along_x(category: str) -> None:
    extents = np.stack([np.ptp(generate(category, number).vertices, axis=0) for number in range(20)])
    assert (extents[:, 0] > extents[:, 2]).mean() >= (0.6 if category == "airplane" else 1.0)  # wings may be longer


def test_benches_are_wide_along_z_with_their_backs_at_minus_x() -> None:
    backs = []
    for number in range(20):
        mesh = generate("bench", number)
        extent = np.ptp(mesh.vertices, axis=0)
        assert extent[2] > extent[0] or extent[0] > 1.2  # or a picnic table
        upper = mesh.triangles_center[mesh.triangles_center[:, 1] > 0.65]
        if len(upper) and extent[0] < 1.2:
            backs.append(upper[:, 0].mean())
    assert len(backs) >= 5
    assert np.mean(np.array(backs) < 0) > 0.9


@pytest.mark.parametrize("category", GENERATORS)
def test_objects_of_a_category_differ(category: str) -> None:
    voxels = np.stack([voxelize(np.asarray(generate(category, number).triangles)) for number in range(12)])
    flat = voxels.reshape(12, -1).astype(float)
    both = flat @ flat.T
    overlap = both / (flat.sum(1)[:, None] + flat.sum(1) - both)
    np.fill_diagonal(overlap, 0)
    assert overlap.max(axis=1).mean() < 0.85
    assert (flat.sum(1) > 100).all()  # of 32768: nothing thin was lost


def test_meshes_that_stand_are_not_made_again(tmp_path: Path) -> None:
    assert write_shapes(["car"], tmp_path, 2) == 2
    first = (tmp_path / "car" / "car-0000.ply").read_bytes()
    assert write_shapes(["car", "bench"], tmp_path, 3) == 4
    assert (tmp_path / "car" / "car-0000.ply").read_bytes() == first
    with pytest.raises(UserError, match="category 'cloud'"):
        write_shapes(["cloud"], tmp_path, 1)
