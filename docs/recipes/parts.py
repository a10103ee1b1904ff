"""The parts that this folder's mesh readers return, and the triangulation of polygons."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass
class Part:
    """A named piece of an object with one material.

    triangles (F, 3, 3) float64; uv (F, 3, 2) float64, v upwards; color (3,) in 0..255; opacity in 0..1;
    texture: the file name that the mesh file gives, or None.
    """

    name: str
    triangles: np.ndarray
    uv: np.ndarray
    color: np.ndarray
    opacity: float = 1.0
    texture: str | None = None


def triangulate(points: np.ndarray) -> list[tuple[int, int, int]]:
    """Corner indices of the triangles that ear clipping cuts a simple, nearly flat polygon (N, 3) into."""
    count = len(points)
    if count == 3:
        return [(0, 1, 2)]
    following = np.roll(points, -1, axis=0)
    normal = np.cross(points - points[0], following - points[0]).sum(axis=0)  # Newell's method, for any simple polygon
    axis = int(np.abs(normal).argmax())
    u, v = (axis + 1) % 3, (axis + 2) % 3
    flat = (points[:, (u, v)] * [np.sign(normal[axis]) or 1.0, 1.0]).tolist()  # counterclockwise
    left, triangles = list(range(count)), []
    while len(left) > 3:
        ear = next((k for k in range(len(left)) if _is_ear(flat, left, k)), 0)
        triangles.append((left[ear - 1], left[ear], left[(ear + 1) % len(left)]))
        del left[ear]
    return [*triangles, (left[0], left[1], left[2])]


def _is_ear(flat: Sequence[Sequence[float]], left: Sequence[int], k: int) -> bool:
    a, b, c = (flat[left[k - 1]], flat[left[k]], flat[left[(k + 1) % len(left)]])
    if _turn(a, b, c) <= 0:
        return False
    others = (flat[number] for number in left if flat[number] not in (a, b, c))
    return not any(_turn(a, b, p) >= 0 and _turn(b, c, p) >= 0 and _turn(c, a, p) >= 0 for p in others)


def _turn(a: Sequence[float], b: Sequence[float], c: Sequence[float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
