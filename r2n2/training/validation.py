"""Validation during training: the IoU on a few objects of the validation split, and pictures of some of them.

    iou_n = mean over objects of the IoU after n views,   iou = mean over n

Each process scores its share of the objects, with the same views and threshold as `r2n2 evaluate`.
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from r2n2.config import THRESHOLD
from r2n2.data.readable import Readable
from r2n2.errors import SkippedWarning, UserError
from r2n2.evaluation.failures import comparison
from r2n2.evaluation.metrics import intersection_over_union
from r2n2.evaluation.tables import read_sample
from r2n2.network.model import R2N2
from r2n2.shapes.picture import stacked
from r2n2.training.processes import ALONE, Processes

VIEWS = 5  # at most, as in the paper's tables
PICTURED, PICTURED_VIEWS = 4, 3


class Validation(NamedTuple):
    """by_views: the IoU for 1, 2, ... views; iou: their mean; picture: views, shape and truth of some objects."""

    by_views: list[float]
    picture: Image.Image | None

    @property
    def iou(self) -> float:
        return float(np.mean(self.by_views))


@torch.inference_mode()
def validate(model: R2N2, models: Sequence[Readable], views: int = VIEWS, processes: Processes = ALONE) -> Validation:
    """Score a model in evaluation mode on all of `models`; those that cannot be read are skipped with a warning.

    Only the process that writes makes the picture. Raises UserError if none of the models can be read.
    """
    device = next(model.parameters()).device
    sums = torch.zeros(2, views, dtype=torch.float64)  # sum of the IoU and number of objects, by number of views
    rows: list[Image.Image] = []
    for number, item in enumerate(models):
        drawn = processes.writes and len(rows) < PICTURED
        if number % processes.count != processes.rank:
            continue
        try:
            array, truth = read_sample(item, views)  # (T, 3, 127, 127), (32, 32, 32)
        except UserError as error:
            warnings.warn(f"skipped: {error}", SkippedWarning, stacklevel=2)
            continue
        occupancy = model.occupancy_by_view(torch.from_numpy(array)[None].to(device))[0].cpu().numpy()
        scores = [intersection_over_union(shape, truth) for shape in occupancy]
        sums[0, : len(scores)] += torch.tensor(scores, dtype=torch.float64)
        sums[1, : len(scores)] += 1
        if drawn:
            shown = min(PICTURED_VIEWS, len(scores))
            rows.append(comparison(array[:shown], occupancy[shown - 1], truth, THRESHOLD, item.word))
    total, count = processes.sum(sums)
    if not count[0]:
        raise UserError(f"None of the {len(models)} models of the validation split can be read; run r2n2 data check.")
    return Validation((total / count)[count > 0].tolist(), stacked(rows) if rows else None)
