"""The state of a training run (model, optimiser, mean of the weights, iteration) and a single training step.

All random numbers of a step depend only on (seed, purpose, iteration), so a run stores no random state: a resumed run
draws the same numbers as an uninterrupted one, with one process or several.
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

JUDGED, DROPPED = 3, 4  # purposes of random numbers; `TrainingBatches` uses 0 to 2


class Run:
    """A training run: the model, its optimiser, and the iteration they have reached.

    With several processes, each holds one; `step` takes this process's part of the batch. Raises UserError if the batch
    does not divide into equal parts.
    """

    def __init__(
        self, network: NetworkConfig, config: TrainingConfig, device: torch.device, processes: Processes = ALONE
    ) -> None:
        torch.manual_seed(config.seed)
        if config.batch_size % (processes.count * config.accumulate):
            raise UserError(
                f"A batch of {config.batch_size} does not divide into {processes.count} x {config.accumulate} equal "
                "parts for the processes and their pieces; change --batch-size."
            )
        self.config, self.device, self.processes, self.iteration = config, device, processes, 0
        self.model = R2N2(network).to(device)
        prepare_training(self.model, config.dropout, config.frozen)
        self.dropout = _masked_dropout(self.model, config.dropout)
        require_backend(config.backend, device, config.amp)
        self.model.recurrence.backend = config.backend
        if processes.count > 1:
            synchronize_norms(self.model)
        if config.compile:  # the recurrence has its own kernels
            self.model.encoder.compile()
            self.model.decoder.compile()
        self.average = WeightAverage(self.model, config.average) if config.average else None
        self.optimizer = make_optimizer(self.model, config)
        self.objective: nn.Module = Objective(self.model, config.dice, config.amp)
        if processes.count > 1:
            self.objective = _distributed(self.objective)

    def step(self, views: Tensor, voxels: Tensor) -> Tensor:
        """One update from views (B, T, 3, 127, 127) and classes (B, 32, 32, 32); returns the loss.

        With several processes, both B and the loss returned are those of this process's part of the batch.
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
            waits = self.objective if number < pieces and isinstance(self.objective, DistributedDataParallel) else None
            with waits.no_sync() if waits else nullcontext():
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
        """The views after which the shape enters the loss: the last one, and others drawn at random."""
        count = (self.config.loss_views or views) - 1
        others = self._rng(JUDGED).permutation(views - 1)[:count]
        return [*sorted(int(view) for view in others), views - 1]

    def _masks(self, batch: int, views: int) -> list[Tensor | None]:
        """The dropout mask of each piece (B / pieces * T, F): rows of one mask drawn for the whole batch."""
        pieces = self.config.accumulate
        if not self.dropout or not self.config.dropout:
            return [None] * pieces
        generator = torch.Generator(self.device).manual_seed(int(self._rng(DROPPED).integers(2**63)))
        rows, features = batch * views, self.model.encoder.fc.in_features
        whole = self.dropout.draw(rows * self.processes.count, features, generator)
        return list(whole[rows * self.processes.rank :][:rows].chunk(pieces))

    def _rng(self, purpose: int) -> np.random.Generator:
        """The random generator of this iteration for one purpose."""
        return np.random.default_rng([self.config.seed, purpose, self.iteration])

    def begin_from(self, path: Path) -> None:
        """Load the weights of a file to train them further. Raises UserError if they belong to another network."""
        self.model.load_state_dict(load_weights(path, self.model.config).state_dict())
        self._forget_mean()

    def begin_pretrained(self) -> None:
        """Load ImageNet's weights into the encoder. Raises UserError if they do not fit or are missing."""
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
        """The network to use, in evaluation mode: with the mean of the weights if the run computes one."""
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            model = R2N2(self.model.config).to(self.device)
        model.load_state_dict(self.average.tensors if self.average else self.model.state_dict())
        return model.eval()


def _distributed(objective: nn.Module) -> DistributedDataParallel:
    """Wrap the module to average gradients over the processes; their buffers are equal without broadcasts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # later versions rename the argument
        return DistributedDataParallel(objective, broadcast_buffers=False)


def _masked_dropout(model: R2N2, p: float) -> MaskedDropout | None:
    """Replace a compact network's dropout by one whose mask is set from outside, and return it."""
    if not isinstance(model.encoder, CompactEncoder):
        return None
    model.encoder.dropout = dropout = MaskedDropout(p)
    return dropout
