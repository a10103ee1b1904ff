"""Voxels seen through the camera: which pixels of a view a grid covers."""

import numpy as np

from r2n2.config import RENDER_SIDE
from r2n2.data.camera import View, project
from r2n2.data.render import rasterize


def silhouette(voxels: np.ndarray, view: View, scale: float, size: int = RENDER_SIDE) -> np.ndarray:
    """The pixels (size, size) bool whose centres are covered by occupied voxels (X, Y, Z).

    scale: as in the binvox header.
    """
    pixels, depth = project(voxel_faces(voxels, scale), view, size)
    return rasterize(pixels, depth, size)[0] >= 0


def voxel_faces(voxels: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """World-space triangles (F, 3, 3), of either winding, of the faces between occupied and empty voxels."""
    triangles = []
    for axis in range(3):
        empty = np.zeros_like(voxels.take([0], axis))
        planes = np.argwhere(np.diff(voxels, axis=axis, prepend=empty, append=empty))  # (N, 3), a corner of each face
        u, v = np.delete(np.eye(3, dtype=int), axis, axis=0)
        quads = planes[:, None] + np.stack([0 * u, u, u + v, v])  # (N, 4, 3)
        triangles += [quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]
    return (np.concatenate(triangles) / len(voxels) - 0.5) * scale
