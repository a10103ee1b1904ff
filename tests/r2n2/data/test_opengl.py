"""The OpenGL renderer draws what the light one draws."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import trimesh

from r2n2.data import opengl, render
from r2n2.data.camera import draw_views
from r2n2.data.lighting import Lighting, draw_lighting
from r2n2.data.surface import Surface
from r2n2.errors import UserError

pytest.importorskip("moderngl", reason="the extra opengl is not installed")


def scene() -> Surface:
    """A coloured ball, and a textured square in front of and behind it."""
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.3)
    balls = np.array(ball.triangles)
    rng = np.random.default_rng(0)
    square = np.array(
        [[[0.1, -0.4, 0.4], [0.1, -0.4, -0.4], [0.1, 0, -0.4]], [[0.1, -0.4, 0.4], [0.1, 0, -0.4], [0.1, 0, 0.4]]]
    )
    uv = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], float)
    count = len(balls)
    return Surface(
        np.concatenate([balls, square]),
        np.concatenate([rng.uniform(20, 240, (count, 3)), np.full((2, 3), 255.0)]).astype(np.float32),
        np.concatenate([np.zeros((count, 3, 2)), uv]),
        np.array([-1] * count + [0, 0]),
        [rng.integers(0, 256, (5, 7, 3)).astype(np.uint8)],
    )


def test_pictures_match_those_of_the_light_renderer() -> None:
    rng = np.random.default_rng(1)
    surface, views = scene(), draw_views(4, rng)
    lights = [Lighting(), *(draw_lighting(rng) for _ in views[1:])]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:  # see `opengl`: never with Triton
        try:
            drawn = pool.submit(opengl.render_views, surface, views, lights).result()
        except UserError as error:
            pytest.skip(f"no OpenGL here: {error}")
    for ours, expected in zip(drawn, render.render_views(surface, views, lights), strict=True):
        assert ours.shape == expected.shape == (137, 137, 4)
        mine, theirs = ours[..., 3] > 127, expected[..., 3] > 127
        assert (mine & theirs).sum() / (mine | theirs).sum() > 0.99
        assert np.abs(ours.astype(int) - expected)[mine & theirs].mean() < 1.5


def test_a_driver_error_is_reported_and_the_light_renderer_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    import moderngl

    def refuse(**_: object) -> None:
        raise RuntimeError("no device")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(UserError, match=r"no device.*--renderer light"):
        opengl.render_views(scene(), [], [])
