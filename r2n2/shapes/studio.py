"""Soft light for pictures of a shape: a sky of many weak suns, each casting a shadow, and a floor under the shape.

The light that reaches a point p with normal n is

    light(p, n) = sum_i w_i max(0, n . l_i) visible_i(p)  +  BOUNCE (1 - n_y) / 2

with directions l_i spread evenly over the upper half of the sphere, weights w_i larger near the key light and scaled so
that open floor has light 1, and visible_i(p) from a depth map that looks along -l_i. The last term is the light that
the floor reflects.
"""

from dataclasses import dataclass, replace

import numpy as np
import trimesh

from r2n2.data.render import rasterize

SUNS = 48
KEY_ELEVATION, KEY_SHARE, KEY_FALLOFF = 40.0, 14.0, 8.0  # degrees; weight relative to the sky; power of the cosine
BOUNCE = 0.4
MAP_SIDE = 192  # pixels along a side of a depth map
BIAS = 1.5  # in these pixels: how far off a surface its light is looked up
FAR = 1e3  # distance from which the maps are drawn: far enough that the rasteriser's perspective does not show


@dataclass(frozen=True)
class Studio:
    """The light around a shape: the suns' directions (S, 3), weights (S,) and depth maps (S, side, side).

    across: (S, 2, 3), each map's axes, in pixels per unit of length; the middle of each map is at `centre` (3,).
    """

    directions: np.ndarray
    weights: np.ndarray
    across: np.ndarray
    maps: np.ndarray
    centre: np.ndarray

    @classmethod
    def around(cls, mesh: trimesh.Trimesh) -> "Studio":
        """The light around a mesh with y up: an even sky without a key light."""
        low, high = mesh.bounds
        directions = _hemisphere(SUNS)
        right = np.cross(directions, [1.0, 0.0, 0.0])
        right /= np.linalg.norm(right, axis=1, keepdims=True)
        scale = (MAP_SIDE / 2 - 1) / (np.linalg.norm(high - low) / 2)  # nothing lies on a map's outermost pixels
        across = np.stack([right, np.cross(directions, right)], axis=1) * scale
        triangles = mesh.triangles - (low + high) / 2
        maps = np.full((SUNS, MAP_SIDE, MAP_SIDE), np.inf, np.float32)
        for direction, axes, depths in zip(directions, across, maps, strict=True):
            distance = -triangles @ direction  # (F, 3)
            face, share = rasterize(triangles @ axes.T + MAP_SIDE / 2, FAR + distance, MAP_SIDE)
            hit = face >= 0
            depths[hit] = (share[hit] * distance[face[hit]]).sum(axis=1)
        return cls(directions, _scaled(np.ones(SUNS), directions), across, maps, (low + high) / 2)

    def with_key(self, azimuth: float) -> "Studio":
        """The same light with a key light at an azimuth in degrees, as defined in `data.camera`."""
        a, e = np.radians([azimuth, KEY_ELEVATION])
        key = np.array([np.cos(e) * np.cos(a), np.sin(e), np.cos(e) * np.sin(a)])
        weights = 1 + KEY_SHARE * (self.directions @ key).clip(0) ** KEY_FALLOFF
        return replace(self, weights=_scaled(weights, self.directions))

    def light(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """The light (N,) at points (N, 3) with unit normals (N, 3); 1 on open floor."""
        light = BOUNCE * (1 - normals[:, 1]) / 2
        raised = points - self.centre + normals * (BIAS / np.linalg.norm(self.across[0, 0]))
        suns = zip(self.directions, self.weights, self.across, self.maps, strict=True)
        for direction, weight, axes, depths in suns:
            cosine = normals @ direction
            facing = np.flatnonzero(cosine > 0)
            asked = raised[facing]
            column, row = np.clip(asked @ axes.T + MAP_SIDE / 2, 0, MAP_SIDE - 1).astype(np.int32).T
            visible = facing[-asked @ direction <= depths[row, column]]
            light[visible] += weight * cosine[visible]
        return light


def _scaled(weights: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """The weights scaled so that open floor, with normal (0, 1, 0), has light 1."""
    return weights / (weights @ directions[:, 1])


def _hemisphere(count: int) -> np.ndarray:
    """Directions (count, 3), spread evenly over the half of the unit sphere with y > 0 (a Fibonacci spiral)."""
    height = (np.arange(count) + 0.5) / count
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    across = np.sqrt(1 - height**2)
    return np.column_stack([across * np.cos(turn), height, across * np.sin(turn)])
