"""Bring an object that is too small, too large or off-centre to the size and position that training used.

fill = longer side of the object's box / longer side of the picture. FILL and OFF_CENTER match the pictures that the
shipped weights were trained on.

The size of an object in a render tells something about its shape, because every object's longest edge has the same
length: framing renders loses IoU. Pictures of a render's size are therefore left alone if a render could look like
that. In other pictures framing costs less than an object of the wrong size would (chosen on the validation split).
"""

import numpy as np
from PIL import Image

from r2n2.config import IMAGE_SIDE, RENDER_SIDE

SMALL, LARGE, OFF_CENTER = 0.6, 0.9, 0.13
RENDERED_SMALL, RENDERED_OFF_CENTER = 0.4, 0.16  # renders may be smaller and reach the border
FILL = 0.7

Box = tuple[float, float, float, float]  # left, top, right, bottom as fractions of the picture's sides


def needs_framing(size: tuple[int, int], box: Box) -> bool:
    """Whether the object in a picture of `size` is too small, too large or off-centre."""
    (width, height), (left, top, right, bottom) = size, box
    extent = max((right - left) * width, (bottom - top) * height) / max(size)
    offset = max(abs((left + right) / 2 - 0.5) * width, abs((top + bottom) / 2 - 0.5) * height) / max(size)
    if size in ((IMAGE_SIDE, IMAGE_SIDE), (RENDER_SIDE, RENDER_SIDE)):
        return extent < RENDERED_SMALL or offset > RENDERED_OFF_CENTER
    return not SMALL <= extent <= LARGE or offset > OFF_CENTER


def frame(image: Image.Image, box: Box) -> Image.Image:
    """Centre the object in a 127x127 picture, its longer side FILL of the picture's; RGBA in, RGBA out.

    Outside an opaque picture its edge pixels are repeated; outside one with transparency the result is transparent.
    """
    extent = np.array(image.size)
    corners = np.array(box).reshape(2, 2) * extent  # ((left, top), (right, bottom))
    side = np.ptp(corners, axis=0).max() / FILL
    start = corners.mean(axis=0) - side / 2
    inner = np.array([np.maximum(np.floor(start), 0), np.minimum(np.ceil(start + side), extent)])
    scale = IMAGE_SIDE / side
    size = (np.ptp(inner, axis=0) * scale).round().astype(int).clip(1, IMAGE_SIDE)
    before = ((inner[0] - start) * scale).round().astype(int).clip(0, IMAGE_SIDE - size)
    part = image.crop(tuple(inner.astype(int).flatten().tolist()))
    pixels = np.asarray(part.resize(size.tolist(), Image.Resampling.LANCZOS, reducing_gap=3.0))
    (left, top), (right, bottom) = before, IMAGE_SIDE - size - before
    opaque = pixels[..., 3].min() == 255
    return Image.fromarray(
        np.pad(pixels, ((top, bottom), (left, right), (0, 0)), mode="edge" if opaque else "constant")
    )
