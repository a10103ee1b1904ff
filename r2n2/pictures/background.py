"""Find the object in a picture: by transparency, by a plain background, or by what stands out.

A background is plain if most of the border follows one colour that may change linearly over the picture, as on a wall
under a lamp: c(u, v) = a + b u + c v. It is fitted to the border's pixels, then again without the outliers, because an
object may reach the border. What differs from it is the object. On any other background U2-Net small decides.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from PIL import Image
from skimage.measure import label

from r2n2.errors import UserError
from r2n2.pictures import u2net

LOOKING_SIDE = 320  # pixels of a picture's longer side when its border is examined
MASK_SIDE = 640  # pixels of a mask's longer side: twice U2-Net's output, for objects that it saw close up
BORDER = 0.03  # width of the border, as a share of the sides
TOLERANCE = 8  # levels of 255 by which the border of a plain background may stray from the fit
PLAIN_SHARE = 0.77  # share of the border that must not stray further
DIFFERENT = 24  # levels above which a pixel before a plain background belongs to the object
TRANSPARENT_SHARE = 0.01  # share of transparent pixels above which transparency is intended
SMALLEST = 0.003  # share of the picture; below it nothing stands out
CRUMB = 0.03  # of the largest piece; smaller pieces of the mask do not belong to the object
FAINT = 0.25  # least mask value of a pixel in the object's box: from afar, U2-Net sees thin parts only faintly
MARGIN = 0.4  # of the object's longer side, around the object in a close-up
LOOKS = 3
CLOSE_UP = 0.55  # of the picture's longer side; an object that fills less gets a close-up


class Background(StrEnum):
    """How to treat a picture's background: decide by its border, keep it, or remove it."""

    AUTO, KEEP, REMOVE = "auto", "keep", "remove"


class Kind(StrEnum):
    """The kind of a picture's background."""

    TRANSPARENT, PLAIN, BUSY = "transparent", "plain", "busy"


@dataclass(frozen=True)
class Mask:
    """share (h, w) float32 in [0, 1]: how much of each pixel of the scaled-down picture is the object; its kind."""

    share: np.ndarray
    kind: Kind

    @property
    def found(self) -> bool:
        return float((self.share > 0.5).mean()) > SMALLEST

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the object, as fractions of the picture's sides."""
        return tuple(_box(self.share > 0.5).flatten().tolist())


def check_background(name: str) -> Background:
    """Return the background treatment called `name`. Raises UserError for an unknown name."""
    try:
        return Background(name)
    except ValueError as error:
        raise UserError(f"There is no background {name!r}; choose one of {', '.join(Background)}.") from error


def find_object(image: Image.Image, background: Background = Background.AUTO) -> Mask:
    """Return the object's mask in an RGBA picture.

    With `remove`, a plain background is treated as a busy one; with `keep`, the mask of a busy picture is empty.
    """
    size = _scaled(image.size, LOOKING_SIDE)
    pixels = np.asarray(image.resize(size, Image.Resampling.BOX, reducing_gap=2.0), np.float32)
    alpha = pixels[..., 3] / 255
    if (alpha < 0.5).mean() > TRANSPARENT_SHARE:
        return Mask(alpha, Kind.TRANSPARENT)
    different, plain = _unlike_border(pixels[..., :3])
    if plain and background is not Background.REMOVE:
        return Mask(_without_crumbs(different), Kind.PLAIN)
    if background is Background.KEEP:
        return Mask(np.zeros_like(alpha), Kind.BUSY)
    return salient(image)


def salient(image: Image.Image) -> Mask:
    """Return what stands out in a picture according to U2-Net; a small object gets a second look from close up."""
    first = Mask(_without_crumbs(_u2net(image)), Kind.BUSY)
    if not first.found:
        return first
    box = _box(first.share > FAINT)
    if (np.ptp(box, axis=0) * image.size).max() > CLOSE_UP * max(image.size):
        return first
    return salient_near(image, tuple(box.flatten().tolist()))


