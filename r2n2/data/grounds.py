"""Turn renders into photographs on several kinds of ground, in several framings, reproducibly from a seed.

They add what users' pictures have and renders lack: something under and behind the object, a shadow, the object in a
corner or in a wide picture, noise, JPEG compression.
"""

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from r2n2.config import IMAGE_SIDE, RENDER_SIDE

SIDE = 508  # side of a photograph: four times what the network sees
WIDE = 4  # aspect ratio of a wide photograph, to one
SMALL = 0.45  # side of the render when in a corner, as a share of SIDE
NOISE = 3.0
QUALITY = 88
Random = np.random.Generator


class Photograph(NamedTuple):
    """An opaque RGBA picture, and which of its pixels the object covers (H, W) bool."""

    image: Image.Image
    mask: np.ndarray


def photograph(render: Image.Image, ground: str, framing: str, seed: list[int]) -> Photograph:
    """Place an RGBA render on one of GROUNDS in one of FRAMINGS."""
    rng = np.random.default_rng(seed)
    border = (RENDER_SIDE - IMAGE_SIDE) // 2
    render = render.crop((border, border, border + IMAGE_SIDE, border + IMAGE_SIDE))
    width, height = FRAMINGS[framing]
    side = round(SIDE * SMALL) if framing == "corner" else height
    left = 0 if side == width else int(rng.choice([0, width - side]))
    top = 0 if side == height else int(rng.choice([0, height - side]))
    thing = Image.new("RGBA", (width, height))
    thing.paste(render.resize((side, side), Image.Resampling.BICUBIC), (left, top))
    backdrop = GROUNDS[ground](width, height, rng)  # (H, W, 3)
    alpha = np.asarray(thing, np.float32)[..., 3:] / 255
    shadow = thing.getchannel("A").filter(ImageFilter.GaussianBlur(side / 40))
    lying = np.roll(np.asarray(shadow, np.float32)[..., None] / 255, (side // 60, side // 40), axis=(0, 1))
    pixels = backdrop * (1 - 0.35 * lying) * (1 - alpha) + np.asarray(thing, np.float32)[..., :3] * alpha
    pixels += rng.normal(0, NOISE, (height, width, 1))
    stored = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(stored, "JPEG", quality=QUALITY)
    return Photograph(Image.open(stored).convert("RGBA"), alpha[..., 0] > 0.5)


def _plain(width: int, height: int, rng: Random) -> np.ndarray:
    return np.broadcast_to(rng.uniform(190, 250) + rng.uniform(-10, 10, 3), (height, width, 3))


def _dark(width: int, height: int, rng: Random) -> np.ndarray:
    return np.broadcast_to(rng.uniform(15, 60) + rng.uniform(-10, 10, 3), (height, width, 3))


def _gradient(width: int, height: int, rng: Random) -> np.ndarray:
    first, second = rng.uniform(20, 250, (2, 3))
    angle = rng.uniform(0, 2 * np.pi)
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height))
    across, down = np.cos(angle), np.sin(angle)
    share = (0.5 + (x * across + y * down) / (abs(across) + abs(down)))[..., None]
    return first + (second - first) * share


def _smooth(width: int, height: int, cells: tuple[int, int], rng: Random) -> np.ndarray:
    """Smooth noise (H, W) in about [-1, 1], with `cells` cells across and down."""
    coarse = Image.fromarray(rng.uniform(-1, 1, (cells[1], cells[0])).astype(np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def _wood(width: int, height: int, rng: Random) -> np.ndarray:
    """Boards side by side, each with its own tone and a grain along it."""
    base = np.array([[150, 105, 62], [196, 154, 104], [104, 66, 38]], float)[rng.integers(3)]
    board = height / rng.uniform(3, 6)
    y = np.arange(height)[:, None] + rng.uniform(0, board)
    number = (y // board).astype(int)
    tone = rng.uniform(-0.12, 0.12, number.max() + 1)[number]  # (H, 1)
    bend = 6 * _smooth(width, height, (6, 6), rng)
    rings = np.sin((y + bend) * 2 * np.pi / (board / rng.uniform(5, 9)) + 2 * _smooth(width, height, (4, 14), rng))
    grain = 0.08 * rings + 0.10 * _smooth(width, height, (max(width // 60, 2), height // 2), rng)
    seam = 1 - 0.6 * (y % board < max(2, height / 200))
    return base * ((1 + tone + grain) * seam)[..., None]


def _clutter(width: int, height: int, rng: Random) -> np.ndarray:
    """Sheets, discs and sticks of all colours on a table."""
    picture = Image.fromarray(_wood(width, height, rng).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(7, 13)) * width // height):
        color = tuple(int(v) for v in rng.uniform(10, 250, 3))
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        size, angle = height * rng.uniform(0.04, 0.16), rng.uniform(0, np.pi)
        kind = rng.integers(3)
        if kind == 0:
            draw.ellipse((x - size, y - size, x + size, y + size), color)
            continue
        long, short = (size, size * rng.uniform(0.4, 1)) if kind == 1 else (2 * size, size * 0.1)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        corners = [(x, y) + a * long * along + b * short * across for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
        draw.polygon([tuple(corner) for corner in corners], color)
    return np.asarray(picture, float)


GROUNDS: dict[str, Callable[[int, int, Random], np.ndarray]] = {
    "plain": _plain,
    "dark": _dark,
    "gradient": _gradient,
    "wood": _wood,
    "clutter": _clutter,
}
FRAMINGS = {"centred": (SIDE, SIDE), "corner": (SIDE, SIDE), "4:1": (WIDE * SIDE // 2, SIDE // 2)}
