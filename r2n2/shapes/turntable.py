"""An endless animation of a turning shape: .gif, which opens everywhere, or .webp, smaller and in full colour."""

from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from r2n2.shapes.drawing import CARD, TILE, draw_turning
from r2n2.shapes.mesh import COLOR

TURNTABLE_SUFFIXES = (".gif", ".webp")
FRAMES = 36
FRAME_MS = 80
QUALITY = 85  # of .webp


def write_turntable(
    mesh: trimesh.Trimesh, path: Path, smooth: bool = True, count: int = FRAMES, size: int = TILE
) -> None:
    """Write an endless animation of the turning mesh, given y up, to a file with a suffix of TURNTABLE_SUFFIXES.

    count: frames per turn, 80 ms each; size: side in pixels; smooth: as in `drawing.draw_mesh`.
    """
    frames = list(draw_turning(mesh, count, size, smooth))
    if path.suffix.lower() == ".webp":
        options = {"quality": QUALITY}
    else:
        frames, options = _in_one_palette(frames), {"optimize": False}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, **options)


def _in_one_palette(frames: list[Image.Image]) -> list[Image.Image]:
    """The frames in one shared palette of 256 colours, because the card would flicker with a palette per frame.

    The colours are those of the card, the shape and the blend of both at edges, each from dark to light.
    """
    edge = np.add(CARD, COLOR) / 2
    ramps = [(CARD, 0.3, 1, 96), (COLOR, 0.1, 1.2, 96), (edge, 0.3, 1.1, 64)]  # colour, darkest, lightest, steps
    palette = np.concatenate([np.outer(np.linspace(dark, light, n), color) for color, dark, light, n in ramps])
    palette = palette.round().clip(0, 255).astype(np.uint8)  # (256, 3)
    return [_indexed(np.asarray(frame), palette) for frame in frames]


def _indexed(pixels: np.ndarray, palette: np.ndarray) -> Image.Image:
    """Pixels (H, W, 3) uint8 in the nearest colours of a palette (256, 3) uint8."""
    packed, where = np.unique(pixels @ np.array([1 << 16, 1 << 8, 1]), return_inverse=True)
    colors = np.column_stack([packed >> 16, packed >> 8 & 255, packed & 255]).astype(np.float32)
    distance = ((colors[:, None] - palette.astype(np.float32)) ** 2).sum(axis=2)  # (colours, 256)
    image = Image.fromarray(distance.argmin(axis=1).astype(np.uint8)[where].reshape(pixels.shape[:2]))
    image.putpalette(palette.tobytes())
    return image
