"""Closed solids with a colour, from which the categories are built.

Every solid is a `Part`. Lengths are in any unit, y is up, x points to the object's front. A ring is a closed curve
of N points; a loft is the skin over S rings, closed by a fan at each end.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

Point = Sequence[float] | np.ndarray  # (3,): x, y, z
Color = Sequence[float] | np.ndarray  # (3,) in 0..255, or (F, 3): one for each face
AXES = {"x": 0, "y": 1, "z": 2}


@dataclass(frozen=True)
class Part:
    """vertices (V, 3) float64, faces (F, 3) int, colors (F, 3) uint8."""

    vertices: np.ndarray
    faces: np.ndarray
    colors: np.ndarray

    def moved(self, x: float = 0, y: float = 0, z: float = 0) -> "Part":
        return replace(self, vertices=self.vertices + np.array([x, y, z]))

    def stretched(self, x: float = 1, y: float = 1, z: float = 1) -> "Part":
        return replace(self, vertices=self.vertices * [x, y, z])

    def turned(self, axis: str, degrees: float, about: Point = (0, 0, 0)) -> "Part":
        """The part turned counterclockwise about the line along `axis` through the point `about`."""
        matrix = rotation(axis, degrees)
        return replace(self, vertices=(self.vertices - about) @ matrix.T + about)

    def mirrored(self, axis: str = "z") -> "Part":
        flip = np.ones(3)
        flip[AXES[axis]] = -1
        return replace(self, vertices=self.vertices * flip, faces=self.faces[:, ::-1])

    def painted(self, chosen: Callable[[np.ndarray], np.ndarray], color: Color) -> "Part":
        """The part with another colour on the faces that `chosen` selects (F,) by their centres (F, 3)."""
        centres = self.vertices[self.faces].mean(axis=1)
        return replace(self, colors=np.where(chosen(centres)[:, None], np.asarray(color, np.uint8), self.colors))


def rotation(axis: str, degrees: float) -> np.ndarray:
    """The matrix (3, 3) that turns counterclockwise about an axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = (AXES[axis] + 1) % 3, (AXES[axis] + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = c
    matrix[first, second], matrix[second, first] = -s, s
    return matrix


def mirror(parts: Iterable[Part], axis: str = "z") -> list[Part]:
    """The parts and their mirror images."""
    return [copy for part in parts for copy in (part, part.mirrored(axis))]


def moved(parts: Iterable[Part], x: float = 0, y: float = 0, z: float = 0) -> list[Part]:
    return [part.moved(x, y, z) for part in parts]


def turned(parts: Iterable[Part], axis: str, degrees: float, about: Point = (0, 0, 0)) -> list[Part]:
    return [part.turned(axis, degrees, about) for part in parts]


def solid(vertices: np.ndarray, faces: np.ndarray, color: Color) -> Part:
    """A part with one colour (3,) or a colour per face (F, 3)."""
    colors = np.broadcast_to(np.asarray(color, np.float64).clip(0, 255).astype(np.uint8), (len(faces), 3))
    return Part(np.asarray(vertices, np.float64), np.asarray(faces, np.int64), colors)


def loft(rings: np.ndarray, color: Color) -> Part:
    """The skin over rings (S, N, 3), closed at both ends."""
    rings = np.asarray(rings, np.float64)
    count, side = rings.shape[:2]
    i, j = np.meshgrid(np.arange(count - 1), np.arange(side), indexing="ij")
    a, b = i * side + j, i * side + (j + 1) % side
    quads = np.stack([a, b, b + side, a, b + side, a + side], axis=-1).reshape(-1, 3)
    first, last = count * side, count * side + 1
    edge, following = np.arange(side), (np.arange(side) + 1) % side
    start = np.stack([np.full(side, first), following, edge], axis=1)
    end = np.stack([np.full(side, last), edge + first - side, following + first - side], axis=1)
    vertices = np.concatenate([rings.reshape(-1, 3), [rings[0].mean(axis=0), rings[-1].mean(axis=0)]])
    return solid(vertices, np.concatenate([quads, start, end]), color)


def box(size: Point, at: Point, color: Color) -> Part:
    """A box of size (x, y, z) centred at `at`."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    rings = [np.column_stack([corners[:, 0], np.full(4, y), corners[:, 1]]) for y in (-0.5, 0.5)]
    return loft(np.array(rings) * size + np.asarray(at), color)


def slab(low: Point, high: Point, color: Color) -> Part:
    """A box between two corners."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    return box(high - low, (low + high) / 2, color)


def round_outline(width: float, height: float, radius: float, steps: int = 4) -> np.ndarray:
    """A rectangle (4 (steps + 1), 2) with round corners, centred at the origin."""
    radius = min(radius, width / 2, height / 2)
    angles = np.linspace(0, np.pi / 2, steps + 1)
    corners = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    return np.concatenate(
        [
            np.column_stack([np.cos(angles + k * np.pi / 2), np.sin(angles + k * np.pi / 2)]) * radius
            + [sx * (width / 2 - radius), sy * (height / 2 - radius)]
            for k, (sx, sy) in enumerate(corners)
        ]
    )


def rounded_box(size: Point, at: Point, radius: float, color: Color, steps: int = 3) -> Part:
    """A box with all edges rounded: a cushion, a loudspeaker, a telephone."""
    x, y, z = size
    radius = min(radius, x / 2.01, y / 2.01, z / 2.01)
    angles = np.linspace(-np.pi / 2, np.pi / 2, 2 * steps + 2)
    rings = []
    for angle in angles:
        inset = radius * (1 - np.cos(angle))
        outline = round_outline(x - 2 * inset, z - 2 * inset, max(radius - inset, 1e-4 * radius))
        level = np.sign(angle) * (y / 2 - radius) + radius * np.sin(angle)
        rings.append(np.column_stack([outline[:, 0], np.full(len(outline), level), outline[:, 1]]))
    return loft(np.array(rings) + np.asarray(at), color)


def prism(outline: np.ndarray, thickness: float, color: Color, normal: str = "z", bevel: float = 0.0) -> Part:
    """A polygon (N, 2), convex or not, extruded along `normal` to a thickness centred on the plane 0.

    The polygon lies in (x, y) for normal z, in (z, y) for x, in (x, z) for y. `bevel` insets its two faces.
    """
    outline = np.asarray(outline, np.float64)
    if _area(outline) < 0:
        outline = outline[::-1]
    count = len(outline)
    half = thickness / 2
    if bevel:
        inset = _inset(outline, bevel)
        layers = [(inset, -half), (outline, -max(half - bevel, half / 2)), (outline, max(half - bevel, half / 2))]
        layers.append((inset, half))
    else:
        layers = [(outline, -half), (outline, half)]
    order = {"z": (0, 1, 2), "x": (2, 1, 0), "y": (0, 2, 1)}[normal]
    flat = [np.column_stack([ring, np.full(count, level)]) for ring, level in layers]
    vertices = np.concatenate(flat)[:, np.argsort(order)]
    edge, following = np.arange(count), (np.arange(count) + 1) % count
    sides = [
        np.concatenate(
            [np.stack([edge, following, following + count], 1), np.stack([edge, following + count, edge + count], 1)]
        )
        + k * count
        for k in range(len(layers) - 1)
    ]
    cap = triangulate(outline)
    faces = np.concatenate([*sides, cap[:, ::-1], cap + (len(layers) - 1) * count])
    return solid(vertices, faces if normal == "z" else faces[:, ::-1], color)


def triangulate(outline: np.ndarray) -> np.ndarray:
    """Triangles (N - 2, 3) of a counterclockwise polygon (N, 2) without self-intersections, by ear clipping."""
    left, faces = list(range(len(outline))), []
    while len(left) > 3:
        for place in range(len(left)):
            a, b, c = left[place - 1], left[place], left[(place + 1) % len(left)]
            first, second = outline[b] - outline[a], outline[c] - outline[b]
            if first[0] * second[1] - first[1] * second[0] <= 1e-15:
                continue
            others = outline[[k for k in left if k not in (a, b, c)]]
            if not _inside(others, outline[a], outline[b], outline[c]).any():
                break
        else:
            place = 1  # the rest is degenerate: any triangle will do
            a, b, c = left[0], left[1], left[2]
        faces.append((a, b, c))
        left.pop(place)
    return np.array([*faces, tuple(left)])


def _inside(points: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    sides = [(q - p)[0] * (points - p)[:, 1] - (q - p)[1] * (points - p)[:, 0] for p, q in ((a, b), (b, c), (c, a))]
    return np.min(sides, axis=0) > -1e-12


def _area(outline: np.ndarray) -> float:
    following = np.roll(outline, -1, axis=0)
    return float((outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]).sum() / 2)


def _inset(outline: np.ndarray, distance: float) -> np.ndarray:
    """A counterclockwise polygon with each corner moved inwards along the mean of its edges' normals."""
    edges = np.roll(outline, -1, axis=0) - outline
    edges /= np.maximum(np.linalg.norm(edges, axis=1, keepdims=True), 1e-12)
    normals = np.column_stack([-edges[:, 1], edges[:, 0]])
    mean = normals + np.roll(normals, 1, axis=0)
    return outline + distance * mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)


