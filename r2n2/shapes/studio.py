"""Soft light for pictures of a shape: a sky of many weak suns, each with its shadow, and a floor for it to fall on.

The light that reaches a point p with normal n is

    light(p, n) = sum_i w_i max(0, n . l_i) visible_i(p)  +  BOUNCE (1 - n_y) / 2

with directions l_i spread evenly over the upper half of the sphere, weights w_i greater around the key light and scaled
so that open floor has light 1, and visible_i(p) from a depth map that looks along -l_i. The last term is what the floor
throws back.
"""

from dataclasses import dataclass

import numpy as np
import trimesh

from r2n2.data.render import rasterize

SUNS = 48
KEY_ELEVATION, KEY_SHARE, KEY_FALLOFF = 40.0, 14.0, 8.0  # degrees; times the sky; power of the cosine
BOUNCE = 0.4
MAP_SIDE = 192  # pixels of a depth map
BIAS = 1.5  # of these pixels: how far off a surface its light is asked for
FAR = 1e3  # distance from which the maps are drawn: the rasteriser's perspective is too weak to be seen


@dataclass(frozen=True)
class Studio:
    """The light around a shape: suns' directions (S, 3), weights (S,), depth maps (S, side, side) of a sphere."""

    directions: np.ndarray
    weights: np.ndarray
    maps: np.ndarray
    centre: np.ndarray
    radius: float

    @classmethod
    def around(cls, mesh: trimesh.Trimesh, key_azimuth: float) -> "Studio":
        """The light around a mesh, y up, the key light from an azimuth in degrees (as `data.camera` counts them)."""
        low, high = mesh.bounds
        centre, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
        a, e = np.radians([key_azimuth, KEY_ELEVATION])
        key = np.array([np.cos(e) * np.cos(a), np.sin(e), np.cos(e) * np.sin(a)])
        directions = _hemisphere(SUNS)
        weights = 1 + KEY_SHARE * (directions @ key).clip(0) ** KEY_FALLOFF
        weights /= weights @ directions[:, 1]
        triangles = np.asarray(mesh.triangles, np.float64)
        maps = []
        for direction in directions:
            pixels, depth = _seen_from(direction, triangles - centre, radius)  # (F, 3, 2), (F, 3)
            face, share = rasterize(pixels, FAR + depth, MAP_SIDE)
            maps.append(np.where(face < 0, np.inf, (share * depth[face]).sum(axis=2)))
        return cls(directions, weights, np.stack(maps).astype(np.float32), centre, radius)

    def light(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """The light (N,) at points (N, 3) with unit normals (N, 3); 1 on open floor."""
        light = BOUNCE * (1 - normals[:, 1]) / 2
        raised = points - self.centre + normals * (BIAS * 2 * self.radius / MAP_SIDE)
        for direction, weight, depths in zip(self.directions, self.weights, self.maps, strict=True):
            cosine = normals @ direction
            pixels, depth = _seen_from(direction, raised, self.radius)
            column, row = np.moveaxis(pixels.astype(np.int32), -1, 0)
            beyond = (column < 0) | (column >= MAP_SIDE) | (row < 0) | (row >= MAP_SIDE)
            nearest = depths[row.clip(0, MAP_SIDE - 1), column.clip(0, MAP_SIDE - 1)]
            light += weight * cosine.clip(0) * (beyond | (depth <= nearest))
        return light


def _seen_from(direction: np.ndarray, points: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Where points (..., 3) lie on the depth map of a sun: pixels (..., 2), and depth behind the map's centre (...)."""
    across = np.cross(direction, [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    axes = np.stack([across, np.cross(direction, across), -direction], axis=1).astype(points.dtype)  # (3, 3)
    turned = points @ axes
    return (turned[..., :2] / radius + 1) * (MAP_SIDE / 2), turned[..., 2]


def _hemisphere(count: int) -> np.ndarray:
    """Directions (count, 3), spread evenly over the half of the unit sphere with y > 0 (a Fibonacci spiral)."""
    height = (np.arange(count) + 0.5) / count
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    across = np.sqrt(1 - height**2)
    return np.column_stack([across * np.cos(turn), height, across * np.sin(turn)])
