"""A print has the size that was asked for and stands upright on the ground."""

import numpy as np
import pytest
import trimesh

from r2n2.errors import UserError
from r2n2.shapes.placing import check_size, placed


@pytest.fixture
def pillar() -> trimesh.Trimesh:
    """0.2 along the front (x), 0.8 high (y), 0.4 wide (z), off the centre, one top corner pulled up."""
    mesh = trimesh.creation.box((0.2, 0.8, 0.4))
    mesh.apply_translation((0.1, -0.05, 0.02))
    mesh.vertices[np.argmax(mesh.vertices @ (1, 1, 1))] += (0, 0.1, 0)
    return mesh


def test_without_options_a_mesh_is_copied_unchanged(pillar: trimesh.Trimesh) -> None:
    same = placed(pillar)
    np.testing.assert_array_equal(same.vertices, pillar.vertices)
    assert same is not pillar


@pytest.mark.parametrize(("up", "axis"), [("y", 1), ("z", 2)])
def test_size_is_the_longest_side_of_a_mesh_that_stands_centred(pillar: trimesh.Trimesh, up: str, axis: int) -> None:
    mesh = placed(pillar, 90, up)
    extents = np.ptp(mesh.bounds, axis=0)
    assert extents.argmax() == axis
    assert np.isclose(extents[axis], 90)
    assert np.isclose(extents[0], 20)
    assert np.isclose(mesh.bounds[0, axis], 0)
    centre = mesh.bounds.mean(axis=0)
    np.testing.assert_allclose(np.delete(centre, axis), 0, atol=1e-9)
    assert np.isclose(mesh.volume, pillar.volume * 100**3)  # neither mirrored nor squeezed


def test_z_up_turns_the_mesh_about_the_x_axis(pillar: trimesh.Trimesh) -> None:
    x, y, z = pillar.vertices.T
    np.testing.assert_allclose(placed(pillar, up="z").vertices, np.column_stack([x, -z, y]))


@pytest.mark.parametrize("size", [0, -1, float("nan"), float("inf"), 1e9])
def test_a_size_out_of_range_is_refused(size: float) -> None:
    with pytest.raises(UserError, match=r"is out of range; give 0\.1 to 1,000,000"):
        check_size(size)


def test_an_unknown_upward_axis_is_refused(pillar: trimesh.Trimesh) -> None:
    with pytest.raises(UserError, match="no upward axis 'x'; choose one of y, z"):
        placed(pillar, up="x")
