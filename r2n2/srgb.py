"""Conversion of sRGB colours, as files store them, to linear light, which adds up."""

import numpy as np


def linear(color: tuple[int, ...]) -> np.ndarray:
    """Convert sRGB 0..255 to linear light 0..1 (IEC 61966-2-1), as glTF factors and renderers need it."""
    value = np.array(color) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
