"""The objects with the worst results, drawn next to the truth: what a table of means hides."""

from collections.abc import Iterable, Iterator
from heapq import nsmallest
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from r2n2.config import THRESHOLD
from r2n2.data.readable import Readable
from r2n2.errors import UserError
from r2n2.evaluation.ablation import occupancy_averaged
from r2n2.evaluation.metrics import intersection_over_union
from r2n2.evaluation.tables import read_sample
from r2n2.files import written_beside
from r2n2.network.model import R2N2, evaluating
from r2n2.progress import progress
from r2n2.shapes.drawing import CARD, TILE, draw_mesh
from r2n2.shapes.mesh import surface_mesh
from r2n2.shapes.picture import side_by_side, stacked, view_image

COUNT = 6


def draw_failures(
    model: R2N2,
    models: Iterable[Readable],
    path: Path,
    views: int = 3,
    threshold: float = THRESHOLD,
    preprocessing: str = "modern",
    averaged: bool = False,
    count: int = COUNT,
) -> None:
    """Write a picture of the `count` objects with the lowest IoU from `views` views, the worst first.

    averaged: as in `tables.evaluate`.
    """
    scored = _scored(model, models, views, threshold, preprocessing, averaged)
    with evaluating(model):
        worst = nsmallest(count, scored, key=itemgetter(0))  # so that the arrays of the others are freed: 0.7 MB each
    rows = [comparison(array, occupancy, truth, threshold, word) for _, word, array, occupancy, truth in worst]
    with written_beside(path) as temporary:
        stacked(rows).save(temporary)


def _scored(
    model: R2N2, models: Iterable[Readable], views: int, threshold: float, preprocessing: str, averaged: bool
) -> Iterator[tuple[float, str, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield IoU, category, views, occupancy and true voxels of each model that can be read."""
    device = next(model.parameters()).device
    for item in progress(list(models), "finding failures", unit="model"):
        try:
            array, truth = read_sample(item, views, preprocessing)
        except UserError:
            continue
        with torch.inference_mode():
            given = torch.from_numpy(array)[None].to(device)  # (1, T, 3, 127, 127)
            folded = occupancy_averaged(model, given)[:, -1] if averaged else model(given).occupancy
        occupancy = folded[0].cpu().numpy()  # (32, 32, 32)
        yield intersection_over_union(occupancy, truth, threshold), item.word, array, occupancy, truth


def comparison(views: np.ndarray, occupancy: np.ndarray, truth: np.ndarray, threshold: float, word: str) -> Image.Image:
    """A row with views (T, 3, H, W), the shape rebuilt from them and its IoU, and the true shape, (32, 32, 32) each."""
    iou = intersection_over_union(occupancy, truth, threshold)
    tiles = [(view_image(view), f"view {number}") for number, view in enumerate(views, start=1)]
    rebuilt, true = drawn(occupancy, threshold), drawn(truth.astype(np.float32), 0.5, "blocky")
    return side_by_side([*tiles, (rebuilt, f"{word}, IoU {iou:.2f}"), (true, "truth")])


def drawn(occupancy: np.ndarray, threshold: float, style: str = "smooth") -> Image.Image:
    """A drawing of the shape, or an empty tile if it has no voxels."""
    if (occupancy > threshold).any():
        return draw_mesh(surface_mesh(occupancy, threshold, style), smooth=style == "smooth")
    return Image.new("RGB", (TILE, TILE), CARD)