def tube(path: np.ndarray, radius: float | np.ndarray, color: Color, sides: int = 8, flat: float = 1.0) -> Part:
    """A tube along a path (P, 3); `radius` is one for all points or one per point; `flat` squeezes the section."""
    path = np.asarray(path, np.float64)
    radius = np.broadcast_to(radius, len(path))
    tangents = np.gradient(path, axis=0) if len(path) > 2 else np.repeat([path[1] - path[0]], 2, axis=0)
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-12)
    across = np.eye(3)[np.argmin(np.abs(tangents[0]))]
    angles = np.arange(sides) * 2 * np.pi / sides + np.pi / sides
    rings = []
    for point, tangent, r in zip(path, tangents, radius, strict=True):
        across = across - tangent * (across @ tangent)
        across /= np.linalg.norm(across)
        other = np.cross(tangent, across)
        rings.append(point + r * (np.outer(np.cos(angles), across) * flat + np.outer(np.sin(angles), other)))
    return loft(np.array(rings), color)


def rod(
    start: Point, end: Point, radius: float, color: Color, end_radius: float | None = None, sides: int = 10
) -> Part:
    """A straight rod, tapered if `end_radius` is given; four sides make a square leg."""
    return tube(np.array([start, end]), np.array([radius, radius if end_radius is None else end_radius]), color, sides)


