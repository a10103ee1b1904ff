"""The pieces that objects are put together from: boxes, tubes, lofts and wings, each in one colour.

A loft joins cross-sections along an axis. A section is a superellipse, between an ellipse (exponent 1) and a box (0):

    (v, w) = (height / 2 sgn(cos t) |cos t|^e, width / 2 sgn(sin t) |sin t|^e)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import trimesh

Color = tuple[float, float, float]
Point = Sequence[float]

DARK: Color = (28, 28, 30)  # tyres, rubber
GLASS: Color = (45, 55, 70)
STEEL: Color = (150, 152, 156)
AROUND = 20  # points of a section


@dataclass
class Parts:
    """An object under construction; y up, front along +X, in any unit."""

    meshes: list[trimesh.Trimesh] = field(default_factory=list)

    def add(self, mesh: trimesh.Trimesh, color: Color) -> None:
        rgba = np.array([*np.clip(color, 0, 255), 255], np.uint8)
        mesh.visual = trimesh.visual.ColorVisuals(mesh, face_colors=np.tile(rgba, (len(mesh.faces), 1)))
        self.meshes.append(mesh)

    def box(self, center: Point, size: Point, color: Color, pitch: float = 0.0, yaw: float = 0.0) -> None:
        """A box; pitch: turned about z, positive tips the front up; yaw: about y; radians."""
        turn = trimesh.transformations.euler_matrix(0, yaw, pitch, "sxyz")
        turn[:3, 3] = center
        self.add(trimesh.creation.box(np.maximum(size, 1e-4), turn), color)

    def tube(self, start: Point, end: Point, radius: float, color: Color, end_radius: float | None = None) -> None:
        """A round bar between two points, or a cone."""
        axis = np.subtract(end, start)
        length = np.linalg.norm(axis)
        if length < 1e-6:
            return
        aside = np.cross(axis, (0, 1, 0) if abs(axis[1]) < 0.9 * length else (1, 0, 0))
        aside /= np.linalg.norm(aside)
        upward = np.cross(aside, axis / length)
        t = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        ring = np.cos(t)[:, None] * aside + np.sin(t)[:, None] * upward
        last = radius if end_radius is None else end_radius
        self.add(_skin(np.stack([start + radius * ring, end + last * ring])), color)

    def path(self, points: Iterable[Point], radius: float, color: Color) -> None:
        """Bars from point to point."""
        points = [np.asarray(point, float) for point in points]
        for start, end in pairwise(points):
            self.tube(start, end, radius, color)

    def loft(self, stations: Iterable[tuple[float, ...]], color: Color, exponent: float = 0.5, axis: str = "x") -> None:
        """A body along `axis` ("x" or "y") through stations (place, centre, height, width[, shift]).

        Along x: x, the section's centre y, its height in y, its width in z, its shift in z. Along y: y, the centre x,
        the depth in x, the width in z, the shift in z.
        """
        t = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
        v, w = (np.sign(f(t)) * np.abs(f(t)) ** exponent for f in (np.cos, np.sin))
        rings = []
        for place, center, height, width, *shift in stations:
            along = np.full(AROUND, place)
            across = center + v * max(height, 1e-3) / 2
            aside = (shift[0] if shift else 0.0) + w * max(width, 1e-3) / 2
            rings.append(np.stack([along, across, aside] if axis == "x" else [across, along, aside], axis=1))
        self.add(_skin(np.stack(rings)), color)

    def wing(
        self,
        root: Point,
        span: float,
        chords: tuple[float, float],
        sweep: float,
        color: Color,
        rise: float = 0.0,
        thickness: float = 0.1,
        sides: Sequence[int] = (-1, 1),
    ) -> None:
        """Wings from `root` (its leading edge) out along -z and z; sweep, rise: how far the tip lies back and up."""
        for side in sides:
            self._panel(root, (-sweep, rise, side * span), chords, (0, thickness, 0), color)

    def fin(
        self, root: Point, height: float, chords: tuple[float, float], sweep: float, color: Color, lean: float = 0.0
    ) -> None:
        """A vertical tail from `root`, its leading edge; lean: how far its tip lies towards +z."""
        self._panel(root, (-sweep, height, lean), chords, (0, 0, 0.1), color)

    def _panel(self, root: Point, tip: Point, chords: tuple[float, float], thickness: Point, color: Color) -> None:
        rings = []
        for share, chord in zip((0, 1), chords, strict=True):
            lead = np.asarray(root, float) + share * np.asarray(tip, float)
            profile = np.array([(0, 0), (-0.25, 0.5), (-0.6, 0.4), (-1, 0), (-0.6, -0.4), (-0.25, -0.5)]) * chord
            rings.append(lead + profile[:, :1] * [1, 0, 0] + profile[:, 1:] * np.asarray(thickness, float))
        self.add(_skin(np.stack(rings)), color)

    def mesh(self) -> trimesh.Trimesh:
        """Everything as one mesh with face colours."""
        return trimesh.util.concatenate(self.meshes)


def _skin(rings: np.ndarray) -> trimesh.Trimesh:
    """A closed body through rings (N, K, 3) of points."""
    count, around, _ = rings.shape
    low = np.arange(count - 1)[:, None] * around + np.arange(around)
    low_next = np.arange(count - 1)[:, None] * around + (np.arange(around) + 1) % around
    sides = np.stack([low, low_next, low_next + around, low + around], axis=-1).reshape(-1, 4)
    ends = np.array([[count * around, (k + 1) % around, k] for k in range(around)])
    last = (count - 1) * around
    tops = np.array([[count * around + 1, last + k, last + (k + 1) % around] for k in range(around)])
    faces = np.concatenate([sides[:, [0, 1, 2]], sides[:, [0, 2, 3]], ends, tops])
    points = np.concatenate([rings.reshape(-1, 3), rings[0].mean(axis=0)[None], rings[-1].mean(axis=0)[None]])
    return trimesh.Trimesh(points, faces, process=False)


def paint(rng: np.random.Generator) -> Color:
    """A colour of painted or plastic things: white, black, grey, or any."""
    kind = rng.random()
    if kind < 0.45:
        grey = rng.choice([rng.uniform(200, 245), rng.uniform(20, 60), rng.uniform(90, 180)])
        return tuple(float(value) for value in grey + rng.uniform(-6, 6, 3))
    return tuple(float(value) for value in rng.uniform(15, 230, 3))


def wood(rng: np.random.Generator) -> Color:
    """From pale pine to dark walnut."""
    return tuple(float(value) for value in np.array([165, 115, 70]) * rng.uniform(0.4, 1.4) + rng.uniform(-12, 12, 3))
