"""R2N2: views of an object in, occupancy of a voxel grid out.

features   = encoder(views)                    each view separately, in one batch
state      = recurrence(features, state)       one view after another into a 4x4x4 grid
logits     = decoder(state)                    32x32x32 voxels, two classes each
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from r2n2.config import IMAGE_SIDE, NetworkConfig
from r2n2.network.compact import CompactDecoder, CompactEncoder
from r2n2.network.decoder import Decoder
from r2n2.network.encoder import Encoder
from r2n2.network.layers import initialize
from r2n2.network.recurrence import RECURRENCES, State


class Output(NamedTuple):
    """logits (B, 2, 32, 32, 32), class 1 is occupied; state: pass it to `forward` to add further views."""

    logits: Tensor
    state: State

    @property
    def occupancy(self) -> Tensor:
        """Probability (B, 32, 32, 32) float32 that a voxel is occupied."""
        return torch.softmax(self.logits.float(), dim=1)[:, 1]


class R2N2(nn.Module):
    """A network of the 3D-R2N2 family (Choy et al., ECCV 2016)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        compact = config.graph == "compact"
        self.encoder = (CompactEncoder if compact else Encoder)(config)
        self.recurrence = RECURRENCES[config.recurrence](
            config.features, config.hidden_channels, kernel_size=config.kernel_size
        )
        self.decoder = (CompactDecoder if compact else Decoder)(config)
        initialize(self)
        # Channels innermost, like the grids: otherwise cuDNN and oneDNN transpose before and after every convolution.
        self.encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.decoder.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def __repr__(self) -> str:
        """A one-line summary; `print(model.encoder)` and the like show the layers."""
        device = next(self.parameters()).device
        return f"{type(self).__name__}({self.config.name}, {count_parameters(self):,} parameters, {device})"

    def forward(self, views: Tensor, mask: Tensor | None = None, state: State | None = None) -> Output:
        """Fold views (B, T, 3, 127, 127) in [0, 1] into `state` (zeros if None) and decode the result.

        mask (B, T) bool is True where a sample has a view; None means everywhere. Views where it is False are ignored.
        Raises ValueError for views or a mask of another shape, TypeError for integer views.
        """
        if views.ndim != 5 or views.shape[2:] != (3, IMAGE_SIDE, IMAGE_SIDE) or views.shape[1] < 1:
            raise ValueError(
                f"views must be (B, T, 3, {IMAGE_SIDE}, {IMAGE_SIDE}) with T >= 1, got {tuple(views.shape)}"
            )
        if not views.is_floating_point():  # uint8, as `data.dataset.TrainingSet` yields, would run and give nonsense
            raise TypeError(f"views must be floating point numbers in [0, 1], got {views.dtype}")
        return self.decode(self.recurrence(self.encode(views, mask), mask, state)[1])

    def decode(self, state: State) -> Output:
        """Decode a state into the shape that it holds."""
        hidden = state[0] if isinstance(state, tuple) else state  # (B, 4, 4, 4, C)
        return Output(self.decoder(hidden), state)

    def occupancy_by_view(self, views: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return occupancy (B, T, 32, 32, 32) after the first view, the first two, and so on, in one pass."""
        return torch.softmax(self.logits_by_view(views, mask).float(), dim=2)[:, :, 1]

    def logits_by_view(self, views: Tensor, mask: Tensor | None = None, after: list[int] | None = None) -> Tensor:
        """Return logits (B, T, 2, 32, 32, 32) after the first view, the first two, and so on, in one pass.

        after: decode only after these views, counted from 0; the result has one row for each.
        """
        states = self.recurrence(self.encode(views, mask), mask)[0]  # (B, T, 4, 4, 4, C)
        states = states if after is None else states[:, after]
        return self.decoder(states.flatten(0, 1)).unflatten(0, states.shape[:2])

    def encode(self, views: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return features (B, T, F) of the views, with zeros where `mask` is False."""
        if mask is None:
            return self.encoder(views.flatten(0, 1)).unflatten(0, views.shape[:2])
        if mask.dtype != torch.bool or mask.shape != views.shape[:2]:
            raise ValueError(f"mask must be bool {tuple(views.shape[:2])}, got {mask.dtype} {tuple(mask.shape)}")
        seen = self.encoder(views[mask])  # (N, F) for the N valid views
        features = seen.new_zeros(*mask.shape, seen.shape[-1])
        features[mask] = seen
        return features


@contextmanager
def evaluating(model: R2N2) -> Iterator[None]:
    """Put the model into evaluation mode within a `with` block; afterwards every module is in its earlier mode.

    No weight may change within the block. The recurrence's weight is frozen only there: a frozen weight does not notice
    the steps of a fused optimizer or a change through `.data`, and a loaded network may be trained, moved and refilled.
    """
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with model.recurrence.frozen():
            yield
    finally:
        for module in training:
            module.training = True


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