def lathe(profile: np.ndarray, color: Color, axis: str = "y", sides: int = 20, at: Point = (0, 0, 0)) -> Part:
    """A profile (P, 2) of (radius, height) turned about an axis through `at`; one that doubles back makes a shell."""
    profile = np.asarray(profile, np.float64)
    angles = np.arange(sides) * 2 * np.pi / sides + np.pi / sides
    first, second = (AXES[axis] + 1) % 3, (AXES[axis] + 2) % 3
    rings = np.zeros((len(profile), sides, 3))
    rings[..., AXES[axis]] = profile[:, 1:]
    rings[..., first] = profile[:, :1] * np.cos(angles)
    rings[..., second] = profile[:, :1] * np.sin(angles)
    return loft(rings + np.asarray(at), color)


def ball(size: Point, at: Point, color: Color, sides: int = 14) -> Part:
    """An ellipsoid with diameters (x, y, z)."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, sides // 2 + 2)
    unit = lathe(np.column_stack([np.cos(angles), np.sin(angles)]) / 2, color, sides=sides)
    return unit.stretched(*size).moved(*at)


def torus(
    radius: float, thickness: float, color: Color, axis: str = "y", at: Point = (0, 0, 0), sides: int = 20
) -> Part:
    """A ring about an axis through `at`; `thickness` is the radius of its section."""
    angles = np.linspace(0, 2 * np.pi, 9)
    profile = np.column_stack([radius + thickness * np.cos(angles), thickness * np.sin(angles)])
    return lathe(profile, color, axis, sides, at)


def sheet(points: np.ndarray, thickness: float, color: Color) -> Part:
    """A curved panel over a lattice of points (U, V, 3), with a thickness along its normals."""
    points = np.asarray(points, np.float64)
    normal = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    normal *= thickness / 2 / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    return loft(np.concatenate([points + normal, (points - normal)[:, ::-1]], axis=1), color)


def body(stations: Sequence[Sequence[float]], color: Color, sides: int = 20) -> Part:
    """A fuselage along x through stations (x, y, width, height, exponent); exponent 2 is an ellipse, 4 nearly a box."""
    angles = np.arange(sides) * 2 * np.pi / sides + np.pi / sides
    c, s = np.cos(angles), np.sin(angles)
    rings = []
    for x, y, width, height, exponent in stations:
        z = np.sign(c) * np.abs(c) ** (2 / exponent) * width / 2
        level = y + np.sign(s) * np.abs(s) ** (2 / exponent) * height / 2
        rings.append(np.column_stack([np.full(sides, x), level, z]))
    return loft(np.array(rings), color)
