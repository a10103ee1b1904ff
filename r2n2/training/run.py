"""A training run: the model, its optimiser and the iteration they have reached; one step; saving and going on.

A run lives in a folder: `run.safetensors` holds everything needed to go on, `weights.safetensors` what to use.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from r2n2.config import NetworkConfig
from r2n2.errors import UserError
from r2n2.network.checkpoint import load_tensors, load_weights, save_tensors, save_weights
from r2n2.network.compact import CompactEncoder, prepare_training
from r2n2.network.efficientnet import imagenet_file, load_imagenet
from r2n2.network.losses import voxel_loss
from r2n2.network.model import R2N2
from r2n2.training.recipes import TrainingConfig

RUN_FILE, WEIGHTS_FILE = "run.safetensors", "weights.safetensors"
BETAS, EPSILON = (0.9, 0.999), 1e-8


class Run:
    """A training run: the model, its optimiser, and the iteration they have reached."""

    def __init__(self, network: NetworkConfig, config: TrainingConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self.config, self.device, self.iteration = config, device, 0
        self.model = R2N2(network).to(device)
        prepare_training(self.model, config.dropout, config.frozen)
        self.averaged = (
            {name: tensor.clone() for name, tensor in self.model.state_dict().items()} if config.average else None
        )
        # One pass over all parameters: `compact` on two cores, 6 ms a step in place of 38.
        self.optimizer = torch.optim.Adam(_groups(self.model, config), betas=BETAS, eps=EPSILON, fused=True)

    def step(self, views: Tensor, voxels: Tensor) -> Tensor:
        """One update from views (B, T, 3, 127, 127) and classes (B, 32, 32, 32); returns the loss."""
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * self.config.learning_rate_at(self.iteration)
            if self.config.uncorrected_epsilon:
                group["eps"] = EPSILON / math.sqrt(1 - BETAS[1] ** (self.iteration + 1))
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.amp):
            # What dropout drops is the iteration's: a resumed run drops what an uninterrupted one does.
            torch.manual_seed(int(self._rng(4).integers(2**63)))
            logits = self.model.logits_by_view(views, after=self._judged(views.shape[1]))  # (B, N, 2, 32, 32, 32)
        voxels = voxels.repeat_interleave(logits.shape[1], dim=0)  # (B N, 32, 32, 32)
        loss = voxel_loss(logits.flatten(0, 1), voxels, self.config.dice)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if math.isfinite(self.config.clip):
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self.iteration += 1
        if self.averaged is not None:
            self._average()
        return loss.detach()

    def _judged(self, views: int) -> list[int]:
        """After which views the shape enters the loss: the last, and others drawn at random."""
        others = self._rng(3).permutation(views - 1)[: self.config.loss_views - 1]
        return [*sorted(int(view) for view in others), views - 1]

    def _rng(self, purpose: int) -> np.random.Generator:
        """The random numbers of this iteration for one purpose; 0 to 2 are those of `TrainingBatches`."""
        return np.random.default_rng([self.config.seed, purpose, self.iteration])

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.average, self.iteration / (self.iteration + 10))
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point():
                self.averaged[name].lerp_(tensor, 1 - decay)
            else:
                self.averaged[name].copy_(tensor)

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
        if self.averaged is not None:
            self.averaged = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def save(self, folder: Path) -> None:
        """Write the run's two files. Raises UserError if a weight is not finite, as runs of 2016 stopped."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"averaged.{name}": tensor for name, tensor in (self.averaged or {}).items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        if not all(tensor.isfinite().all() for tensor in tensors.values()):
            raise UserError(
                f"The weights are no longer finite at iteration {self.iteration}; "
                f"resume {folder} with a lower --learning-rate."
            )
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
        """Go on from a run file. Raises UserError if it is for another network or sees other data."""
        tensors, description = _read_run(path)
        network = description["network"]
        if network != self.model.config:
            raise UserError(
                f"{path} is a run of the network {network.name}, not {self.model.config.name}; "
                "choose another folder with -o."
            )
        for name in ("seed", "batch_size", "max_views"):  # they decide which data an iteration sees
            before, now = description["config"][name], getattr(self.config, name)
            if before != now:
                raise UserError(f"{path} was begun with {name} {before}, not {now}; keep it, or begin another run.")
        self.iteration = description["iteration"]
        self.model.load_state_dict(_below("model.", tensors))
        if self.averaged is not None:  # a run that kept no mean so far starts one from its weights
            for name, tensor in (_below("averaged.", tensors) or self.model.state_dict()).items():
                self.averaged[name].copy_(tensor)
        stored = _training_config(description["config"], path)
        with torch.device("meta"):
            before = R2N2(network)
        prepare_training(before, stored.dropout, stored.frozen)
        names = _learning(before, stored)
        # The optimiser counts what learns group by group, and --frozen, --weight-decay and --encoder-rate regroup it.
        numbers = {name: number for number, name in enumerate(_learning(self.model, self.config))}
        state = {}
        for name, tensor in _below("optimizer.", tensors).items():
            number, key = name.split(".", 1)
            if names[int(number)] in numbers:
                state.setdefault(numbers[names[int(number)]], {})[key] = tensor
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
        for parameter, moments in self.optimizer.state.items():
            for name in ("exp_avg", "exp_avg_sq"):  # in the parameter's order of memory: the fused step asks for it
                moments[name] = torch.empty_like(parameter).copy_(moments[name])


def stored_config(folder: Path) -> TrainingConfig:
    """What the run in `folder` was trained with so far. Raises UserError if there is none."""
    if not (folder / RUN_FILE).exists():
        raise UserError(f"There is no run to resume in {folder}; check -o, or leave out --resume to begin one.")
    path = folder / RUN_FILE
    return _training_config(_read_run(path)[1]["config"], path)


def _training_config(values: dict[str, Any], path: Path) -> TrainingConfig:
    try:
        return TrainingConfig(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        )
    except TypeError as error:
        raise UserError(f"{path} is a run of another version of r2n2; begin another run with -o.") from error


def _read_run(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors, metadata = load_tensors(path)
    try:
        description = json.loads(metadata["run"])
        description["network"] = NetworkConfig.from_dict(description["network"])
        return tensors, description
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(
            f"{path} is not a training run of this version of r2n2; choose another folder with -o."
        ) from error


def _groups(model: R2N2, config: TrainingConfig) -> list[dict[str, Any]]:
    """The optimiser's groups: with and without decay, the pretrained trunk apart. rate: share of the learning rate."""
    return [
        {"params": [model.get_parameter(name) for name in found], "weight_decay": decay, "rate": rate}
        for (decay, rate), found in _grouped(model, config).items()
    ]


def _learning(model: R2N2, config: TrainingConfig) -> list[str]:
    """The names of the parameters that learn, as the optimiser counts them."""
    return [name for found in _grouped(model, config).values() for name in found]


def _grouped(model: R2N2, config: TrainingConfig) -> dict[tuple[float, float], list[str]]:
    """The names of the parameters that learn by decay and share of the learning rate."""
    groups: dict[tuple[float, float], list[str]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decay = config.weight_decay if _is_weight(name, parameter) else 0.0
            rate = config.encoder_rate if name.startswith("encoder.trunk.") else 1.0
            groups.setdefault((decay, rate), []).append(name)
    return groups


def _is_weight(name: str, parameter: nn.Parameter) -> bool:
    """Convolutions and matrices decay; biases and normalisation do not. The recurrence's bias is (3, C)."""
    return parameter.ndim > 1 and not name.endswith("bias")


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
