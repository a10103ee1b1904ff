"""How the network processed the views of one call: the shape after each view, and how much each view wrote.

Both are computed on first access, from the stored hidden states (one 4x4x4 grid per view): each step is another run of
the decoder, and a mesh needs only the last one. They are computed with the network itself, not with a copy: access them
before you change its weights; the results are cached.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from r2n2.network.model import R2N2, evaluating
from r2n2.network.recurrence import State

WRITTEN = {  # what the gates mean for each kind of recurrence; the equations are in kernels/DERIVATION.md
    "gru": "Share of the network's memory of each place that this view replaced: 1 - u, update gate u (channel mean).",
    "lstm": "How much of this view the network's memory of each place took in: input gate i (channel mean).",
}


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """network: the one that read the views; features (1, T, F); states (1, T, X, Y, Z, C).

    before: the state before the first view, or None.
    """

    network: R2N2
    features: Tensor
    states: Tensor
    before: State | None

    @cached_property
    def occupancy(self) -> np.ndarray:
        """The occupancy (T, 8X, 8Y, 8Z) float32 after each view; the last one is the result."""
        with torch.inference_mode(), evaluating(self.network):  # one at a time: a long video's would not fit in memory
            steps = [self.network.decode(h[None]).occupancy[0].cpu() for h in self.states[0]]
        return torch.stack(steps).numpy()

    @cached_property
    def gates(self) -> np.ndarray:
        """How much of the hidden grid (T, X, Y, Z) float32 each view wrote, in [0, 1], as WRITTEN says."""
        with torch.inference_mode():
            recurrence: Any = self.network.recurrence  # a GRU or an LSTM, each with its own kind of state
            written = recurrence.written(self.features, self.states, self.before)
        return written[0].float().cpu().numpy()

    @property
    def gate(self) -> str:
        """What the gates mean."""
        return WRITTEN[self.network.config.recurrence]
