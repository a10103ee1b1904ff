"""Tables of IoU and average precision for 1 to 5 views, per category and over all models.

Each model's views are the first n of an order seeded by its name, without replacement, so that every run and every
network sees the same pictures. The mean over all models weighs each model once, as the paper's table does.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from r2n2.config import THRESHOLD, check_threshold
from r2n2.data.readable import Readable
from r2n2.errors import UserError
from r2n2.evaluation.ablation import Spread, occupancy_averaged, order_scores, spread
from r2n2.evaluation.metrics import average_precision, intersection_over_union
from r2n2.files import write_texts
from r2n2.network.model import R2N2, evaluating
from r2n2.pictures.images import check_preprocessing, to_view
from r2n2.progress import progress

MAX_VIEWS = 5
Value = TypeVar("Value")
MEAN = "mean"


@dataclass(frozen=True)
class Score:
    """Mean intersection over union and average precision of `models` models."""

    iou: float
    ap: float
    models: int


@dataclass(frozen=True)
class Evaluation:
    """views: scores by number of views; categories: the same by category word; skipped: why models could not be read;
    orders: the spread of the IoU over orders of all views, if requested."""

    views: dict[str, Score]
    categories: dict[str, dict[str, Score]]
    threshold: float
    models: int
    network: str
    skipped: list[str] = field(default_factory=list)
    orders: Spread | None = None

    def to_json(self) -> str:
        values = asdict(self)
        values["orders"] = self.orders and self.orders._asdict()
        return json.dumps(values, indent=1) + "\n"

    def to_markdown(self) -> str:
        """IoU per category, their mean over all models, and average precision, as a Markdown table."""
        counts = list(self.views)
        rows = [["category", "models", *(f"{count} view{'s' * (count != '1')}" for count in counts)]]
        for word, scores in sorted(self.categories.items()):
            rows.append([word, str(scores[counts[0]].models), *(_number(scores, count, "iou") for count in counts)])
        rows.append([f"**IoU, {MEAN}**", str(self.models), *(_number(self.views, count, "iou") for count in counts)])
        rows.append([f"**AP, {MEAN}**", str(self.models), *(_number(self.views, count, "ap") for count in counts)])
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        rows.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
        padded = (
            [cell.ljust(widths[0]) if n == 0 else cell.rjust(widths[n]) for n, cell in enumerate(row)] for row in rows
        )
        text = "\n".join(f"| {' | '.join(row)} |" for row in padded) + "\n"
        if self.orders:
            text += (
                f"\nAll views in random orders: mean IoU {self.orders.mean:.3f}; per object, standard deviation "
                f"{self.orders.deviation:.3f} and {self.orders.range:.3f} between best and worst.\n"
            )
        return text


def evaluate(
    model: R2N2,
    models: Sequence[Readable],
    max_views: int = MAX_VIEWS,
    threshold: float = THRESHOLD,
    strict: bool = False,
    preprocessing: str = "modern",
    averaged: bool = False,
    orders: int = 0,
) -> Evaluation:
    """Score `model` on all of `models`. Unreadable ones are skipped and listed, or raise UserError if `strict`.

    preprocessing: a name in `images.PREPROCESSING`; "2016" is for comparison with the original's own tests. averaged:
    without the recurrence, rebuild each view separately and average the occupancies. orders: also read the views in
    this many random orders, to measure the spread.
    """
    if max_views < 1:
        raise UserError(f"{max_views} views were asked for; at least 1 is needed.")
    check_threshold(threshold)
    check_preprocessing(preprocessing)
    device = next(model.parameters()).device
    read = partial(read_sample, max_views=max_views, preprocessing=preprocessing)
    records, reordered = [], []
    skipped: list[str] = []
    with torch.inference_mode(), evaluating(model):
        for item, (array, truth) in _readable(progress(models, "evaluating", unit="model"), read, skipped, strict):
            views = torch.from_numpy(array).to(device)  # (T, 3, 127, 127)
            by_view = occupancy_averaged(model, views[None]) if averaged else model.occupancy_by_view(views[None])
            if orders:
                reordered.append(order_scores(model, views, truth, threshold, orders))
            records += score(item.word, by_view[0].cpu().numpy(), truth, threshold)
    network = f"{model.config.name}, views averaged" if averaged else model.config.name
    table = summarize(records, threshold, network, skipped)
    return replace(table, orders=spread(reordered) if reordered else None)


def evaluate_mean_shapes(
    training: Sequence[Readable], models: Sequence[Readable], threshold: float = THRESHOLD, strict: bool = False
) -> Evaluation:
    """Score the mean training shape of each category: a baseline that sees no picture but knows the category.

    A category without training models gets the mean of all. Raises UserError if a model is in both lists, or if no
    training model can be read.
    """
    check_threshold(threshold)
    overlap = {model.stamp for model in training} & {model.stamp for model in models}
    if overlap:
        raise UserError(f"{len(overlap)} models are also part of the mean shapes; evaluate --split test or val.")
    skipped: list[str] = []
    voxels_of = methodcaller("read_voxels")
    sums: dict[str, np.ndarray] = {}
    counts: dict[str, int] = {}
    for item, voxels in _readable(progress(training, "mean shapes", unit="model"), voxels_of, skipped, strict):
        sums[item.word] = sums.get(item.word, 0) + voxels
        counts[item.word] = counts.get(item.word, 0) + 1
    if not counts:
        raise UserError(f"None of the {len(training)} models for the mean shapes can be read. The first: {skipped[0]}")
    overall = np.sum(list(sums.values()), axis=0) / sum(counts.values())
    records = []
    for item, truth in _readable(models, voxels_of, skipped, strict):
        mean = sums[item.word] / counts[item.word] if item.word in sums else overall
        records += score(item.word, mean[None], truth, threshold)
    return summarize(records, threshold, "mean shape of each category", skipped)


def _readable(
    models: Iterable[Readable], read: Callable[[Readable], Value], skipped: list[str], strict: bool
) -> Iterator[tuple[Readable, Value]]:
    """Yield each model with the result of `read`. Errors of unreadable ones go into `skipped`, or raise if `strict`."""
    for model in models:
        try:
            value = read(model)
        except UserError as error:
            if strict:
                raise
            skipped.append(str(error))
            continue
        yield model, value


def read_sample(model: Readable, max_views: int, preprocessing: str = "modern") -> tuple[np.ndarray, np.ndarray]:
    """The first views (T, 3, 127, 127) in the model's seeded order, at most `max_views`, and the model's voxels."""
    seed = zlib.crc32(model.name.encode(errors="surrogateescape"))
    order = np.random.default_rng(seed).permutation(model.count_views())[:max_views]
    views = [to_view(picture, preprocessing) for picture in model.read_views(order)]
    return np.stack(views), model.read_voxels()


def write_tables(table: Evaluation, json_path: Path | None, markdown_path: Path | None) -> None:
    """Write the table to those of the two paths that are given."""
    texts = {json_path: table.to_json(), markdown_path: table.to_markdown()}
    write_texts({path: text for path, text in texts.items() if path is not None})


def score(word: str, occupancy: np.ndarray, truth: np.ndarray, threshold: float) -> list[tuple[str, int, float, float]]:
    """(category, number of views, IoU, AP) for occupancy (T, 32, 32, 32) after each of T views."""
    return [
        (word, count, intersection_over_union(one, truth, threshold), average_precision(one, truth))
        for count, one in enumerate(occupancy, start=1)
    ]


def summarize(
    records: list[tuple[str, int, float, float]], threshold: float, network: str, skipped: list[str]
) -> Evaluation:
    if not records:
        first = f" The first: {skipped[0]}" if skipped else ""
        raise UserError(f"No model could be evaluated; {len(skipped)} could not be read.{first}")
    words = sorted({record[0] for record in records})
    return Evaluation(
        views=_by_views(records),
        categories={word: _by_views(record for record in records if record[0] == word) for word in words},
        threshold=threshold,
        models=sum(record[1] == 1 for record in records),
        network=network,
        skipped=skipped,
    )


def _by_views(records: Iterable[tuple[str, int, float, float]]) -> dict[str, Score]:
    groups: dict[int, list[tuple[float, float]]] = {}
    for _, count, iou, ap in records:
        groups.setdefault(count, []).append((iou, ap))
    scores = {}
    for count, group in sorted(groups.items()):
        iou, ap = (round(float(value), 6) for value in np.mean(group, axis=0))
        scores[str(count)] = Score(iou, ap, len(group))
    return scores


def _number(scores: dict[str, Score], count: str, metric: str) -> str:
    return f"{getattr(scores[count], metric):.3f}" if count in scores else ""
