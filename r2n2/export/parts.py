"""The three graphs into which a network is split, so that whoever runs them owns the loop over the views.

encoder   views (B, 3, 127, 127)                    -> features (B, F)
step      features (B, F), state                    -> new state            GRU: h; LSTM: h and s
decoder   hidden h (B, 4, 4, 4, C)                  -> logits (B, 2, 32, 32, 32), occupancy (B, 32, 32, 32)

The state before the first view is zero. B is free in every graph, and all values are float32.
"""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from r2n2.config import GRID_SIDE, IMAGE_SIDE, NetworkConfig
from r2n2.network import R2N2
from r2n2.network.recurrence import ConvRNN3D

STATES = {"gru": ("hidden",), "lstm": ("hidden", "memory")}  # h; h and s
TRACED_BATCH = 2  # torch.export treats a batch of 1 as a constant


@dataclass(frozen=True)
class Part:
    """One graph: its module and the names of its inputs and outputs. shapes: of each input, without the batch."""

    name: str
    module: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def file(self) -> str:
        return f"{self.name}.onnx"

    def example(self) -> tuple[Tensor, ...]:
        return tuple(torch.zeros(TRACED_BATCH, *shape) for shape in self.shapes)


class Step(nn.Module):
    """Fold one view into the state: features (B, F) and each part of the state (B, 4, 4, 4, C) to the new parts."""

    def __init__(self, recurrence: ConvRNN3D) -> None:
        super().__init__()
        self.recurrence = recurrence

    def forward(self, features: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        before: Any = state if len(state) > 1 else state[0]
        new = self.recurrence.cell(features, before)
        return new if isinstance(new, tuple) else (new,)


class Decode(nn.Module):
    """Hidden grid (B, 4, 4, 4, C) to logits (B, 2, 32, 32, 32) and occupancy (B, 32, 32, 32)."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.decoder(hidden)
        return logits, torch.softmax(logits, dim=1)[:, 1]


def state_shape(config: NetworkConfig) -> tuple[int, ...]:
    """The shape of one part of the state, without the batch."""
    return (*[GRID_SIDE] * 3, config.hidden_channels)


def plain(model: R2N2) -> R2N2:
    """Copy a model to the CPU, in float32 and evaluation mode, with the recurrence in plain PyTorch."""
    model = copy.deepcopy(model).cpu().float().eval()
    model.recurrence.backend = "reference"
    return model


def split(model: R2N2) -> list[Part]:
    """Split a `plain` model into encoder, step and decoder."""
    config = model.config
    features, grid, states = (config.features,), state_shape(config), STATES[config.recurrence]
    return [
        Part("encoder", model.encoder, ("views",), ("features",), ((3, IMAGE_SIDE, IMAGE_SIDE),)),
        Part(
            "step",
            Step(model.recurrence),
            ("features", *states),
            tuple(f"new_{name}" for name in states),
            (features, *[grid] * len(states)),
        ),
        Part("decoder", Decode(model.decoder), ("hidden",), ("logits", "occupancy"), (grid,)),
    ]
