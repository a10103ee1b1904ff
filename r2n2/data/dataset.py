"""Training samples and batches, drawn so that any iteration can be drawn again: a resumed run sees the same data."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from r2n2.data.augmentation import Augmentation, augment
from r2n2.data.shapenet import Model, read_voxels, view_paths
from r2n2.errors import SkippedWarning, UserError
from r2n2.pictures.images import read_image


@dataclass(frozen=True)
class Draw:
    """Which model, how many of its views, and the seed of everything random about the sample."""

    index: int
    views: int
    seed: tuple[int, ...]


class TrainingSet(Dataset):
    """Models by `Draw`: views (T, 3, 127, 127) float32 in [0, 1], voxels (32, 32, 32) int64 of classes 0 and 1.

    Views are drawn without replacement. A broken file is reported by path and another model takes its
    place; with `strict` it raises UserError instead.
    """

    def __init__(self, models: list[Model], augmentation: Augmentation, strict: bool = False) -> None:
        self.models, self.augmentation, self.strict = models, augmentation, strict

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Tensor]:
        reason = ""
        for attempt in range(len(self.models)):
            model = self.models[(draw.index + attempt) % len(self.models)]
            try:
                return self._read(model, draw)
            except UserError as error:
                if self.strict:
                    raise
                warnings.warn(f"skipped: {error}", SkippedWarning, stacklevel=2)
                reason = reason or str(error)
        raise UserError(f"None of the {len(self.models)} models can be used. The first: {reason}")

    def _read(self, model: Model, draw: Draw) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng(draw.seed)
        paths = view_paths(model)
        if len(paths) < draw.views:
            raise UserError(f"{model.rendering} has {len(paths)} views, {draw.views} are needed; lower --max-views.")
        chosen = rng.choice(len(paths), draw.views, replace=False)
        images = [read_image(paths[number]) for number in chosen]
        views, voxels = augment(images, read_voxels(model), self.augmentation, rng)
        return torch.from_numpy(views), torch.from_numpy(voxels.astype(np.int64))


class TrainingBatches(Sampler[list[Draw]]):
    """Batches without end from iteration `start`: models in a new random order each epoch, 1 to `max_views` views,
    the same number for a whole batch as in 2016."""

    def __init__(self, models: int, batch_size: int, max_views: int, seed: int, start: int = 0) -> None:
        self.models, self.batch_size, self.max_views, self.seed, self.start = models, batch_size, max_views, seed, start

    def __iter__(self) -> Iterator[list[Draw]]:
        iteration, epoch, order = self.start, -1, np.empty(0, int)
        while True:
            rng = np.random.default_rng([self.seed, 1, iteration])
            views = int(rng.integers(1, self.max_views + 1))
            batch = []
            for position in range(iteration * self.batch_size, (iteration + 1) * self.batch_size):
                if position // self.models != epoch:
                    epoch = position // self.models
                    order = np.random.default_rng([self.seed, 0, epoch]).permutation(self.models)
                batch.append(Draw(int(order[position % self.models]), views, (self.seed, 2, position)))
            yield batch
            iteration += 1


def read_batches(data: TrainingSet, batches: TrainingBatches, workers: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Views (B, T, 3, 127, 127) and voxels (B, 32, 32, 32), read ahead by `workers` processes."""
    loader = DataLoader(
        _Forgiving(data),
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=torch.cuda.is_available(),
    )
    for batch in loader:
        if isinstance(batch, UserError):
            raise batch
        yield batch


class _Forgiving(Dataset):
    """A data set whose user errors are items: raised in a worker process they would come out as its traceback."""

    def __init__(self, data: TrainingSet) -> None:
        self.data = data

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Tensor] | UserError:
        try:
            return self.data[draw]
        except UserError as error:
            return error


def _collate(samples: list[tuple[Tensor, Tensor] | UserError]) -> tuple[Tensor, Tensor] | UserError:
    errors = [sample for sample in samples if isinstance(sample, UserError)]
    return errors[0] if errors else default_collate(samples)
