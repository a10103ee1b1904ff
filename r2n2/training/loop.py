"""The training loop: batches in, steps, a line of the log now and then, checkpoints that any run can go on from."""

import json
import math
import time
from pathlib import Path

import torch
from torch import Tensor

from r2n2.config import NetworkConfig
from r2n2.data.augmentation import AUGMENTATIONS
from r2n2.data.dataset import TrainingBatches, TrainingSet, read_batches
from r2n2.data.shapenet import Model
from r2n2.errors import UserError
from r2n2.files import written_beside
from r2n2.progress import progress
from r2n2.training.recipes import TrainingConfig
from r2n2.training.run import RUN_FILE, WEIGHTS_FILE, Run

LOG_FILE = "log.jsonl"


def train(
    network: NetworkConfig,
    models: list[Model],
    folder: Path,
    config: TrainingConfig,
    device: torch.device,
    resume: bool = False,
    init: Path | None = None,
) -> Path:
    """Train on `models`, writing into `folder`; returns the path of the weights. `resume` continues what is there.

    init: weights of the same network to begin with, in place of ImageNet's or random ones.

    Raises UserError if the folder holds a run already (or, with `resume`, one of another network), if the loss is not
    finite or above the recipe's largest, or if no model can be read.
    """
    run = Run(network, config, device)
    if (folder / RUN_FILE).exists():
        if not resume:
            raise UserError(
                f"{folder} already holds a training run; continue it with --resume or choose another folder with -o."
            )
        run.load(folder / RUN_FILE)
    elif init:
        run.begin_from(init)
    elif config.pretrained:
        run.begin_pretrained()
    batches = TrainingBatches(len(models), config.batch_size, config.max_views, config.seed, start=run.iteration)
    data = TrainingSet(models, AUGMENTATIONS[config.augmentation], config.strict)
    log = _Log(folder, config)
    remaining = range(run.iteration, config.iterations)
    read_ahead = read_batches(data, batches, config.workers)
    for _, (views, voxels) in zip(progress(remaining, "training", unit="step"), read_ahead, strict=False):
        loss = run.step(views.to(device, non_blocking=True), voxels.to(device, non_blocking=True))
        log.add(run.iteration, loss, views.shape[1])
        if run.iteration % config.save_every == 0 or run.iteration == config.iterations:
            _require_sane(loss.item(), run.iteration, folder, config)
            run.save(folder)
    return folder / WEIGHTS_FILE


class _Log:
    """Mean loss and speed every `report_every` iterations, as a line of JSON."""

    def __init__(self, folder: Path, config: TrainingConfig) -> None:
        self.path, self.config = folder / LOG_FILE, config
        self.losses: list[Tensor] = []
        self.views, self.started = 0, time.perf_counter()
        with written_beside(self.path) as temporary:  # says so at once where the folder cannot be written
            temporary.write_text(self.path.read_text() if self.path.exists() else "")

    def add(self, iteration: int, loss: Tensor, views: int) -> None:
        self.losses.append(loss)
        self.views += views * self.config.batch_size
        if iteration % self.config.report_every:
            return
        mean = torch.stack(self.losses).mean().item()
        seconds = time.perf_counter() - self.started
        line = {
            "iteration": iteration,
            "loss": round(mean, 6),
            "learning_rate": self.config.learning_rate_at(iteration - 1),
            "seconds_per_step": round(seconds / len(self.losses), 4),
            "views_per_second": round(self.views / seconds, 1),
        }
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        _require_sane(mean, iteration, self.path.parent, self.config)
        self.losses, self.views, self.started = [], 0, time.perf_counter()


def _require_sane(loss: float, iteration: int, folder: Path, config: TrainingConfig) -> None:
    if not math.isfinite(loss) or loss > config.largest_loss:
        raise UserError(f"The loss is {loss:g} at iteration {iteration}; resume {folder} with a lower --learning-rate.")
