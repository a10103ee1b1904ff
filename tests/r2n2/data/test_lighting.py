"""Light and materials: what they do to a colour, and how they vary."""

import numpy as np
import pytest

from r2n2.data.lighting import Lighting, draw_lighting
from r2n2.data.surface import Surface


def test_brightness_adds_the_world_and_each_sun_by_its_angle() -> None:
    light = Lighting(0.5, (((0.0, 2.0, 0.0), 0.4), ((1.0, 0.0, 0.0), 0.2)))
    normals = np.array([[0, 1, 0], [0, -1, 0], [1, 0, 0], [0.6, 0.8, 0]])
    np.testing.assert_allclose(light.brightness(normals), [0.9, 0.5, 0.7, 0.5 + 0.32 + 0.12])


def test_drawn_lights_differ_and_are_about_as_bright_as_the_default() -> None:
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(500, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    drawn = [draw_lighting(rng).brightness(normals).mean() for _ in range(50)]
    assert np.std(drawn) > 0.05
    assert np.mean(drawn) == pytest.approx(Lighting().brightness(normals).mean(), rel=0.15)


def test_recolouring_changes_each_material_as_a_whole() -> None:
    colors = np.repeat(np.array([[200, 100, 50], [30, 60, 90]], np.float32), 3, axis=0)
    plain = Surface(np.random.default_rng(0).random((6, 3, 3)), colors, np.zeros((6, 3, 2)), np.full(6, -1))
    recolored = plain.recolored(np.random.default_rng(3)).colors
    for part in (recolored[:3], recolored[3:]):
        assert (part == part[0]).all()
    assert (recolored != colors).any()
    assert (recolored >= 0).all()
    assert (recolored <= 255).all()
    np.testing.assert_array_equal(plain.colors, colors)  # the original is unchanged