def salient_near(image: Image.Image, box: tuple[float, float, float, float]) -> Mask:
    """Return what stands out around `box`, in fractions of the sides; follow a thin part that leads out of it."""
    size = np.array(image.size)
    corners = np.array(box).reshape(2, 2) * size  # ((left, top), (right, bottom))
    for _ in range(LOOKS):
        margin = MARGIN * np.ptp(corners, axis=0).max()
        window = (corners + np.array([[-margin], [margin]])).clip(0, size).round().astype(int)
        closer = Image.fromarray(_u2net(image.crop(tuple(window.flatten().tolist()))))
        canvas = Image.new("F", _scaled(image.size, MASK_SIDE))
        place = (window / size * canvas.size).round().astype(int)
        place[1] = np.maximum(place[1], place[0] + 1)
        canvas.paste(closer.resize(np.ptp(place, axis=0).tolist(), Image.Resampling.BOX), tuple(place[0].tolist()))
        mask = Mask(_without_crumbs(np.asarray(canvas)), Kind.BUSY)
        if not mask.found:
            break
        corners = _box(mask.share > FAINT) * size
        inside = (window > 0) & (window < size)  # sides of the window that are not sides of the picture
        if not (inside & (np.abs(corners - window) < 0.04 * np.ptp(window, axis=0))).any():
            break
    return mask


def cut_out(image: Image.Image, mask: Mask) -> Image.Image:
    """Return the RGBA picture, transparent outside the mask."""
    share = Image.fromarray((mask.share * 255).round().astype(np.uint8))
    result = image.copy()
    result.putalpha(share.resize(image.size, Image.Resampling.BICUBIC))
    return result


def _box(inside: np.ndarray) -> np.ndarray:
    """((left, top), (right, bottom)) of the pixels (h, w), as fractions of the sides."""
    xs, ys = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    return np.array([[xs[0], ys[0]], [xs[-1] + 1, ys[-1] + 1]]) / inside.shape[::-1]


def _scaled(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """The size, scaled down so that the longer side is at most `longest`."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _unlike_border(rgb: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return which pixels (h, w) differ from the fit of the border, 1 or 0, and whether the background is plain."""
    height, width = rgb.shape[:2]
    rows, columns = (np.linspace(-0.5, 0.5, side, dtype=np.float32) for side in (height, width))
    terms = np.stack([*np.meshgrid(columns, rows), np.ones((height, width), np.float32)], axis=-1)  # (h, w, 3)
    edge = np.ones((height, width), bool)
    across, down = (max(1, round(side * BORDER)) for side in (width, height))
    edge[down:-down, across:-across] = False
    x, y = terms[edge], rgb[edge]
    fits = np.ones(len(x), bool)
    for _ in range(4):
        solution = np.linalg.lstsq(x[fits], y[fits], rcond=None)[0]  # (3, 3)
        strays = np.abs(y - x @ solution).max(axis=1)
        fits = strays <= max(TOLERANCE, np.median(strays))
    plain = bool((strays <= TOLERANCE).mean() >= PLAIN_SHARE)
    different = np.abs(rgb - terms @ solution).max(axis=2) > DIFFERENT
    return different.astype(np.float32), plain


def _without_crumbs(share: np.ndarray) -> np.ndarray:
    """Return a mask (h, w) float32 without the pieces that are small compared with the largest."""
    pieces = label(share > 0.5)
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    crumbs = areas < CRUMB * areas.max()
    crumbs[0] = False
    return np.where(crumbs[pieces], np.float32(0), share)


@torch.inference_mode()
def _u2net(image: Image.Image) -> np.ndarray:
    """Run the network; the result (h, w) is scaled to the picture's shape."""
    square = image.convert("RGB").resize((u2net.SIDE, u2net.SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    picture = torch.from_numpy(np.asarray(square, np.float32).transpose(2, 0, 1) / 255)[None]  # (1, 3, 320, 320)
    share = u2net.load_u2net()(u2net.normalized(picture))[0, 0].numpy()
    return np.asarray(Image.fromarray(share).resize(_scaled(image.size, MASK_SIDE), Image.Resampling.BILINEAR)).clip(
        0, 1
    )
