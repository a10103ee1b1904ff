"""Solid voxels of a real-world triangle mesh, which may have holes, no thickness and random winding.

The surface is sampled into a fine grid (four times the resolution), everything that a ray along one of the six
axis directions can reach without meeting the surface is carved away, and a coarse voxel is occupied
when at least one eighth of it is. Rays need no winding and tolerate small holes; one eighth keeps thin legs in one
piece at the cost of up to a voxel of extra thickness.
"""

from collections.abc import Iterator

import numpy as np

from r2n2.config import VOXEL_SIDE

OVERSAMPLING = 4
THRESHOLD = 1 / 8
POINTS_AT_ONCE = 4_000_000  # bounds memory to about 300 MB


def voxelize(triangles: np.ndarray, resolution: int = VOXEL_SIDE) -> np.ndarray:
    """Occupied voxels (X, Y, Z) bool of triangles (F, 3, 3); their box's longest edge spans the centred grid."""
    low, high = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
    extent = (high - low).max()
    if not extent > 0:
        raise ValueError("voxelize: the mesh has no extent")
    fine = resolution * OVERSAMPLING
    surface = np.zeros((fine,) * 3, bool)
    # Slightly smaller than the grid: a face on the border between two fine voxels then falls into the inner one on
    # both sides, instead of making boxes one voxel longer towards +x, +y and +z.
    centred = (triangles - (low + high) / 2) * ((1 - 1e-6) / extent)
    for points in _surface_points(centred, spacing=0.5 / fine):
        index = ((points + 0.5) * fine).astype(np.int64)
        surface[index[:, 0], index[:, 1], index[:, 2]] = True
    solid = carve(surface)
    blocks = solid.reshape(resolution, OVERSAMPLING, resolution, OVERSAMPLING, resolution, OVERSAMPLING)
    return blocks.mean(axis=(1, 3, 5)) >= THRESHOLD


def carve(surface: np.ndarray) -> np.ndarray:
    """The voxels that no ray along an axis direction reaches from outside, including the surface."""
    solid = np.ones_like(surface)
    for axis in range(3):
        for step in (1, -1):
            flipped = np.flip(surface, axis) if step < 0 else surface
            hidden = np.logical_or.accumulate(flipped, axis=axis)
            solid &= np.flip(hidden, axis) if step < 0 else hidden
    return solid


def _surface_points(triangles: np.ndarray, spacing: float) -> Iterator[np.ndarray]:
    """Points on each triangle, in rows along its longest edge, in batches of bounded size.

    The number of rows depends on the triangle's height: slivers, which decimated meshes are full of, need only a few.
    """
    edges = np.roll(triangles, -1, axis=1) - triangles  # (F, 3, 3), from each corner to the next
    lengths = np.linalg.norm(edges, axis=2)
    longest = lengths.argmax(axis=1)[:, None, None]
    length = lengths.max(axis=1)
    base = np.take_along_axis(edges, longest, axis=1)[:, 0]
    origin = np.take_along_axis(triangles, longest, axis=1)[:, 0]
    side = -np.take_along_axis(edges, (longest + 2) % 3, axis=1)[:, 0]  # from there to the third corner
    height = np.linalg.norm(np.cross(base, side), axis=1) / np.maximum(length, 1e-12)
    along = np.ceil(length / spacing).astype(np.int64) + 1
    rows = np.ceil(height / spacing).astype(np.int64) + 1
    counts = (along + 1) * (rows + 1)
    batch = np.cumsum(counts) // POINTS_AT_ONCE
    for chosen in np.split(np.arange(len(triangles)), np.flatnonzero(np.diff(batch)) + 1):
        face = np.repeat(chosen, counts[chosen])
        number = np.arange(len(face)) - np.repeat(np.cumsum(counts[chosen]) - counts[chosen], counts[chosen])
        row, place = np.divmod(number, along[face] + 1)
        v = (row / rows[face])[:, None]
        u = (place / along[face])[:, None] * (1 - v)
        yield origin[face] + u * base[face] + v * side[face]
