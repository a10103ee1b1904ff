"""Pictures of noise in a plain border; without the border, a network would be asked to find the background."""

import numpy as np
from PIL import Image, ImageOps


def noise(seed: int, width: int = 60, height: int = 50) -> Image.Image:
    """An RGB picture with a white border whose width is an eighth of the picture's height."""
    border = height // 8
    pixels = np.random.default_rng(seed).integers(0, 255, (height - 2 * border, width - 2 * border, 3), np.uint8)
    return ImageOps.expand(Image.fromarray(pixels), border, "white")
