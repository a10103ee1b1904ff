"""A training run: the model, its optimiser, the mean of its weights, and the iteration they have reached; one step.

Everything random in a step is drawn from (seed, purpose, iteration) alone, so that a run carries no random state: one
that goes on draws what an uninterrupted one draws, on one process or on several.
"""

import math
import warnings
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from r2n2.config import NetworkConfig
from r2n2.errors import UserError
from r2n2.network.checkpoint import load_weights
from r2n2.network.compact import CompactEncoder, prepare_training
from r2n2.network.efficientnet import imagenet_file, load_imagenet
from r2n2.network.model import R2N2
from r2n2.network.recurrence import require_backend
from r2n2.training.average import WeightAverage
from r2n2.training.objective import Objective
from r2n2.training.optimizer import make_optimizer, set_rate
from r2n2.training.processes import ALONE, Processes
from r2n2.training.recipes import TrainingConfig
from r2n2.training.synchronized import MaskedDropout, synchronize_norms

JUDGED, DROPPED = 3, 4  # purposes of random numbers; 0 to 2 are those of `TrainingBatches`


class Run:
    """A training run: the model, its optimiser, and the iteration they have reached.

    With several processes each holds one; `step` takes this process's part of the batch. Raises UserError for a batch
    that has no equal parts.
    """

    def __init__(
        self, network: NetworkConfig, config: TrainingConfig, device: torch.device, processes: Processes = ALONE
    ) -> None:
        torch.manual_seed(config.seed)
        if config.batch_size % (processes.count * config.accumulate):
            raise UserError(
                f"A batch of {config.batch_size} has no {processes.count} x {config.accumulate} equal parts for the "
                "processes and their pieces; change --batch-size."
            )
        self.config, self.device, self.processes, self.iteration = config, device, processes, 0
        self.model = R2N2(network).to(device)
        prepare_training(self.model, config.dropout, config.frozen)
        self.dropout = _masked_dropout(self.model, config.dropout)
        require_backend(config.backend, device, config.amp)
        self.model.recurrence.backend = config.backend
        if processes.count > 1:
            synchronize_norms(self.model)
        if config.compile:  # the recurrence is left to its kernels
            self.model.encoder.compile()
            self.model.decoder.compile()
        self.average = WeightAverage(self.model, config.average) if config.average else None
        self.optimizer = make_optimizer(self.model, config)
        self.objective: nn.Module = Objective(self.model, config.dice, config.amp)
        if processes.count > 1:
            self.objective = _distributed(self.objective)

    def step(self, views: Tensor, voxels: Tensor) -> Tensor:
        """One update from views (B, T, 3, 127, 127) and classes (B, 32, 32, 32); returns the loss.

        With several processes B is this one's part of the batch, and so is the loss returned.
        """
        self.model.train()
        set_rate(self.optimizer, self.config, self.iteration)
        after, pieces, losses = self._judged(views.shape[1]), self.config.accumulate, []
        masks = self._masks(*views.shape[:2])
        self.optimizer.zero_grad(set_to_none=True)
        batches = zip(views.chunk(pieces), voxels.chunk(pieces), masks, strict=True)
        for number, (some_views, some_voxels, mask) in enumerate(batches, start=1):
            if self.dropout:
                self.dropout.mask = mask
            waits = number < pieces and isinstance(self.objective, DistributedDataParallel)
            with self.objective.no_sync() if waits else nullcontext():
                loss = self.objective(some_views, some_voxels, after) / pieces
                loss.backward()
            losses.append(loss.detach())
        if math.isfinite(self.config.clip):
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self.iteration += 1
        if self.average:
            self.average.update(self.model, self.iteration)
        return torch.stack(losses).sum()

    def _judged(self, views: int) -> list[int]:
        """After which views the shape enters the loss: the last, and others drawn at random."""
        count = (self.config.loss_views or views) - 1
        others = self._rng(JUDGED).permutation(views - 1)[:count]
        return [*sorted(int(view) for view in others), views - 1]

    def _masks(self, batch: int, views: int) -> list[Tensor | None]:
        """What dropout keeps in each piece (B / pieces * T, F), rows of a mask drawn for the whole batch."""
        pieces = self.config.accumulate
        if not self.dropout or not self.config.dropout:
            return [None] * pieces
        generator = torch.Generator(self.device).manual_seed(int(self._rng(DROPPED).integers(2**63)))
        rows, features = batch * views, self.model.encoder.fc.in_features
        whole = self.dropout.draw(rows * self.processes.count, features, generator)
        return list(whole[rows * self.processes.rank :][:rows].chunk(pieces))

    def _rng(self, purpose: int) -> np.random.Generator:
        """The random numbers of this iteration for one purpose."""
        return np.random.default_rng([self.config.seed, purpose, self.iteration])

    def begin_from(self, path: Path) -> None:
        """Take the weights of a file to train them further. Raises UserError if they are another network's."""
        self.model.load_state_dict(load_weights(path, self.model.config).state_dict())
        self._forget_mean()

    def begin_pretrained(self) -> None:
        """Fill the encoder with ImageNet's weights. Raises UserError if it cannot take them or they are missing."""
        encoder = self.model.encoder
        if not isinstance(encoder, CompactEncoder):
            raise UserError(
                f"The network {self.model.config.name} has no pretrained encoder; "
                "give --no-pretrained, or train compact."
            )
        load_imagenet(encoder.trunk, imagenet_file())
        self._forget_mean()

    def _forget_mean(self) -> None:
        if self.average:
            self.average.begin(self.model)

    def result(self) -> R2N2:
        """The network to use: the mean of the weights if one is kept, in evaluation mode."""
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            model = R2N2(self.model.config).to(self.device)
        model.load_state_dict(self.average.tensors if self.average else self.model.state_dict())
        return model.eval()


def _distributed(objective: nn.Module) -> DistributedDataParallel:
    """The module with its gradients averaged over the processes, which hold the same buffers by themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the argument has another name in versions to come
        return DistributedDataParallel(objective, broadcast_buffers=False)


def _masked_dropout(model: R2N2, p: float) -> MaskedDropout | None:
    """The dropout of a network that has one, made one whose mask is drawn outside."""
    if not isinstance(model.encoder, CompactEncoder):
        return None
    model.encoder.dropout = MaskedDropout(p)
    return model.encoder.dropout
