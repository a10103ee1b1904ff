"""Training samples and batches. Any iteration can be drawn again, so a resumed run sees the same data."""

import signal
import warnings
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from r2n2.data.augmentation import Augmentation, augment
from r2n2.data.readable import Readable
from r2n2.errors import SkippedWarning, UserError

Batches = Generator[tuple[Tensor, Tensor], None, None]


@dataclass(frozen=True)
class Draw:
    """Which model, how many of its views, and the seed for everything random about the sample."""

    index: int
    views: int
    seed: tuple[int, ...]


class TrainingSet(Dataset):
    """Samples indexed by `Draw`: views (T, 3, 127, 127) uint8, voxels (32, 32, 32) uint8 of classes 0 and 1.

    Bytes take a quarter of the space of float32 in the worker's pipe and on the way to the GPU; `as_inputs` converts
    them to a network's inputs. Views are drawn without replacement. A broken file is reported once, by path, and
    another model is used instead; with `strict` it raises UserError.
    """

    def __init__(self, models: Sequence[Readable], augmentation: Augmentation, strict: bool = False) -> None:
        self.models, self.augmentation, self.strict = models, augmentation, strict
        self.reported: set[str] = set()  # `warnings` forgets what it has shown when a filter changes, as in reading

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Tensor]:
        reason = ""
        for attempt in range(len(self.models)):
            model = self.models[(draw.index + attempt) % len(self.models)]
            try:
                return self._read(model, draw)
            except UserError as error:
                if self.strict:
                    raise
                reason = reason or str(error)
                if str(error) not in self.reported:
                    self.reported.add(str(error))
                    warnings.warn(f"skipped: {error}", SkippedWarning, stacklevel=2)
        raise UserError(f"None of the {len(self.models)} models can be used. First error: {reason}")

    def _read(self, model: Readable, draw: Draw) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng(draw.seed)
        count = model.count_views()
        if count < draw.views:
            raise UserError(f"{model.name} has {count} views, but {draw.views} are needed; lower --max-views.")
        chosen = rng.choice(count, draw.views, replace=False)
        images = model.read_views(chosen)
        views, voxels = augment(images, model.read_voxels(), self.augmentation, rng)
        return torch.from_numpy(views), torch.from_numpy(voxels.astype(np.uint8))


def require_views(models: Sequence[Readable], max_views: int, strict: bool = False) -> None:
    """Raise UserError if no model has `max_views` views or, with `strict`, if any has fewer.

    Called before the first step, because a batch that needs `max_views` views may come late. Models that cannot be read
    are ignored here and reported when they are drawn.
    """
    most, fullest = 0, ""
    for model in models:
        try:
            count = model.count_views()
        except UserError:
            continue
        if count >= max_views and not strict:
            return
        if count < max_views and strict:
            raise UserError(f"{model.name} has {count} views, but batches have up to {max_views}; lower --max-views.")
        if count > most:
            most, fullest = count, model.name
    if 0 < most < max_views:
        raise UserError(
            f"No object has more than the {most} views of {fullest}, but batches have up to {max_views}; "
            f"lower --max-views to {most}."
        )


def as_inputs(views: Tensor, voxels: Tensor) -> tuple[Tensor, Tensor]:
    """Views (B, T, 3, H, W) uint8 as float32 in [0, 1], voxels uint8 as int64, on their device, ideally a GPU."""
    return views.float() / 255, voxels.long()


@dataclass(frozen=True)
class Order:
    """The position in the stream of objects at which epochs are counted anew, and the number of the first of them.

    The order within an epoch is drawn from its number. When the data change during a run, new epochs begin at
    `position` with the number `epoch`, which no earlier epoch had, so that no order is drawn twice.
    """

    position: int = 0
    epoch: int = 0

    def epoch_at(self, position: int, models: int) -> int:
        return self.epoch + (position - self.position) // models

    def after(self, position: int, models: int) -> "Order":
        """The order for new data from `position` on, after epochs of `models` models."""
        last = self.epoch_at(position - 1, models) if position > self.position else self.epoch - 1
        return Order(position, last + 1)


BEGINNING = Order()


class TrainingBatches(Sampler[list[Draw]]):
    """Endless batches from iteration `start`: models in a new random order each epoch, each batch with 1 to `max_views`
    views per model, the same number for the whole batch as in 2016.

    share (rank, count): yield only part `rank` (from 0) of `count` equal parts of each batch.
    """

    def __init__(
        self,
        models: int,
        batch_size: int,
        max_views: int,
        seed: int,
        start: int = 0,
        order: Order = BEGINNING,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        if batch_size % share[1]:
            raise ValueError(f"a batch of {batch_size} cannot be divided into {share[1]} equal parts")
        self.models, self.batch_size, self.max_views, self.seed, self.start = models, batch_size, max_views, seed, start
        self.order, self.share = order, share

    def __iter__(self) -> Iterator[list[Draw]]:
        iteration, epoch, shuffled = self.start, -1, np.empty(0, int)
        rank, count = self.share
        part = self.batch_size // count
        while True:
            rng = np.random.default_rng([self.seed, 1, iteration])
            views = int(rng.integers(1, self.max_views + 1))
            batch = []
            first = iteration * self.batch_size + rank * part
            for position in range(first, first + part):
                if self.order.epoch_at(position, self.models) != epoch:
                    epoch = self.order.epoch_at(position, self.models)
                    shuffled = np.random.default_rng([self.seed, 0, epoch]).permutation(self.models)
                place = (position - self.order.position) % self.models
                batch.append(Draw(int(shuffled[place]), views, (self.seed, 2, position)))
            yield batch
            iteration += 1


def read_batches(data: TrainingSet, batches: TrainingBatches, workers: int, pinned: bool = False) -> Batches:
    """Views (B, T, 3, 127, 127) and voxels (B, 32, 32, 32), both uint8, prefetched by `workers` processes.

    pinned: use pinned memory, from which a GPU can copy while it computes; pinning needs a context on the GPU.
    """
    loader = DataLoader(
        _Forgiving(data),
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_begin_worker,
        pin_memory=pinned,
    )
    for batch in loader:
        if isinstance(batch, UserError):
            raise batch
        yield batch


def _begin_worker(_: int) -> None:
    """Leave signals to the parent: when Ctrl-C reaches all processes of a terminal, or a scheduler ends a job, the
    parent still needs the batch of its last step. A worker ends with its parent."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class _Forgiving(Dataset):
    """A data set that returns user errors as items: raised in a worker process, they would appear as a traceback."""

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
