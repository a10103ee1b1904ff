"""The surface of the voxels' cubes with few triangles: closed, and without T-junctions.

Faces that lie in one plane and face the same way are merged greedily into rectangles. A rectangle's boundary includes
every corner of its neighbours that lies on it, so each edge has the same two ends on both of its sides.

Where two cubes touch only along an edge or at a corner, they are treated as two bodies: the vertices are doubled, and
each copy is moved a thousandth of a voxel into its own body, so that no edge belongs to four triangles. Around a
lattice point, a sheet of the surface is identified by the pair of parts that it separates,

    (part of the solid, connected through faces; part of the empty, connected through faces or edges),

because these parts tile a small sphere around the point, and two regions of a sphere share at most one boundary. The
lattice has two cells per voxel edge: the two copies of a doubled edge may share both ends, but not the middle.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product

import numpy as np

CELLS = 2  # lattice cells per voxel edge
APART = 1e-3  # voxels: how far a doubled vertex is moved into its body
AROUND = np.array(list(product((0, 1), repeat=3)))  # (8, 3): the cells around a lattice point
WEIGHTS = 1 << np.arange(8)  # weight of each of these cells in the point's code
Rectangle = tuple[int, tuple[int, int], tuple[int, int]]  # lattice plane, and first and last point on the next two axes


def block_surface(voxels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The surface of voxels (X, Y, Z) bool; voxel (i, j, k) is the cube from (i, j, k) to (i + 1, j + 1, k + 1).

    Returns vertices (V, 3) float64 and triangles (F, 3) int64, counterclockwise as seen from outside.
    """
    fine = voxels.repeat(CELLS, 0).repeat(CELLS, 1).repeat(CELLS, 2)
    solid = np.pad(fine, 1)  # lattice point p lies between cells p and p + 1
    windows = np.lib.stride_tricks.sliding_window_view(solid, (2, 2, 2))
    codes = windows.reshape(*windows.shape[:3], 8) @ WEIGHTS  # (X, Y, Z) in 0..255
    parts, several = _sheets()

    merged = {(axis, sign): list(_merged(solid, axis, sign)) for axis in range(3) for sign in (1, -1)}
    cut = several[codes]  # where a side that passes through the point has a vertex
    for (axis, _), rectangles in merged.items():
        for plane, u, v in rectangles:
            _turned(cut, axis)[plane, [u[0], u[0], u[1], u[1]], [*v, *v]] = True

    sheets, normals, triangles, count = [], [], [], 0
    for (axis, sign), rectangles in merged.items():
        corners, within = [], []
        for plane, u, v in rectangles:
            loop, fan = _boundary(_turned(cut, axis)[plane], u, v)  # (N, 2), (N - 2, 3)
            corners.append(np.insert(loop, 0, plane, axis=1))
            within.append(np.insert(loop < (u[1], v[1]), 0, sign < 0, axis=1))
            triangles.append(fan[:, ::sign] + count)
            count += len(loop)
        points = np.roll(np.concatenate(corners), axis, axis=1)  # (N, 3): the points of all loops in this direction
        inner = np.roll(np.concatenate(within), axis, axis=1)  # which of the cells around is inside, below the face
        outer = inner ^ (np.arange(3) == axis)
        code = codes[tuple(points.T)]
        divided = [parts[code, cell @ (4, 2, 1)] for cell in (inner, outer)]
        sheets.append(np.ravel_multi_index((*points.T, *divided), (*codes.shape, 8, 8)))
        normals.append(np.broadcast_to(sign * (np.arange(3) == axis), points.shape))

    vertex, number = np.unique(np.concatenate(sheets), return_inverse=True)  # (V,), (all N,)
    outward = np.zeros((len(vertex), 3))
    np.add.at(outward, number, np.concatenate(normals))
    points = np.unravel_index(vertex, (*codes.shape, 8, 8))[:3]
    doubled = several[codes[points]]  # (V,)
    vertices = np.column_stack(points) / CELLS - doubled[:, None] * np.sign(outward) * APART
    return vertices, number[np.concatenate(triangles)]


def _turned(grid: np.ndarray, axis: int) -> np.ndarray:
    """A view of the grid with `axis` first and the other two axes in cyclic order."""
    return grid.transpose(axis, (axis + 1) % 3, (axis + 2) % 3)


def _merged(solid: np.ndarray, axis: int, sign: int) -> Iterator[Rectangle]:
    """The faces across an axis, towards `sign`, merged: each first face is extended along its row, then across rows."""
    cells = _turned(solid, axis)
    faces = cells[:-1] & ~cells[1:] if sign > 0 else cells[1:] & ~cells[:-1]
    for plane in map(int, np.flatnonzero(faces.any(axis=(1, 2)))):
        left = faces[plane].copy()  # its last row and last column are empty
        while left.any():
            u, v = map(int, np.unravel_index(left.argmax(), left.shape))
            v_end = v + int(left[u, v:].argmin())
            u_end = u + int(left[u:, v:v_end].all(axis=1).argmin())
            left[u:u_end, v:v_end] = False
            yield plane, (u - 1, u_end - 1), (v - 1, v_end - 1)


def _boundary(cut: np.ndarray, u: tuple[int, int], v: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The points of a rectangle's boundary (N, 2), counterclockwise, and N - 2 triangles of nonzero area between them.

    With corners a, b, c, d: the triangles of side bc meet in the last point before b, those of side cd in the first
    point after d, and all others in c.
    """
    (left, right), (low, high) = u, v
    below, above = (left + np.flatnonzero(cut[left : right + 1, row]) for row in (low, high))
    before, beyond = (low + np.flatnonzero(cut[column, low : high + 1]) for column in (left, right))
    sides = [
        [(x, low) for x in below[:-1]],
        [(right, y) for y in beyond[:-1]],
        [(x, high) for x in above[:0:-1]],
        [(left, y) for y in before[:0:-1]],
    ]
    b, c, d, count = np.cumsum([len(side) for side in sides])
    triangles = [(b - 1, n, n + 1) for n in range(b, c)]
    triangles += [(d + 1, n, n + 1) for n in range(c, d)]
    triangles += [(c, n, n + 1) for n in range(d + 1, count + b - 1)]
    return np.concatenate(sides), np.array(triangles) % count


@cache
def _sheets() -> tuple[np.ndarray, np.ndarray]:
    """For each code of the eight cells around a point: the part that each cell belongs to (256, 8), and whether more
    than one sheet of the surface passes through the point (256,)."""
    filled = (np.arange(256)[:, None] & WEIGHTS) > 0
    apart = np.abs(AROUND[:, None] - AROUND).sum(axis=2)  # 1 across a face, 2 across an edge
    same = filled[:, :, None] == filled[:, None]
    joined = same & (apart <= np.where(filled, 1, 2)[:, :, None])  # (256, 8, 8)
    parts = np.broadcast_to(np.arange(8), (256, 8))
    for _ in AROUND:
        parts = np.where(joined, parts[:, None], 8).min(axis=2)
    several = []
    for code in range(256):
        one, other = np.nonzero((apart == 1) & ~same[code] & filled[code][:, None])
        several.append(len(set(zip(parts[code, one], parts[code, other], strict=True))) > 1)
    return parts, np.array(several)
