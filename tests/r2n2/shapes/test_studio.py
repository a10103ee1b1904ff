"""Light is that of an open sky where nothing blocks it, and less where something does."""

import numpy as np
import pytest
import trimesh

from r2n2.shapes.studio import Studio

UP = np.array([0.0, 1.0, 0.0])


@pytest.fixture(scope="module")
def table() -> Studio:
    """A plate of 0.8 x 0.8, 0.4 above the floor at height 0."""
    plate = trimesh.creation.box((0.8, 0.05, 0.8)).apply_translation((0, 0.425, 0))
    foot = trimesh.creation.box((0.05, 0.4, 0.05)).apply_translation((0, 0.2, 0))
    return Studio.around(trimesh.util.concatenate([plate, foot]))


def floor_light(studio: Studio, x: np.ndarray) -> np.ndarray:
    points = np.column_stack([x, np.zeros_like(x), np.zeros_like(x)])
    return studio.light(points, np.broadcast_to(UP, points.shape))


@pytest.mark.parametrize("key", [None, 0.0, 200.0])
def test_open_floor_and_an_open_top_have_light_one(table: Studio, key: float | None) -> None:
    studio = table if key is None else table.with_key(key)
    np.testing.assert_allclose(floor_light(studio, np.array([50.0, -50.0])), 1)
    grid = np.linspace(-0.37, 0.37, 30)
    x, z = (axis.reshape(-1) for axis in np.meshgrid(grid, grid))
    top = np.column_stack([x, np.full_like(x, 0.45), z])
    np.testing.assert_allclose(studio.light(top, np.broadcast_to(UP, top.shape)), 1)  # no surface shades itself


def test_a_shadow_fades_from_the_middle_outwards(table: Studio) -> None:
    light = floor_light(table, np.array([0.1, 0.3, 0.5, 0.8, 1.3]))
    assert light[0] < 0.45
    assert (np.diff(light) > 0).all()
    assert light[-1] > 0.85


def test_the_key_light_comes_from_its_side(table: Studio) -> None:
    sides = np.array([[0.4, 0.425, 0.0], [-0.4, 0.425, 0.0]])
    facing, away = table.with_key(0).light(sides, np.sign(sides) * [1, 0, 0])
    assert facing > 1.5 * away
    turned = table.with_key(180).light(sides, np.sign(sides) * [1, 0, 0])
    assert turned[1] > 1.5 * turned[0]
