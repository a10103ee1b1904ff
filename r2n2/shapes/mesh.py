"""A watertight surface from an occupancy grid.

The smooth surface is where the occupancy, zero beyond the grid, crosses the threshold (marching cubes); the blocky one
is the surface of the voxels' cubes (`blocks`). Vertices are in the coordinates of `data.camera`: y up, the grid's cube
centred at the origin with edges of length 1.
"""

import numpy as np
import trimesh
from skimage.measure import marching_cubes

from r2n2.errors import UserError
from r2n2.shapes.blocks import block_surface

STYLES = ("smooth", "blocky")
MARGIN = 1e-3  # least difference in occupancy between a sample and the threshold
COLOR = (100, 150, 214)  # sRGB


def surface_mesh(occupancy: np.ndarray, threshold: float, style: str = "smooth") -> trimesh.Trimesh:
    """A closed surface around the voxels of `occupancy` (X, Y, Z) that are above `threshold`.

    smooth: through the points where the occupancy itself crosses the threshold; blocky: the merged faces of the voxels.
    Raises UserError if no voxel is above the threshold.
    """
    check_style(style)
    if not (occupancy > threshold).any():
        raise UserError(
            f"No voxel is above the threshold {threshold:g}; the highest occupancy is {occupancy.max():.3f}: "
            "choose a lower threshold."
        )
    if style == "blocky":
        vertices, faces = block_surface(occupancy > threshold)
    else:
        # A sample exactly at the threshold would give triangles without area, and the mesh would no longer be closed
        # once a viewer merges their corners.
        distance = occupancy - threshold
        field = np.where(distance > 0, np.maximum(distance, MARGIN), np.minimum(distance, -MARGIN))
        vertices, faces, _, _ = marching_cubes(np.pad(field, 1, constant_values=-threshold), level=0.0)
        vertices = vertices - 0.5  # samples are at voxel centres, and the padding added one before the first
    centred = (vertices - np.array(occupancy.shape) / 2) / max(occupancy.shape)
    mesh = trimesh.Trimesh(centred, faces, process=True)
    if mesh.volume < 0:
        mesh.invert()
    mesh.visual.vertex_colors = COLOR  # type: ignore[union-attr]
    return mesh


def check_style(style: str) -> None:
    if style not in STYLES:
        raise UserError(f"There is no mesh style {style!r}; choose one of {', '.join(STYLES)}.")
