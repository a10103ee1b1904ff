"""Drawn meshes fill their pictures without being cut off, and stand on a card with their shadow."""

import numpy as np
import pytest
import trimesh
from PIL import Image

from r2n2.data.camera import View, project
from r2n2.shapes.drawing import CARD, draw_mesh, draw_turning, framed
from r2n2.shapes.mesh import COLOR


def inked(picture: Image.Image) -> np.ndarray:
    """Where the picture (H, W) shows the shape: card and shadow are grey, the shape is not."""
    return np.ptp(np.asarray(picture).astype(int), axis=2) > 20


@pytest.mark.parametrize("extents", [(1, 1, 1), (1, 0.1, 0.1), (0.05, 1, 0.05), (1, 0.02, 1), (0.1, 0.1, 0.1)])
def test_a_framed_mesh_fills_its_picture(extents: tuple[float, float, float]) -> None:
    shape = inked(draw_mesh(trimesh.creation.box(extents), size=200, smooth=False))
    assert not (shape[0].any() or shape[-1].any() or shape[:, 0].any() or shape[:, -1].any())
    if max(extents) == 1:
        rows, columns = np.nonzero(shape)
        assert max(np.abs(rows - 100).max(), np.abs(columns - 100).max()) > 75


def test_one_frame_fits_all_meshes() -> None:
    small, large = trimesh.creation.box((0.2, 0.2, 0.2)), trimesh.creation.box((1, 0.3, 0.3))
    assert framed([small, large]) == framed([large])


def test_a_mesh_is_drawn_where_the_camera_sees_it() -> None:
    view = View(azimuth=10, elevation=20, ratio=1)
    ball = trimesh.creation.icosphere(2, 0.1).apply_translation((0.1, 0.2, -0.2))
    rows, columns = np.nonzero(inked(draw_mesh(ball, view, 200)))
    expected, _ = project(np.array([0.1, 0.2, -0.2]), view, 200)
    np.testing.assert_allclose([columns.mean(), rows.mean()], expected, atol=1.5)


def test_open_card_is_plain_and_the_shadow_lies_under_the_shape() -> None:
    box = trimesh.creation.box((0.4, 0.4, 0.4))
    picture = draw_mesh(box, View(azimuth=40, elevation=27, ratio=1), smooth=False)
    pixels, shape = np.asarray(picture).astype(int), inked(picture)
    assert np.abs(pixels[0] - CARD).max() <= 6  # the far edge of the floor
    foot = np.flatnonzero(shape.any(axis=1)).max()
    column = int(np.flatnonzero(shape[foot]).mean())
    assert pixels[foot + 4, column].max() < CARD[0] - 20  # next to the nearest corner
    assert pixels[-1, column].min() > pixels[foot + 4, column].max()


def test_smooth_normals_leave_no_facets() -> None:
    ball = trimesh.creation.icosphere(1, 0.4)
    light = [np.asarray(draw_mesh(ball, size=100, smooth=smooth)).astype(float)[..., 2] for smooth in (True, False)]
    middle = [picture[35:65, 35:65] for picture in light]
    curvature = [np.abs(np.diff(picture, 2, axis=1)).max() for picture in middle]
    assert curvature[0] < 0.5 * curvature[1]


def test_the_shape_is_drawn_in_its_colour() -> None:
    picture = draw_mesh(trimesh.creation.box((0.8, 0.1, 0.8)), smooth=False)
    pixels = np.asarray(picture)[inked(picture)].astype(float)
    ratios = np.median(pixels[:, :2] / pixels[:, 2:], axis=0)
    np.testing.assert_allclose(ratios, np.divide(COLOR[:2], COLOR[2]), atol=0.02)


def test_a_turn_shows_every_side_under_the_same_light() -> None:
    pole = trimesh.creation.cylinder(0.2, 0.6, sections=64).apply_transform(
        trimesh.transformations.rotation_matrix(np.pi / 2, (1, 0, 0))
    )
    frames = [np.asarray(frame).astype(int) for frame in draw_turning(pole, 4, 96)]
    assert len(frames) == 4
    for frame in frames[1:]:  # a pole looks the same from all sides; only the suns' spread differs
        assert np.abs(frame - frames[0]).mean() < 3
    flag = trimesh.creation.box((0.6, 0.6, 0.05))
    first, second, *_ = (inked(frame).sum() for frame in draw_turning(flag, 4, 96, smooth=False))
    assert abs(first - second) > 0.05 * first
