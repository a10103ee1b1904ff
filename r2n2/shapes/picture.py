"""Output pictures: the views and the shape side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from r2n2.errors import UserError
from r2n2.shapes.drawing import TILE

GAP = 12
CAPTION = 30
PAPER, INK = (255, 255, 255), (60, 60, 60)


def check_picture(path: Path) -> None:
    """Raise UserError if the suffix is not that of a picture format; to be called before the work, not after it."""
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise UserError(f"{path} has the suffix {path.suffix or '(none)'}, which is not a picture format; use .png.")


def side_by_side(tiles: Sequence[tuple[Image.Image, str]]) -> Image.Image:
    """Pictures of any size in one row, each with its caption."""
    width = GAP + len(tiles) * (TILE + GAP)
    sheet = Image.new("RGB", (width, TILE + CAPTION + 2 * GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=17)
    for number, (image, caption) in enumerate(tiles):
        left = GAP + number * (TILE + GAP)
        scaled = image.convert("RGBA").resize((TILE, TILE), Image.Resampling.LANCZOS)
        sheet.paste(scaled, (left, GAP), scaled)
        draw.text((left + TILE / 2, TILE + GAP + CAPTION / 2), caption, INK, font, anchor="mm")
    return sheet


def stacked(rows: Sequence[Image.Image]) -> Image.Image:
    """Pictures one below the other."""
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), PAPER)
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def view_image(view: np.ndarray) -> Image.Image:
    """A view (3, H, W) float in [0, 1] as a picture."""
    return Image.fromarray((view.transpose(1, 2, 0) * 255).round().astype(np.uint8))
