"""The 3D recurrences as modules: parameters, and one call per sequence into convrnn3d.

One matrix product before the time loop turns the features x_t of all views into the gates' projections
p_t = A x_t + b; convrnn3d computes the state's 3x3x3 (or 1x1x1) convolutions and the gates.
"""

from contextlib import AbstractContextManager
from typing import Any

import torch
from convrnn3d import conv_gru, conv_lstm, freezing, gates
from convrnn3d.backend import BACKENDS as BACKENDS
from convrnn3d.backend import choose_backend
from torch import Tensor, nn
from torch.nn import functional as F

from r2n2.errors import UserError
from r2n2.network.layers import BIAS

GATES = 3
UPDATE, INPUT = 0, 1  # indices of the gates that say how much a step writes: the GRU's u, the LSTM's i
State = Tensor | tuple[Tensor, Tensor]


def require_backend(backend: str, device: torch.device, amp: bool = False) -> None:
    """Raise UserError if the recurrence cannot be computed by `backend` on `device`, under autocast if `amp`."""
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=amp):
            choose_backend(backend, torch.empty(0, device=device))
    except (RuntimeError, ValueError) as error:
        raise UserError(f"{error}.") from error


class ConvRNN3D(nn.Module):
    """The parameters that both recurrences share.

    features: length F of an input vector; channels: C of the hidden grid; grid: its sides (X, Y, Z);
    kernel_size: 1 or 3. Weights: projection (3 X Y Z C, F) in the order gate, X, Y, Z, C; bias (3, C), one value
    per gate and channel for the whole grid; weight (3, C, C, K, K, K). Gate order: u, r, c for the GRU, f, i, c
    for the LSTM. backend, precision, recompute: as in `convrnn3d.conv_gru`; they are attributes that may be changed.
    """

    def __init__(
        self,
        features: int,
        channels: int,
        grid: tuple[int, int, int] = (4, 4, 4),
        kernel_size: int = 3,
        *,
        backend: str = "auto",
        precision: str | None = None,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.grid, self.channels = tuple(grid), channels
        self.backend, self.precision, self.recompute = backend, precision, recompute
        cells = GATES * channels * grid[0] * grid[1] * grid[2]
        self.projection = nn.Linear(features, cells, bias=False)
        self.bias = nn.Parameter(torch.full((GATES, channels), BIAS))
        self.weight = nn.Parameter(torch.empty(GATES, channels, channels, *[kernel_size] * 3))
        fan_in = channels * kernel_size**3
        nn.init.normal_(self.weight, 0, (2 / fan_in) ** 0.5)

    def project(self, features: Tensor) -> Tensor:
        """Project features (B, T, F) to the gates' projections (B, T, 3, X, Y, Z, C), bias included."""
        bias = self.bias[:, None, None, None, :].expand(GATES, *self.grid, self.channels)
        # Added within the product: a later addition under autocast would make the projection float32, twice the memory.
        projection = F.linear(features, self.projection.weight, bias.flatten())
        return projection.unflatten(-1, (GATES, *self.grid, self.channels))

    def cell(self, features: Tensor, state: State | None = None) -> State:
        """Compute one step: features (B, F) and the state before it to the state after it."""
        return self(features[:, None], state=state)[1]

    def frozen(self) -> AbstractContextManager[None]:
        """A context in which the weight must not change, so that the kernels pack it once instead of in each call."""
        return freezing(self.weight)

    @property
    def _how(self) -> dict[str, Any]:
        return {"backend": self.backend, "precision": self.precision, "recompute": self.recompute}


class ConvGRU3D(ConvRNN3D):
    """3D convolutional GRU over feature vectors."""

    def forward(
        self, features: Tensor, mask: Tensor | None = None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Features (B, T, F) to all states (B, T, X, Y, Z, C) and the last one (B, X, Y, Z, C).

        mask (B, T) bool: False where a sample has no view; its state then does not change.
        """
        return conv_gru(self.project(features), self.weight, state, mask, **self._how)

    def written(self, features: Tensor, states: Tensor, state: Tensor | None = None) -> Tensor:
        """How much of each voxel a view replaced (B, T, X, Y, Z), in (0, 1): 1 - u, as h' = u . h + (1 - u) . c.

        The result is the mean over channels. features (B, T, F); states: all states (B, T, X, Y, Z, C) from `forward`;
        state: the one before them.
        """
        return 1 - gates(self.project(features), self.weight, states, state)[:, :, UPDATE].mean(-1)


class ConvLSTM3D(ConvRNN3D):
    """3D convolutional LSTM, without output gate, over feature vectors."""

    def forward(
        self, features: Tensor, mask: Tensor | None = None, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Features (B, T, F) to all states (B, T, X, Y, Z, C) and the last pair (h, s), each (B, X, Y, Z, C)."""
        return conv_lstm(self.project(features), self.weight, state, mask, **self._how)

    def written(self, features: Tensor, states: Tensor, state: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """How much of a view each voxel took in (B, T, X, Y, Z), in (0, 1): i, as s' = f . s + i . c.

        The result is the mean over channels. features (B, T, F); states: all states (B, T, X, Y, Z, C) from `forward`;
        state: the pair before them.
        """
        before = None if state is None else state[0]
        return gates(self.project(features), self.weight, states, before)[:, :, INPUT].mean(-1)


RECURRENCES = {"gru": ConvGRU3D, "lstm": ConvLSTM3D}
