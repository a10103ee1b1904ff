"""Turn rendered RGBA pictures into training views: background, crop, flip and, for small data sets, zoom and colour.

As in 2016, each view gets a random light background (225..255), a random 127x127 crop of the 137x137 picture (offsets
from 0 to 10 here, from 0 to 9 there) and a random flip. The `compact` recipe flips the whole object instead, which
mirrors all its views and the z axis of its voxels: the picture of an object mirrored in z from azimuth -a is the
mirrored picture from azimuth a. With it, size and position in the picture, brightness, contrast and colour vary, and
some backgrounds have any colour or a gradient of two, because prepared objects are few and users' pictures differ.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from r2n2.config import IMAGE_SIDE
from r2n2.pictures.images import PREPROCESSING

BACKGROUNDS = (225, 256)
Z_AXIS = 2


@dataclass(frozen=True)
class Augmentation:
    """What varies between training views.

    background: key of `images.PREPROCESSING`, how transparent pixels get their colour; flip: "view" mirrors single
    views as in 2016, "object" mirrors all views together with the voxels, "none" mirrors nothing; zoom: range of
    magnification; color: largest relative change of brightness, contrast and each channel's gain; shift: largest move
    of a zoomed view in pixels; backdrop: share of views whose background has any colour instead of a light one, half of
    them a gradient.
    """

    background: str = "modern"
    flip: str = "view"
    zoom: tuple[float, float] = (1.0, 1.0)
    color: float = 0.0
    shift: float = 5.0  # as much as the crop of 2016 allows
    backdrop: float = 0.0


AUGMENTATIONS = {
    "2016": Augmentation(background="2016"),
    "compact": Augmentation(flip="object", zoom=(0.8, 1.35), color=0.25, shift=8.0, backdrop=0.25),
}


def augment(
    images: list[Image.Image], voxels: np.ndarray, config: Augmentation, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Turn RGBA pictures and voxels (32, 32, 32) into views (T, 3, 127, 127) uint8 and voxels."""
    mirrored = config.flip == "object" and rng.random() < 0.5
    views = []
    for image in images:
        image = _crop(image, config, rng)
        if mirrored or (config.flip == "view" and rng.random() < 0.5):
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if config.color:
            image = _recolor(image, config.color, rng)
        if config.backdrop and rng.random() < config.backdrop:
            image = Image.alpha_composite(_backdrop(image.size, rng), image)
        red, green, blue = map(int, rng.integers(*BACKGROUNDS, 3))
        views.append(np.asarray(PREPROCESSING[config.background](image, (red, green, blue))).transpose(2, 0, 1))
    return np.stack(views), np.flip(voxels, Z_AXIS).copy() if mirrored else voxels


def _crop(image: Image.Image, config: Augmentation, rng: np.random.Generator) -> Image.Image:
    """A random 127x127 window; with zoom z it covers 127 / z pixels and is transparent beyond the picture's border."""
    zoom = np.exp(rng.uniform(*np.log(config.zoom)))
    side = IMAGE_SIDE / zoom
    slack = np.array(image.size) - side
    if zoom == 1.0:
        left, top = (int(rng.integers(0, max(room, 0) + 1)) for room in slack.astype(int))
        return image.crop((left, top, left + IMAGE_SIDE, top + IMAGE_SIDE))
    left, top = slack / 2 + rng.uniform(-config.shift, config.shift, 2)
    return image.transform(
        (IMAGE_SIDE, IMAGE_SIDE),
        Image.Transform.AFFINE,
        (1 / zoom, 0, left, 0, 1 / zoom, top),
        Image.Resampling.BILINEAR,
    )


def _backdrop(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """An opaque RGBA picture: one colour or, equally often, a gradient between two colours in any direction."""
    first, second = rng.uniform(0, 255, (2, 3))
    if rng.random() < 0.5:
        second = first
    across, down = np.meshgrid(np.linspace(-0.5, 0.5, size[0]), np.linspace(-0.5, 0.5, size[1]))
    angle = rng.uniform(0, 2 * np.pi)
    share = (0.5 + across * np.cos(angle) + down * np.sin(angle)).clip(0, 1)[..., None]  # (H, W, 1)
    pixels = np.full((size[1], size[0], 4), 255, np.uint8)
    pixels[..., :3] = first + (second - first) * share
    return Image.fromarray(pixels, "RGBA")


def _recolor(image: Image.Image, amount: float, rng: np.random.Generator) -> Image.Image:
    """Randomly change each channel's gain, the contrast about mid-grey and the brightness; alpha is unchanged."""
    gain = np.exp(rng.uniform(-amount, amount) + rng.uniform(-amount, amount, 3) / 2)
    contrast, brightness = np.exp(rng.uniform(-amount, amount)), rng.uniform(-amount, amount) * 128
    levels = np.arange(256)[None, :]
    table = ((levels * gain[:, None] - 128) * contrast + 128 + brightness).clip(0, 255).astype(np.uint8)  # (3, 256)
    return image.point([*table.flatten().tolist(), *range(256)])
