"""Adam over groups of parameters: weights decay and biases do not; a pretrained trunk has its own learning rate.

rate    a group's share of the learning rate
eps     PyTorch's Adam adds epsilon to the corrected root of the second moment, sqrt(v / (1 - b2^t)); the program of
        2016 adds it to the root before the correction, which is the same as epsilon / sqrt(1 - b2^t) after it
"""

import math
from typing import Any

import torch
from torch import nn

from r2n2.network.model import R2N2
from r2n2.training.recipes import TrainingConfig

BETAS, EPSILON = (0.9, 0.999), 1e-8


def make_optimizer(model: R2N2, config: TrainingConfig) -> torch.optim.Adam:
    """Adam over the parameters that learn, fused into one pass: `compact` has 183 parameters in all, most small."""
    groups: list[dict[str, Any]] = [
        {"params": [model.get_parameter(name) for name in names], "weight_decay": decay, "rate": rate}
        for (decay, rate), names in _groups(model, config).items()
    ]
    return torch.optim.Adam(groups, betas=BETAS, eps=EPSILON, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, config: TrainingConfig, iteration: int) -> None:
    """Set the learning rate and the epsilon for the step after `iteration`."""
    for group in optimizer.param_groups:
        group["lr"] = group["rate"] * config.learning_rate_at(iteration)
        if config.uncorrected_epsilon:
            group["eps"] = EPSILON / math.sqrt(1 - BETAS[1] ** (iteration + 1))


def learning(model: R2N2, config: TrainingConfig) -> list[str]:
    """The names of the parameters that learn, in the optimiser's order."""
    return [name for names in _groups(model, config).values() for name in names]


def _groups(model: R2N2, config: TrainingConfig) -> dict[tuple[float, float], list[str]]:
    """The names of the parameters that learn, by (weight decay, share of the learning rate)."""
    groups: dict[tuple[float, float], list[str]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decay = config.weight_decay if _is_weight(name, parameter) else 0.0
            rate = config.encoder_rate if name.startswith("encoder.trunk.") else 1.0
            groups.setdefault((decay, rate), []).append(name)
    return groups


def _is_weight(name: str, parameter: nn.Parameter) -> bool:
    """Whether a parameter decays: convolutions and matrices do; norms and biases, of which one is (3, C), do not."""
    return parameter.ndim > 1 and not name.endswith("bias")
