"""Read the first frame of a Quake II model (.md2).

Header: 17 little-endian int32: magic, version, skin width and height, bytes per frame, numbers of skins, vertices,
texture coordinates, triangles, GL commands and frames, then the offsets of skins, coordinates, triangles, frames, ...
Frame: scale (3 float32), translation (3 float32), name (16 bytes), then per vertex x, y, z and a normal's index, one
byte each. Triangle: three vertex and three texture coordinate indices, uint16 each. Coordinate: two int16 pixels.
"""

from pathlib import Path

import numpy as np
from parts import Part


def read_md2(path: Path) -> list[Part]:
    """One part; its texture is the first skin that the file names, or None."""
    data = path.read_bytes()
    header = np.frombuffer(data, "<i4", 17)
    if data[:4] != b"IDP2":
        raise ValueError(f"{path} is not an MD2 file")
    width, height = header[2:4]
    skins, vertices, coordinates, triangles = header[5:9]
    at_skins, at_coordinates, at_triangles, at_frames = header[11:15]
    transform = np.frombuffer(data, "<f4", 6, at_frames).astype(float)
    packed = np.frombuffer(data, "u1", 4 * vertices, at_frames + 40).reshape(-1, 4)
    points = packed[:, :3] * transform[:3] + transform[3:]
    corners = np.frombuffer(data, "<u2", 6 * triangles, at_triangles).reshape(-1, 2, 3)
    uv = np.frombuffer(data, "<i2", 2 * coordinates, at_coordinates).reshape(-1, 2) / (width, height)
    uv = uv * [1, -1] + [0, 1]
    texture = data[at_skins : at_skins + 64].split(b"\0")[0].decode("latin-1") if skins else None
    white = np.full(3, 255.0)
    return [Part(path.stem, points[corners[:, 0]], uv[corners[:, 1]], white, texture=texture or None)]
