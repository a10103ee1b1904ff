"""A shape that turns and turns: .gif, which opens everywhere, and .webp, smaller and in all colours."""

from pathlib import Path

import trimesh
from PIL import Image

from r2n2.shapes.drawing import draw_turning

TURNTABLE_SUFFIXES = (".gif", ".webp")
FRAMES = 36
FRAME_MS = 80
QUALITY = 85  # of .webp


def write_turntable(mesh: trimesh.Trimesh, path: Path, smooth: bool = True) -> None:
    """Write the turning mesh, y up, as a file with a suffix of TURNTABLE_SUFFIXES, in 36 frames of 80 ms."""
    frames = list(draw_turning(mesh, FRAMES, smooth=smooth))
    options = {"save_all": True, "duration": FRAME_MS, "loop": 0}
    if path.suffix.lower() == ".webp":
        frames[0].save(path, append_images=frames[1:], quality=QUALITY, **options)
    else:
        first, *others = _same_colors(frames)
        first.save(path, append_images=others, optimize=False, **options)


def _same_colors(frames: list[Image.Image]) -> list[Image.Image]:
    """The frames in 256 colours that suit all of them: a palette to each would make the card flicker."""
    side = frames[0].width
    strip = Image.new("RGB", (side * 4, side))
    for number in range(4):
        strip.paste(frames[number * len(frames) // 4], (side * number, 0))
    palette = strip.quantize(256, Image.Quantize.MEDIANCUT)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
