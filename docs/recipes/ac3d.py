"""Read AC3D files (.ac), and the .acc dialect of TORCS, whose surfaces are triangle strips with several textures.

    AC3Db
    MATERIAL "name" rgb r g b amb ... emis ... spec ... shi n trans t
    OBJECT poly                 optionally name, texture, texrep, texoff, rot (3x3), loc, hidden; then:
    numvert N                   N lines of x y z [normal]
    numsurf M                   each: SURF flags, mat index, refs K, then K lines of vertex u v [u v ...]
    kids K                      closes the object; its K children follow

A point p of an object is p rot + loc in its parent's frame.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from parts import Part, triangulate

POLYGON, STRIP = 0, 4  # kinds of surface, in the low half of the flags' byte; the other kinds are lines


class Material(NamedTuple):
    color: np.ndarray  # (3,) in 0..255
    opacity: float


class Polygon(NamedTuple):
    kind: int
    material: int
    vertices: list[int]
    uv: list[tuple[float, float]]


def read_ac3d(path: Path) -> list[Part]:
    """All visible surfaces of the file, one part for each object and material."""
    lines = (line for line in path.read_text("latin-1").splitlines() if line.strip())
    materials: list[Material] = []
    parts: list[Part] = []
    for line in lines:
        if line.startswith("MATERIAL"):
            materials.append(_material(line))
        elif line.startswith("OBJECT"):
            _read_object(lines, np.eye(3), np.zeros(3), materials, parts)
    return parts


def _material(line: str) -> Material:
    words = line.rsplit('"', 1)[-1].split()
    at = words.index("rgb") + 1
    color = np.array(words[at : at + 3], float).clip(0, 1) * 255
    return Material(color, 1.0 - float(words[words.index("trans") + 1]))


def _read_object(
    lines: Iterator[str], turn: np.ndarray, shift: np.ndarray, materials: list[Material], parts: list[Part]
) -> None:
    """Read one object and its children; a point p in its parent's frame is p turn + shift in the world."""
    name, texture, hidden = "", None, False
    repeat, offset, rotation, location = np.ones(2), np.zeros(2), np.eye(3), np.zeros(3)
    points = np.zeros((0, 3))
    for line in lines:
        key, _, rest = line.strip().partition(" ")
        if key == "name":
            name = rest.strip().strip('"')
        elif key == "texture" and texture is None:  # the first is the base colour, the others are effects
            texture = rest.split('"')[1] if '"' in rest else rest.strip()
        elif key == "data":
            next(lines)
        elif key == "texrep":
            repeat = np.array(rest.split()[:2], float)
        elif key == "texoff":
            offset = np.array(rest.split()[:2], float)
        elif key == "hidden":
            hidden = True
        elif key == "rot":
            rotation = np.array(rest.split()[:9], float).reshape(3, 3)
        elif key == "loc":
            location = np.array(rest.split()[:3], float)
        elif key == "numvert":
            points = np.array([next(lines).split()[:3] for _ in range(int(rest))], float).reshape(-1, 3)
            points = (points @ rotation + location) @ turn + shift
        elif key == "numsurf":
            polygons = [_read_polygon(lines) for _ in range(int(rest))]
            if not hidden:
                parts += _parts(name, texture, points, polygons, materials, repeat, offset)
        elif key == "kids":
            for _ in range(int(rest)):
                if not any(line.startswith("OBJECT") for line in lines):  # consumes the lines up to it
                    return  # some files declare more children than they have
                _read_object(lines, rotation @ turn, location @ turn + shift, materials, parts)
            return


def _read_polygon(lines: Iterator[str]) -> Polygon:
    kind = material = 0
    for line in lines:
        key, _, rest = line.strip().partition(" ")
        if key == "SURF":
            kind = int(rest, 0) & 0x0F
        elif key == "mat":
            material = int(rest)
        elif key == "refs":
            corners = [next(lines).split() for _ in range(int(rest))]
            uv = [(float(words[1]), float(words[2])) if len(words) > 2 else (0.0, 0.0) for words in corners]
            return Polygon(kind, material, [int(words[0]) for words in corners], uv)
    raise ValueError("the file ends inside a surface")


def _parts(
    name: str,
    texture: str | None,
    points: np.ndarray,
    polygons: list[Polygon],
    materials: list[Material],
    repeat: np.ndarray,
    offset: np.ndarray,
) -> Iterator[Part]:
    for number in sorted({polygon.material for polygon in polygons}):
        vertices, uv = [], []
        for polygon in polygons:
            if polygon.material == number:
                for corners in _corners(polygon, points):
                    vertices.append([polygon.vertices[k] for k in corners])
                    uv.append([polygon.uv[k] for k in corners])
        if vertices:
            material = materials[number]
            yield Part(name, points[vertices], np.array(uv) * repeat + offset, *material, texture)


def _corners(polygon: Polygon, points: np.ndarray) -> list[tuple[int, int, int]]:
    count = len(polygon.vertices)
    if polygon.kind == STRIP:
        return [(k, k + 1, k + 2) for k in range(count - 2)]
    if polygon.kind == POLYGON and count >= 3:
        return triangulate(points[polygon.vertices])
    return []
