"""Pictures of nothing in a plain border. Up to the edge, a network would be asked where their background is."""

import numpy as np
from PIL import Image, ImageOps


def noise(seed: int, width: int = 60, height: int = 50) -> Image.Image:
    """RGB, with a white border of an eighth of its height."""
    border = height // 8
    pixels = np.random.default_rng(seed).integers(0, 255, (height - 2 * border, width - 2 * border, 3), np.uint8)
    return ImageOps.expand(Image.fromarray(pixels), border, "white")
