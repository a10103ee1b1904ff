"""Occupancy to a watertight surface, and back to the files that viewers open.

The surface is where the occupancy, zero beyond the grid, crosses the threshold (marching cubes). Vertices are
in the world of `data.camera`: y up, the grid's cube centred at the origin with edges of length 1.
"""

from pathlib import Path

import numpy as np
import trimesh
from skimage.measure import marching_cubes

from r2n2.errors import UserError
from r2n2.files import written_beside

MESH_SUFFIXES = (".obj", ".ply", ".glb", ".stl")
STYLES = ("smooth", "blocky")
BLOCK_SAMPLES = 3  # per voxel edge of a blocky surface; its edges are bevelled by a sixth of a voxel
MARGIN = 1e-3  # of occupancy, between a sample and the threshold
COLOR = (90, 140, 200, 255)


def surface_mesh(occupancy: np.ndarray, threshold: float, style: str = "smooth") -> trimesh.Trimesh:
    """A closed surface around the voxels (X, Y, Z) with occupancy above `threshold`.

    smooth: through the points where the occupancy itself crosses the threshold. blocky: the faces of the
    voxels. Raises UserError if no voxel is above the threshold.
    """
    check_style(style)
    if not (occupancy > threshold).any():
        raise UserError(
            f"No voxel is above the threshold {threshold:g}; the highest occupancy is {occupancy.max():.3f}: "
            "choose a lower --threshold."
        )
    side = max(occupancy.shape)
    if style == "blocky":
        field, samples = np.where(occupancy > threshold, 0.5, -0.5), BLOCK_SAMPLES
        for axis in range(3):
            field = field.repeat(samples, axis)
    else:
        # A sample on the threshold itself would give triangles without area, and a mesh that is not closed once
        # a viewer merges their corners.
        distance, samples = occupancy - threshold, 1
        field = np.where(distance > 0, np.maximum(distance, MARGIN), np.minimum(distance, -MARGIN))
    field = np.pad(field, 1, constant_values=-threshold if style == "smooth" else -0.5)
    vertices, faces, _, _ = marching_cubes(field, level=0.0)
    centred = ((vertices - 0.5) / samples - np.array(occupancy.shape) / 2) / side
    mesh = trimesh.Trimesh(centred, faces, process=True)
    if mesh.volume < 0:
        mesh.invert()
    mesh.visual.face_colors = COLOR
    return mesh


def check_style(style: str) -> None:
    if style not in STYLES:
        raise UserError(f"There is no mesh style {style!r}; choose one of {', '.join(STYLES)}.")


def save_mesh(mesh: trimesh.Trimesh, path: str | Path) -> None:
    """Write a mesh as .obj, .ply, .glb or .stl."""
    with written_beside(path) as temporary:
        mesh.export(temporary, file_type=temporary.suffix.lower().lstrip("."))
