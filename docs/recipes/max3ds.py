"""Read 3D Studio files (.3ds): chunks of an identifier (uint16), a length including the header (uint32), contents."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from parts import Part

MAIN, EDITOR, OBJECT, MESH = 0x4D4D, 0x3D3D, 0x4000, 0x4100
POINTS, FACES, FACE_MATERIAL, UV = 0x4110, 0x4120, 0x4130, 0x4140
MATERIAL, MATERIAL_NAME, DIFFUSE, TEXTURE, FILE_NAME = 0xAFFF, 0xA000, 0xA020, 0xA200, 0xA300
COLOR_FLOAT, COLOR_BYTES = (0x0010, 0x0013), (0x0011, 0x0012)
GREY = np.full(3, 200.0)


def read_3ds(path: Path) -> list[Part]:
    """One part for each object and material. Points are already in world coordinates, so matrices are ignored."""
    materials: dict[bytes, tuple[np.ndarray, str | None]] = {}
    parts: list[Part] = []
    for main, body in _chunks(path.read_bytes()):
        for editor, content in _chunks(body) if main == MAIN else ():
            for key, value in _chunks(content) if editor == EDITOR else ():
                if key == MATERIAL:
                    name, *look = _material(value)
                    materials[name] = tuple(look)
                elif key == OBJECT:
                    name, value = value.split(b"\0", 1)
                    for kind, mesh in _chunks(value):
                        if kind == MESH:
                            parts += _mesh(name.decode("latin-1"), mesh, materials)
    return parts


def _chunks(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 6 <= len(data):
        key, length = struct.unpack_from("<HI", data, at)
        yield key, data[at + 6 : at + length]
        at += max(length, 6)


def _material(data: bytes) -> tuple[bytes, np.ndarray, str | None]:
    name, color, texture = b"", GREY, None
    for key, value in _chunks(data):
        if key == MATERIAL_NAME:
            name = value.split(b"\0")[0]
        elif key == DIFFUSE:
            for kind, numbers in _chunks(value):
                if kind in COLOR_FLOAT:
                    color = np.frombuffer(numbers, "<f4", 3).astype(float) * 255
                elif kind in COLOR_BYTES:
                    color = np.frombuffer(numbers, "u1", 3).astype(float)
        elif key == TEXTURE:
            for kind, text in _chunks(value):
                if kind == FILE_NAME:
                    texture = text.split(b"\0")[0].decode("latin-1")
    return name, color, texture


def _mesh(name: str, data: bytes, materials: dict[bytes, tuple[np.ndarray, str | None]]) -> Iterator[Part]:
    points = uv = np.zeros((0, 3))
    faces, groups = np.zeros((0, 3), int), []
    for key, value in _chunks(data):
        if key == POINTS:
            points = np.frombuffer(value, "<f4", offset=2).reshape(-1, 3).astype(float)
        elif key == UV:
            uv = np.frombuffer(value, "<f4", offset=2).reshape(-1, 2).astype(float)
        elif key == FACES:
            count = int.from_bytes(value[:2], "little")
            faces = np.frombuffer(value, "<u2", 4 * count, 2).reshape(-1, 4)[:, :3].astype(int)
            for kind, group in _chunks(value[2 + 8 * count :]):
                if kind == FACE_MATERIAL:
                    material, numbers = group.split(b"\0", 1)
                    groups.append((material, np.frombuffer(numbers, "<u2", offset=2).astype(int)))
    uv = uv if len(uv) == len(points) else np.zeros((len(points), 2))
    for material, numbers in groups or [(b"", np.arange(len(faces)))]:
        color, texture = materials.get(material, (GREY, None))
        if len(numbers):
            yield Part(name, points[faces[numbers]], uv[faces[numbers]], color, texture=texture)
