"""A small exact rasteriser in NumPy: turns textured triangles into RGBA pictures on any machine.

Every triangle is cut into scanline spans and every span into fragments, all at once; the fragment nearest to the
camera wins its pixel. Faces are lit on the visible side, because winding is random in real meshes. Pictures are drawn
three times too large and averaged, so alpha is the true coverage.
"""

from collections.abc import Iterator

import numpy as np

from r2n2.config import RENDER_SIDE
from r2n2.data.camera import View, project
from r2n2.data.lighting import Lighting
from r2n2.data.surface import Surface, unit_normals

SUPERSAMPLING = 3
FACES_AT_ONCE = 50_000  # bounds memory to about 200 MB


def render(
    surface: Surface,
    view: View,
    size: int = RENDER_SIDE,
    lighting: Lighting = Lighting(),  # noqa: B008 - frozen
) -> np.ndarray:
    """RGBA picture (size, size, 4) uint8 of a surface on a transparent background."""
    fine = size * SUPERSAMPLING
    pixels, depth = project(surface.triangles, view, fine)  # (F, 3, 2), (F, 3)
    face, weights = rasterize(pixels, depth, fine)  # (H, W), (H, W, 3)
    seen = face >= 0
    color = np.zeros((fine, fine, 4), np.float32)
    shade = lighting.brightness(_normals(surface, face[seen], view))
    color[seen, :3] = shade[:, None] * _albedo(surface, face[seen], weights[seen])
    color[seen, 3] = 255
    color[..., :3] = color[..., :3].clip(0, 255)
    return averaged(color)


def render_views(surface: Surface, views: list[View], lights: list[Lighting]) -> Iterator[np.ndarray]:
    """The pictures of `render` for several views, each with its light."""
    return (render(surface, view, lighting=light) for view, light in zip(views, lights, strict=True))


def averaged(fine: np.ndarray) -> np.ndarray:
    """Average a picture (n size, n size, 4) float32, alpha 0 or 255, to (size, size, 4) uint8: alpha is the covered
    share, the colour is the mean over the covered part."""
    size = len(fine) // SUPERSAMPLING
    blocks = fine.reshape(size, SUPERSAMPLING, size, SUPERSAMPLING, 4).mean(axis=(1, 3))
    alpha = blocks[..., 3:] / 255
    blocks[..., :3] /= np.maximum(alpha, 1e-6)
    return blocks.round().clip(0, 255).astype(np.uint8)


def rasterize(pixels: np.ndarray, depth: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest face (size, size), -1 for none, and its perspective-correct barycentric weights (size, size, 3)."""
    nearest = np.zeros(size * size)  # inverse depth; 0 is infinitely far
    face = np.full(size * size, -1)
    weights = np.zeros((size * size, 3))
    for start in range(0, len(pixels), FACES_AT_ONCE):
        chosen = slice(start, start + FACES_AT_ONCE)
        where, which, inverse = _fragments(pixels[chosen], depth[chosen], size)
        total = inverse.sum(axis=1)
        np.maximum.at(nearest, where, total)
        front = nearest[where] == total
        face[where[front]] = which[front] + start
        weights[where[front]] = inverse[front] / total[front, None]
    return face.reshape(size, size), weights.reshape(size, size, 3)


def _fragments(pixels: np.ndarray, depth: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixel index (N,), face (N,), and each corner's share of the inverse depth (N, 3) of every fragment."""
    following, opposite = np.roll(pixels, -1, axis=1), np.roll(pixels, -2, axis=1)
    # Edge functions a x + b y + c, one for each corner, zero on the opposite edge.
    a = following[..., 1] - opposite[..., 1]  # (F, 3)
    b = opposite[..., 0] - following[..., 0]
    c = -(a * following[..., 0] + b * following[..., 1])
    area = (a * pixels[..., 0] + b * pixels[..., 1] + c)[:, :1]  # (F, 1), negative when wound the other way
    usable = (np.abs(area[:, 0]) > 1e-12) & (depth.min(axis=1) > 1e-3)
    number = np.flatnonzero(usable)
    a, b, c = (np.divide(edge[number], area[number]) for edge in (a, b, c))

    top = np.ceil(pixels[number, :, 1].min(axis=1) - 0.5).clip(0, size).astype(np.int64)
    bottom = np.floor(pixels[number, :, 1].max(axis=1) - 0.5).clip(-1, size - 1).astype(np.int64)
    span, row = _expand(top, bottom)
    y = row[:, None] + 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = -(b[span] * y + c[span]) / a[span]  # (S, 3)
    left = np.where(a[span] > 0, crossing, -np.inf).max(axis=1)
    right = np.where(a[span] < 0, crossing, np.inf).min(axis=1)
    first = np.ceil(left - 0.5).clip(0, size).astype(np.int64)
    last = np.floor(right - 0.5).clip(-1, size - 1).astype(np.int64)
    fragment, column = _expand(first, last)
    span, row = span[fragment], row[fragment]
    share = a[span] * (column[:, None] + 0.5) + b[span] * (row[:, None] + 0.5) + c[span]
    return row * size + column, number[span], share.clip(0) / depth[number[span]]


def _expand(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The range that each integer comes from, and all integers of the ranges first..last."""
    count = np.maximum(last - first + 1, 0)
    source = np.repeat(np.arange(len(first)), count)
    return source, first[source] + np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)


def _normals(surface: Surface, face: np.ndarray, view: View) -> np.ndarray:
    """Unit normals (N, 3) of faces, facing the camera."""
    corners = surface.triangles[face]
    normal = unit_normals(corners)
    towards_camera = view.axes()[1] - corners.mean(axis=1)
    return normal * np.where((normal * towards_camera).sum(axis=1, keepdims=True) < 0, -1, 1)


def _albedo(surface: Surface, face: np.ndarray, weights: np.ndarray) -> np.ndarray:
    color = surface.colors[face].astype(np.float32)
    uv = (surface.uv[face] * weights[..., None]).sum(axis=1)
    for index, image in enumerate(surface.textures):
        textured = surface.texture[face] == index
        height, width = image.shape[:2]
        column = (uv[textured, 0] % 1 * width).astype(np.int64) % width
        row = ((1 - uv[textured, 1] % 1) * height).astype(np.int64) % height
        color[textured] *= image[row, column] / np.float32(255)
    return color
