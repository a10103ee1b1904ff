"""The camera of ShapeNetRendering, shared by every renderer and every projection here.

World: right-handed, y up, the object's bounding box centred at the origin. A 35 mm lens on a 32 mm sensor looks at the
origin from distance d = 1.75 ratio:

    position = d (cos e cos a, sin e, cos e sin a)         a azimuth, e elevation
    forward  = -position / d,   right = forward x y / |.|,   up = right x forward
    pixel    = (size / 2 + f (p . right) / w,  size / 2 - f (p . up) / w)

with w the depth along `forward` and f = size 35 / 32 (149.84 px at 137 px). Pixel (column, row) covers
[column, column + 1) x [row, row + 1). The fifth number of the published metadata, 25, is not used.
"""

from dataclasses import dataclass

import numpy as np

from r2n2.config import RENDER_SIDE

LENS_MM, SENSOR_MM, UNIT_DISTANCE = 35.0, 32.0, 1.75


@dataclass(frozen=True)
class View:
    """One line of `rendering_metadata.txt`: angles in degrees, distance as a ratio of 1.75."""

    azimuth: float
    elevation: float
    ratio: float

    @property
    def distance(self) -> float:
        return UNIT_DISTANCE * self.ratio

    def metadata(self) -> str:
        """The line as published: azimuth, elevation, in-plane rotation (always 0), ratio, 25."""
        return f"{self.azimuth:.6f} {self.elevation:.6f} 0 {self.ratio:.6f} 25"

    @classmethod
    def from_metadata(cls, line: str) -> "View":
        azimuth, elevation, _, ratio, *_ = (float(word) for word in line.split())
        return cls(azimuth, elevation, ratio)

    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """The rotation (3, 3) with rows right, up, forward, and the camera's position (3)."""
        a, e = np.radians([self.azimuth, self.elevation])
        outward = np.array([np.cos(e) * np.cos(a), np.sin(e), np.cos(e) * np.sin(a)])
        right = np.cross(-outward, [0.0, 1.0, 0.0])
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, -outward), -outward]), self.distance * outward


def draw_views(count: int, rng: np.random.Generator) -> list[View]:
    """Random views in the published ranges: azimuth 0..360, elevation 25..30 degrees, ratio 0.65..0.95."""
    return [View(rng.uniform(0, 360), rng.uniform(25, 30), rng.uniform(0.65, 0.95)) for _ in range(count)]


def project(points: np.ndarray, view: View, size: int = RENDER_SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates (..., 2) and depths (...) of world points (..., 3)."""
    rotation, position = view.axes()
    camera = (np.asarray(points, np.float64) - position) @ rotation.T
    depth = camera[..., 2]
    focal = size * LENS_MM / SENSOR_MM
    pixels = size / 2 + focal * camera[..., :2] / depth[..., None] * [1, -1]
    return pixels, depth


def voxel_centres(side: int, scale: float = 1.0) -> np.ndarray:
    """World positions (side, side, side, 3) of a grid's voxel centres in the order (X, Y, Z)."""
    axis = ((np.arange(side) + 0.5) / side - 0.5) * scale
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
