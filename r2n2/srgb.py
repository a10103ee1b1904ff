"""Colours as files have them, and as light adds up."""

import numpy as np


def linear(color: tuple[int, ...]) -> np.ndarray:
    """sRGB 0..255 as linear light 0..1 (IEC 61966-2-1): of glTF's factors, of renderers."""
    value = np.array(color) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
