"""Pictures out: the views and the shape side by side, drawn by the renderer of the data."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image, ImageDraw, ImageFont

from r2n2.data.camera import View, project
from r2n2.data.render import render
from r2n2.data.surface import Surface
from r2n2.errors import UserError

TILE = 320
GAP = 12
CAPTION = 30
PAPER, INK = (255, 255, 255), (60, 60, 60)
SHAPE_COLOR = (96, 146, 208)
LOOKING = View(azimuth=40, elevation=27, ratio=1.0)
FILLED = 0.85  # of half a tile, how far a framed mesh reaches from its centre


def check_picture(path: Path) -> None:
    """Raise UserError if no format of pictures goes by the suffix: before the work, not after it."""
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise UserError(f"{path} has the suffix {path.suffix or '(none)'}, which names no picture; use .png.")


def framed(meshes: Sequence[trimesh.Trimesh], view: View = LOOKING) -> View:
    """The same direction from the distance at which the meshes fill a picture and none is cut off."""
    for _ in range(3):  # perspective makes each step an approximation
        reach = max(np.abs(project(mesh.vertices, view, 2)[0] - 1).max() for mesh in meshes)
        view = replace(view, ratio=max(view.ratio * reach / FILLED, 0.6))
    return view


def draw_mesh(mesh: trimesh.Trimesh, view: View | None = None, size: int = TILE) -> Image.Image:
    """RGBA picture of a mesh in one colour, from `view` or so that it fills the picture."""
    view = view or framed([mesh])
    triangles = np.asarray(mesh.triangles, np.float64)
    count = len(triangles)
    colors = np.broadcast_to(np.array(SHAPE_COLOR, np.float32), (count, 3))
    return Image.fromarray(render(Surface(triangles, colors, np.zeros((count, 3, 2)), np.full(count, -1)), view, size))


def side_by_side(tiles: Sequence[tuple[Image.Image, str]]) -> Image.Image:
    """Pictures of any size, each with its caption, in one row."""
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
