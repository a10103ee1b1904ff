"""Draw a surface on a grey card, with soft light and a shadow on the floor (`studio`), seen through `data.camera`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import trimesh
from PIL import Image
from skimage.filters import gaussian

from r2n2.data.camera import LENS_MM, SENSOR_MM, View, project
from r2n2.data.render import rasterize
from r2n2.pictures.images import BACKGROUND
from r2n2.shapes.mesh import COLOR
from r2n2.shapes.studio import Studio

TILE = 320
CARD = (BACKGROUND,) * 3  # background of the views that shapes are drawn next to
LOOKING = View(azimuth=40, elevation=27, ratio=1.0)
FILLED = 0.85  # how far a framed mesh reaches from the tile's centre, as a share of half a tile
KEY_AZIMUTH = -60.0  # degrees from the camera's azimuth to the key light's
GAMMA = 1.7  # a light of 0.5 is drawn as the colour times 0.5^(1 / GAMMA)
STILL, TURNING = 3, 2  # samples per pixel side
FLOOR_SCALE, FLOOR_BLUR = 2, 2.0  # the floor is drawn smaller and blurred, to hide the edges of single shadows


def framed(meshes: Sequence[trimesh.Trimesh], view: View = LOOKING) -> View:
    """The view from the same direction at the distance where the meshes fill the picture and none is cut off."""
    for _ in range(3):  # with perspective, each step is only an approximation
        reach = max(np.abs(project(mesh.vertices, view, 2)[0] - 1).max() for mesh in meshes)
        view = replace(view, ratio=max(view.ratio * reach / FILLED, 0.6))
    return view


def draw_mesh(mesh: trimesh.Trimesh, view: View | None = None, size: int = TILE, smooth: bool = True) -> Image.Image:
    """An RGB picture (size, size) of a mesh in one colour, from `view`, or by default framed to fill the picture.

    smooth: compute the light at the vertices with their normals and interpolate it; otherwise compute it at each pixel
    with the face normals.
    """
    view = view or framed([mesh])
    return _photograph(mesh, Studio.around(mesh), view, size, STILL, smooth)


def draw_turning(mesh: trimesh.Trimesh, frames: int, size: int = TILE, smooth: bool = True) -> Iterator[Image.Image]:
    """Yield `draw_mesh` pictures from `frames` directions, once around; the light moves with the camera."""
    views = [replace(LOOKING, azimuth=LOOKING.azimuth + 360 * number / frames) for number in range(frames)]
    ratio = max(framed([mesh], view).ratio for view in views)
    studio = Studio.around(mesh)
    for view in views:
        yield _photograph(mesh, studio, replace(view, ratio=ratio), size, TURNING, smooth)


def _photograph(
    mesh: trimesh.Trimesh, studio: Studio, view: View, size: int, samples: int, smooth: bool
) -> Image.Image:
    studio = studio.with_key(view.azimuth + KEY_AZIMUTH)
    fine = size * samples
    triangles = np.asarray(mesh.triangles, np.float64)
    face, share = rasterize(*project(triangles, view, fine), fine)  # (fine, fine), (fine, fine, 3)
    seen = face >= 0
    face, share = face[seen], share[seen]  # (N,), (N, 3)
    if smooth:
        corners = studio.light(mesh.vertices, mesh.vertex_normals)[mesh.faces[face]]  # (N, 3)
        light = (corners * share).sum(axis=1)
    else:
        row, column = np.nonzero(seen)  # a face is lit once per pixel: its samples there look alike
        cell = (row // samples * size + column // samples) * len(triangles) + face
        _, one, of_cell = np.unique(cell, return_index=True, return_inverse=True)
        points = (triangles[face[one]] * share[one, :, None]).sum(axis=1)
        light = studio.light(points, mesh.face_normals[face[one]])[of_cell]
    floor = _floor(studio, view, mesh.bounds[0, 1], size).repeat(samples, 0).repeat(samples, 1)  # (fine, fine)
    picture = floor[..., None] * np.array(CARD, np.float32)
    picture[seen] = light[:, None] ** (1 / GAMMA) * np.array(COLOR, np.float32)
    pixels = picture.clip(0, 255).reshape(size, samples, size, samples, 3).mean(axis=(1, 3))
    return Image.fromarray(pixels.round().astype(np.uint8))


def _floor(studio: Studio, view: View, height: float, size: int) -> np.ndarray:
    """The brightness (size, size) of the floor at `height` as the camera sees it; 1 where it sees no floor."""
    coarse = -(-size // FLOOR_SCALE)
    axes, position = view.axes()
    across = ((np.arange(coarse) + 0.5) / coarse - 0.5) * SENSOR_MM / LENS_MM
    x, y = np.meshgrid(across, -across)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ axes  # (coarse, coarse, 3)
    with np.errstate(divide="ignore"):
        distance = (height - position[1]) / rays[..., 1]
    meets = np.isfinite(distance) & (distance > 0)
    points = (position + distance[meets][:, None] * rays[meets]).astype(np.float32)
    light = np.ones((coarse, coarse))
    light[meets] = studio.light(points, np.broadcast_to(np.array([0, 1, 0], np.float32), points.shape))
    soft = gaussian(light ** (1 / GAMMA), FLOOR_BLUR, mode="nearest").astype(np.float32)
    return np.asarray(Image.fromarray(soft).resize((size, size), Image.Resampling.BICUBIC))
