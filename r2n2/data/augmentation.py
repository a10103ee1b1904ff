"""From rendered RGBA pictures to training views: background, crop, flip, and for small data zoom and colour.

As in 2016: a random light background (225..255), a random 127x127 crop of the 137x137 picture, a random flip of each
view. Two additions serve the `compact` recipe. A flip of the whole object mirrors all its views and its voxels' z axis:
the picture of an object mirrored in z from azimuth -a is the mirrored picture from azimuth a. Zoom, brightness,
contrast and colour of all views vary, because prepared objects are few and pictures of users differ.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from r2n2.config import IMAGE_SIDE
from r2n2.images import PREPROCESSING, to_array

BACKGROUNDS = (225, 256)
Z_AXIS = 2


@dataclass(frozen=True)
class Augmentation:
    """What varies between training views.

    background: a name of `images.PREPROCESSING`, how transparency takes its colour; flip: "view" mirrors single views
    as in 2016, "object" all views together with the voxels, "none" nothing; zoom: range of magnification; color: how
    far brightness, contrast and each channel's gain may move, relative.
    """

    background: str = "modern"
    flip: str = "view"
    zoom: tuple[float, float] = (1.0, 1.0)
    color: float = 0.0


AUGMENTATIONS = {
    "2016": Augmentation(background="2016"),
    "compact": Augmentation(flip="object", zoom=(0.85, 1.35), color=0.25),
}


def augment(
    images: list[Image.Image], voxels: np.ndarray, config: Augmentation, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """RGBA pictures and voxels (32, 32, 32) to views (T, 3, 127, 127) float32 and voxels."""
    mirrored = config.flip == "object" and rng.random() < 0.5
    views = []
    for image in images:
        image = _crop(image, config, rng)
        if mirrored or (config.flip == "view" and rng.random() < 0.5):
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if config.color:
            image = _recolor(image, config.color, rng)
        color = tuple(int(value) for value in rng.integers(*BACKGROUNDS, 3))
        views.append(to_array(PREPROCESSING[config.background](image, color)))
    return np.stack(views), np.flip(voxels, Z_AXIS).copy() if mirrored else voxels


def _crop(image: Image.Image, config: Augmentation, rng: np.random.Generator) -> Image.Image:
    """A random 127x127 window; with zoom z, of 127 / z pixels of the picture, transparent beyond its border."""
    zoom = np.exp(rng.uniform(*np.log(config.zoom)))
    side = IMAGE_SIDE / zoom
    slack = np.array(image.size) - side
    if zoom == 1.0:
        left, top = (int(rng.integers(0, max(room, 0) + 1)) for room in slack.astype(int))
        return image.crop((left, top, left + IMAGE_SIDE, top + IMAGE_SIDE))
    left, top = slack / 2 + rng.uniform(-5, 5, 2)  # the slack of 2016, about the centre
    return image.transform(
        (IMAGE_SIDE, IMAGE_SIDE),
        Image.Transform.AFFINE,
        (1 / zoom, 0, left, 0, 1 / zoom, top),
        Image.Resampling.BILINEAR,
    )


def _recolor(image: Image.Image, amount: float, rng: np.random.Generator) -> Image.Image:
    """Random gain of each channel, contrast about mid-grey and brightness; alpha stays."""
    pixels = np.asarray(image, np.float32).copy()
    gain = np.exp(rng.uniform(-amount, amount) + rng.uniform(-amount, amount, 3) / 2)
    contrast, brightness = np.exp(rng.uniform(-amount, amount)), rng.uniform(-amount, amount) * 128
    pixels[..., :3] = (pixels[..., :3] * gain - 128) * contrast + 128 + brightness
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8), "RGBA")
