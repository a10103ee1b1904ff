"""A contact sheet of a data folder: a picture of each object next to its voxels, with an arrow along +X, its front.

It shows at a glance whether fronts agree, whether voxels match their picture, and what a category looks like.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from r2n2.data.camera import View
from r2n2.data.readable import spread
from r2n2.data.render import render
from r2n2.data.shapenet import Model
from r2n2.data.silhouette import voxel_faces
from r2n2.data.surface import Surface
from r2n2.errors import SkippedWarning, UserError

SIDE, CAPTION, COLUMNS = 110, 14, 8
LOOKING = View(azimuth=35, elevation=25, ratio=1.35)
SHAPE, ARROW = (96, 146, 208), (214, 58, 46)
PAPER, INK = (246, 246, 246), (40, 40, 40)
ARROW_TRIANGLES = np.array(  # flat on the ground, starting at the grid's edge
    [
        [[0.5, -0.5, -0.03], [0.5, -0.5, 0.03], [0.68, -0.5, 0.03]],
        [[0.5, -0.5, -0.03], [0.68, -0.5, 0.03], [0.68, -0.5, -0.03]],
        [[0.68, -0.5, -0.09], [0.68, -0.5, 0.09], [0.82, -0.5, 0.0]],
    ]
)


def contact_sheet(models: Sequence[Model], count: int = 96) -> tuple[Image.Image, int]:
    """At most `count` of the models, evenly spread, as one RGB picture, and how many of them are drawn.

    A model that cannot be read leaves its place empty and a SkippedWarning says why. Raises UserError if none can be
    read.
    """
    chosen = spread(models, count)
    rows = -(-len(chosen) // COLUMNS)
    width, height = 2 * SIDE, SIDE + CAPTION
    sheet = Image.new("RGB", (COLUMNS * width, rows * height), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=10)
    broken: list[str] = []
    for number, model in enumerate(chosen):
        left, top = number % COLUMNS * width, number // COLUMNS * height
        draw.text((left + 3, top + SIDE), f"{model.word} {model.name}"[:36], INK, font)
        try:
            picture = model.read_views([0])[0].resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            voxels = Image.fromarray(_draw_voxels(model.read_voxels()))
        except UserError as error:
            warnings.warn(f"skipped: {error}", SkippedWarning, stacklevel=2)
            broken.append(str(error))
            continue
        for tile, place in ((picture, left), (voxels, left + SIDE)):
            sheet.paste(tile, (place, top), tile)
    if len(broken) == len(chosen):
        raise UserError(f"None of the {len(chosen)} models can be drawn. First error: {broken[0]}")
    return sheet, len(chosen) - len(broken)


def _draw_voxels(voxels: np.ndarray) -> np.ndarray:
    """RGBA picture (SIDE, SIDE, 4) of a grid, seen obliquely from the front."""
    shape = voxel_faces(voxels)
    triangles = np.concatenate([shape, ARROW_TRIANGLES])
    colors = np.empty((len(triangles), 3), np.float32)
    colors[: len(shape)], colors[len(shape) :] = SHAPE, ARROW
    plain = Surface(triangles, colors, np.zeros((len(triangles), 3, 2)), np.full(len(triangles), -1))
    return render(plain, LOOKING, SIDE)
