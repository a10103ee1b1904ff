"""The light renderer: exact against brute force, and the same camera as `project`."""

import numpy as np
import pytest
import trimesh

from r2n2.data.camera import View, draw_views, project
from r2n2.data.render import rasterize, render
from r2n2.data.surface import Surface


def surface_of(mesh: trimesh.Trimesh, color: tuple[int, int, int] = (200, 100, 50)) -> Surface:
    count = len(mesh.faces)
    colors = np.tile(np.array(color, np.float32), (count, 1))
    return Surface(np.array(mesh.triangles), colors, np.zeros((count, 3, 2)), np.full(count, -1))


def brute_force(pixels: np.ndarray, depth: np.ndarray, size: int) -> np.ndarray:
    """The nearest face of every pixel centre, face by face and pixel by pixel."""
    face = np.full((size, size), -1)
    best = np.full((size, size), np.inf)
    for row, column in np.ndindex(size, size):
        for number, corners in enumerate(pixels):
            matrix = np.vstack([corners.T, np.ones(3)])
            if abs(np.linalg.det(matrix)) < 1e-9:
                continue
            weights = np.linalg.solve(matrix, [column + 0.5, row + 0.5, 1])
            distance = 1 / (weights / depth[number]).sum()
            if weights.min() >= 0 and distance < best[row, column]:
                best[row, column], face[row, column] = distance, number
    return face


def test_rasterizing_agrees_with_brute_force() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.uniform(-6, 22, (40, 3, 2))  # some reach over the border, both windings
    depth = rng.uniform(1, 2, (40, 3))
    face, weights = rasterize(pixels, depth, 16)
    np.testing.assert_array_equal(face, brute_force(pixels, depth, 16))
    np.testing.assert_allclose(weights[face >= 0].sum(axis=1), 1)


def test_thin_faces_are_drawn_and_degenerate_faces_are_not() -> None:
    pixels = np.array([[[2.4, 0], [2.6, 0], [2.5, 8]], [[1, 1], [1, 1], [5, 5]]], float)
    face, _ = rasterize(pixels, np.ones((2, 3)), 8)
    assert set(np.argwhere(face == 0)[:, 1]) == {2}
    assert not (face == 1).any()


@pytest.mark.parametrize("seed", [0, 1])
def test_pictures_agree_with_the_camera(seed: int) -> None:
    """The silhouette of a ball is where its points project to."""
    rng = np.random.default_rng(seed)
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.4)
    ball.apply_translation([0.05, -0.03, 0.02])
    for view in draw_views(2, rng):
        alpha = render(surface_of(ball), view)[..., 3]
        points, _ = project(ball.vertices, view)
        inside = alpha[tuple(np.clip(points.astype(int), 0, 136).T[::-1])] > 0
        assert inside.mean() > 0.99
        rows, columns = np.nonzero(alpha > 127)
        np.testing.assert_allclose([columns.min(), columns.max() + 1], [points[:, 0].min(), points[:, 0].max()], atol=1)
        np.testing.assert_allclose([rows.min(), rows.max() + 1], [points[:, 1].min(), points[:, 1].max()], atol=1)


def test_alpha_is_coverage_and_edges_keep_their_colour() -> None:
    picture = render(surface_of(trimesh.creation.box((0.6, 0.6, 0.6))), View(30, 27, 0.9))
    partial = (picture[..., 3] > 0) & (picture[..., 3] < 255)
    assert 20 < partial.sum() < 600
    ratio = picture[partial][:, 0] / np.maximum(picture[partial][:, 2], 1)
    np.testing.assert_allclose(ratio, 4, rtol=0.15)  # 200 : 50, not darkened towards black


def test_winding_does_not_change_the_picture() -> None:
    surface = surface_of(trimesh.creation.icosphere(subdivisions=2, radius=0.4))
    view = View(75, 26, 0.8)
    turned = surface.moved(surface.triangles[:, ::-1].copy())
    difference = render(surface, view).astype(int) - render(turned, view)
    assert np.abs(difference).max() <= 1


def test_texture_v_points_upwards() -> None:
    """A square facing the camera at azimuth 0: the texture's top row is seen at the top, its left on the left."""
    square = np.array(
        [[[0, -0.3, 0.3], [0, -0.3, -0.3], [0, 0.3, -0.3]], [[0, -0.3, 0.3], [0, 0.3, -0.3], [0, 0.3, 0.3]]]
    )
    uv = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], float)
    texture = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
    picture = render(
        Surface(square, np.full((2, 3), 255.0, np.float32), uv, np.zeros(2, int), [texture]), View(0, 0, 0.8)
    )
    rows, columns = np.nonzero(picture[..., 3] == 255)
    top, bottom, left, right = rows.min() + 3, rows.max() - 3, columns.min() + 3, columns.max() - 3
    assert picture[top, left, :3].argmax() == 0
    assert picture[top, right, :3].argmax() == 1
    assert picture[bottom, left, :3].argmax() == 2
    assert len(set(picture[bottom, right, :3])) == 1
