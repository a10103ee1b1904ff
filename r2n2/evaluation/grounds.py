"""The same objects as photographs on several grounds and in several framings: what making pictures ready contributes.

One view of each object is used as a clean render and as photographs made by `data.grounds`. The scores are the IoU of
the shape from the clean render, from the photograph as it is, and from the photograph made ready. A picture that was
cut out or framed counts as right if the mask used for it matches the object with an IoU of at least 0.8. Warnings are
counted by whether they were right.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from r2n2.config import THRESHOLD, check_threshold
from r2n2.data.grounds import FRAMINGS, GROUNDS, photograph
from r2n2.data.readable import Readable
from r2n2.errors import UserError
from r2n2.evaluation.failures import drawn
from r2n2.evaluation.metrics import intersection_over_union
from r2n2.files import written_beside
from r2n2.network.model import R2N2, evaluating
from r2n2.pictures.doubts import doubt_of_shape, odd_ones_out
from r2n2.pictures.images import to_view
from r2n2.pictures.ready import make_ready
from r2n2.progress import progress
from r2n2.shapes.picture import TILE, side_by_side, stacked, view_image

RIGHT = 0.8  # least IoU of a mask that found the object
VIEWS = 3  # views of an object, compared with as many of which one shows another object


@dataclass(frozen=True)
class Shot:
    """One photograph and its scores.

    clean, given, ready: the IoU from the clean render, from the photograph as it is, and made ready; right: whether the
    mask, if one was used, matches the object; mask_warned, shape_warned: whether mask or shape gave a warning; the rest
    is what is drawn.
    """

    ground: str
    framing: str
    clean: float
    given: float
    ready: float
    right: bool
    mask_warned: bool
    shape_warned: bool
    image: Image.Image
    view: np.ndarray
    occupancy: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True)
class Grounds:
    """shots: every photograph; objects: the number of objects.

    mixed: how many objects get a warning about different objects with their own views, and how many with one view of
    another object among them.
    """

    shots: list[Shot]
    mixed: tuple[int, int]
    objects: int

    def to_markdown(self) -> str:
        """A Markdown table with a row for each ground and framing, and how often the warnings are right."""
        rows = [
            "| framing | ground | clean | as it is | made ready | right | of these: clean | made ready |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        for framing in FRAMINGS:
            for ground in GROUNDS:
                shots = [shot for shot in self.shots if (shot.framing, shot.ground) == (framing, ground)]
                rows.append(f"| {framing} | {ground} | {_cells(shots)} |")
        rows += [f"| **all** | | {_cells(self.shots)} |", "", *self._warnings()]
        return "\n".join(rows) + "\n"

    def _warnings(self) -> list[str]:
        right = [shot for shot in self.shots if shot.right]
        wrong = [shot for shot in self.shots if not shot.right]
        unsure = [shot for shot in self.shots if shot.shape_warned]
        sure = [shot for shot in self.shots if not shot.shape_warned]
        return [
            f"Warnings about the object in the picture: {_share(wrong, 'mask_warned')} where it was not found, "
            f"{_share(right, 'mask_warned')} where it was; about picture or shape: "
            f"{_count(wrong, lambda shot: shot.mask_warned or shot.shape_warned)} and "
            f"{_count(right, lambda shot: shot.mask_warned or shot.shape_warned)}.",
            f"Warnings about an unsure shape: {len(unsure)} of {len(self.shots)}, with IoU {_mean(unsure, 'ready')}; "
            f"IoU of the others: {_mean(sure, 'ready')}.",
            f"Warnings about different objects, {VIEWS} clean views each: {self.mixed[0]} of {self.objects} with views "
            f"of one object, {self.mixed[1]} of {self.objects} with one view of another object.",
        ]


def evaluate_grounds(model: R2N2, models: Sequence[Readable], threshold: float = THRESHOLD) -> Grounds:
    """Photograph each of `models` on every ground in every framing, seeded by its name, and score the shapes.

    Raises UserError for a model that cannot be read.
    """
    check_threshold(threshold)
    if not models:
        raise UserError("There is no object to photograph.")
    shots: list[Shot] = []
    with evaluating(model):
        for item in progress(list(models), "photographing", unit="model"):
            truth = item.read_voxels()
            seed = zlib.crc32(item.name.encode(errors="surrogateescape"))
            render = item.read_views([seed % item.count_views()])[0]
            clean = intersection_over_union(_occupancy(model, to_view(render)), truth, threshold)
            for ground in GROUNDS:
                for framing in FRAMINGS:
                    shots.append(_shot(model, render, (ground, framing), seed, clean, truth, threshold))
        return Grounds(shots, _mixed(model, models), len(models))


def draw_grounds(result: Grounds, path: Path, threshold: float = THRESHOLD, count: int = 6) -> None:
    """Write a picture of the `count` photographs that lost the most IoU against the clean render, the worst first."""
    rows = []
    for shot in sorted(result.shots, key=lambda shot: shot.ready - shot.clean)[:count]:
        photo = ImageOps.pad(shot.image, (TILE, TILE), color=(255, 255, 255, 255))
        tiles = [
            (photo, f"{shot.framing}, {shot.ground}"),
            (view_image(shot.view), "what the network saw"),
            (drawn(shot.occupancy, threshold), f"IoU {shot.ready:.2f}, clean {shot.clean:.2f}"),
            (drawn(shot.truth.astype(np.float32), 0.5), "truth"),
        ]
        rows.append(side_by_side(tiles))
    with written_beside(path) as temporary:
        stacked(rows).save(temporary)


def _shot(
    model: R2N2,
    render: Image.Image,
    place: tuple[str, str],
    seed: int,
    clean: float,
    truth: np.ndarray,
    threshold: float,
) -> Shot:
    photo = photograph(render, *place, [seed, list(GROUNDS).index(place[0]), list(FRAMINGS).index(place[1])])
    ready = make_ready(photo.image)
    view = to_view(ready.image)
    occupancy = _occupancy(model, view)
    right = True
    if ready.mask is not None:
        share = Image.fromarray(ready.mask.share).resize(photo.image.size, Image.Resampling.BILINEAR)
        right = intersection_over_union(np.asarray(share), photo.mask, 0.5) >= RIGHT
    given = _occupancy(model, to_view(photo.image))
    return Shot(
        *place,
        clean,
        intersection_over_union(given, truth, threshold),
        intersection_over_union(occupancy, truth, threshold),
        right,
        ready.doubt is not None,
        doubt_of_shape(occupancy, threshold) is not None,
        photo.image,
        view,
        occupancy,
        truth,
    )


def _mixed(model: R2N2, models: Sequence[Readable]) -> tuple[int, int]:
    """For how many objects one view looks like a different object: with their own views, and with a view of another.

    The other view is one of an object of another category.
    """
    pictures = (item.read_views(range(min(VIEWS, item.count_views()))) for item in models)
    views = [np.stack([to_view(picture) for picture in some]) for some in pictures]
    shapes = [_occupancies(model, view) for view in views]  # (VIEWS, 32, 32, 32) each
    mixed = 0
    for number, item in enumerate(models):
        others = [n for n, other in enumerate(models) if other.word != item.word]
        if others:
            stranger = shapes[others[number % len(others)]][-1:]
            mixed += bool(odd_ones_out(np.concatenate([shapes[number][:-1], stranger])))
    return sum(bool(odd_ones_out(one)) for one in shapes), mixed


def _occupancy(model: R2N2, view: np.ndarray) -> np.ndarray:
    return _occupancies(model, view[None])[0]


@torch.inference_mode()
def _occupancies(model: R2N2, views: np.ndarray) -> np.ndarray:
    """The shapes (T, 32, 32, 32) rebuilt from each of the views (T, 3, 127, 127) separately."""
    device = next(model.parameters()).device
    return model(torch.from_numpy(views)[:, None].to(device)).occupancy.cpu().numpy()


def _cells(shots: Sequence[Shot]) -> str:
    right = [shot for shot in shots if shot.right]
    whole = " | ".join(_mean(shots, name) for name in ("clean", "given", "ready"))
    return f"{whole} | {len(right)} of {len(shots)} | {_mean(right, 'clean')} | {_mean(right, 'ready')}"


def _mean(shots: Sequence[Shot], name: str) -> str:
    return f"{np.mean([getattr(shot, name) for shot in shots]):.3f}" if shots else ""


def _share(shots: Sequence[Shot], name: str) -> str:
    return _count(shots, lambda shot: getattr(shot, name))


def _count(shots: Iterable[Shot], holds: Callable[[Shot], bool]) -> str:
    found = [holds(shot) for shot in shots]
    return f"{sum(found)} of {len(found)}"
