"""Training: Adam on the mean two-class cross entropy of all voxels, resumable at any checkpoint.

A run lives in a folder: `run.safetensors` (weights, averaged weights, optimiser and iteration), `weights.safetensors`
(what to evaluate and ship), `log.jsonl` (one line per report). The learning rate rises over `warmup` iterations, stays,
and falls linearly to zero over the last `cooldown`; a longer run can so continue a shorter one.
"""

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from r2n2.checkpoint import load_tensors, save_tensors, save_weights
from r2n2.config import NetworkConfig
from r2n2.data.augmentation import AUGMENTATIONS
from r2n2.data.dataset import TrainingBatches, TrainingSet, training_loader
from r2n2.data.shapenet import Model
from r2n2.errors import UserError
from r2n2.files import written_beside
from r2n2.network import R2N2
from r2n2.progress import progress

RUN_FILE, WEIGHTS_FILE, LOG_FILE = "run.safetensors", "weights.safetensors", "log.jsonl"


@dataclass(frozen=True)
class TrainingConfig:
    """weight_decay is added to the gradient of weights, not of biases, as in 2016; average: decay of the running mean
    of the weights, 0 for none; amp: bfloat16 autocast; strict: a broken file ends the run."""

    iterations: int = 60_000
    batch_size: int = 36
    max_views: int = 5
    learning_rate: float = 1e-4
    warmup: int = 0
    cooldown: int = 0
    weight_decay: float = 5e-5
    average: float = 0.0
    augmentation: str = "2016"
    amp: bool = False
    seed: int = 0
    workers: int = 1
    report_every: int = 20
    save_every: int = 500
    strict: bool = False

    def __post_init__(self) -> None:
        for name in ("iterations", "batch_size", "max_views", "report_every", "save_every"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.augmentation not in AUGMENTATIONS:
            raise UserError(
                f"There is no augmentation {self.augmentation!r}; choose one of {', '.join(AUGMENTATIONS)}."
            )

    def learning_rate_at(self, iteration: int) -> float:
        rise = min(1.0, (iteration + 1) / self.warmup) if self.warmup else 1.0
        left = (self.iterations - iteration) / self.cooldown if self.cooldown else 1.0
        return self.learning_rate * rise * min(1.0, left)


class Run:
    """A training run: the model, its optimiser, and the iteration they have reached."""

    def __init__(self, network: NetworkConfig, config: TrainingConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self.config, self.device, self.iteration = config, device, 0
        self.model = R2N2(network).to(device)
        self.averaged = (
            {name: tensor.clone() for name, tensor in self.model.state_dict().items()} if config.average else None
        )
        decayed = [p for name, p in self.model.named_parameters() if _is_weight(name, p)]
        others = [p for name, p in self.model.named_parameters() if not _is_weight(name, p)]
        self.optimizer = torch.optim.Adam(
            [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others}]
        )

    def step(self, views: Tensor, voxels: Tensor) -> Tensor:
        """One update from views (B, T, 3, 127, 127) and classes (B, 32, 32, 32); returns the loss."""
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate_at(self.iteration)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.amp):
            logits = self.model(views).logits
        loss = F.cross_entropy(logits.float(), voxels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.iteration += 1
        if self.averaged is not None:
            self._average()
        return loss.detach()

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.average, self.iteration / (self.iteration + 10))
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point():
                self.averaged[name].lerp_(tensor, 1 - decay)
            else:
                self.averaged[name].copy_(tensor)

    def save(self, folder: Path) -> None:
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"averaged.{name}": tensor for name, tensor in (self.averaged or {}).items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        description = {
            "iteration": self.iteration,
            "network": self.model.config.to_dict(),
            "config": asdict(self.config),
        }
        save_tensors(folder / RUN_FILE, tensors, {"run": json.dumps(description)})
        shipped = R2N2(self.model.config)
        shipped.load_state_dict(self.averaged or self.model.state_dict())
        save_weights(folder / WEIGHTS_FILE, shipped, extra={"iteration": self.iteration, "config": asdict(self.config)})

    def load(self, path: Path) -> None:
        """Go on from a run file; raises UserError if it is for another network."""
        tensors, metadata = load_tensors(path)
        try:
            description = json.loads(metadata["run"])
            network = NetworkConfig.from_dict(description["network"])
        except (KeyError, ValueError, TypeError) as error:
            raise UserError(f"{path} is not a training run; choose another folder with -o.") from error
        if network != self.model.config:
            raise UserError(
                f"{path} is a run of the network {network.name}, not {self.model.config.name}; "
                "choose another folder with -o."
            )
        self.iteration = description["iteration"]
        self.model.load_state_dict(_below("model.", tensors))
        for name, tensor in _below("averaged.", tensors).items():
            if self.averaged is not None:
                self.averaged[name].copy_(tensor)
        state = {}
        for name, tensor in _below("optimizer.", tensors).items():
            number, key = name.split(".", 1)
            state.setdefault(int(number), {})[key] = tensor
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})


def train(
    network: NetworkConfig,
    models: list[Model],
    folder: Path,
    config: TrainingConfig,
    device: torch.device,
    resume: bool = False,
) -> Path:
    """Train on `models`, writing into `folder`; returns the path of the weights. `resume` continues what is there."""
    run = Run(network, config, device)
    if (folder / RUN_FILE).exists():
        if not resume:
            raise UserError(
                f"{folder} already holds a training run; continue it with --resume or choose another folder with -o."
            )
        run.load(folder / RUN_FILE)
    batches = TrainingBatches(len(models), config.batch_size, config.max_views, config.seed, start=run.iteration)
    loader = training_loader(
        TrainingSet(models, AUGMENTATIONS[config.augmentation], config.strict), batches, config.workers
    )
    log = _Log(folder, config)
    remaining = range(run.iteration, config.iterations)
    for _, (views, voxels) in zip(progress(remaining, "training", unit="step"), loader, strict=False):
        loss = run.step(views.to(device, non_blocking=True), voxels.to(device, non_blocking=True))
        log.add(run.iteration, loss, views.shape[1])
        if run.iteration % config.save_every == 0:
            run.save(folder)
    run.save(folder)
    return folder / WEIGHTS_FILE


class _Log:
    """Mean loss and speed every `report_every` iterations, as a line of JSON; stops a run whose loss is not finite."""

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
        if not math.isfinite(mean):
            raise UserError(
                f"The loss is no longer finite at iteration {iteration}; "
                f"resume {self.path.parent} with a lower --learning-rate."
            )
        self.losses, self.views, self.started = [], 0, time.perf_counter()


def _is_weight(name: str, parameter: nn.Parameter) -> bool:
    """Convolutions and matrices decay; biases and normalisation do not. The recurrence's bias is (3, C)."""
    return parameter.ndim > 1 and not name.endswith("bias")


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
