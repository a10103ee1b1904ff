"""What the network did with the views of one call, one after the other: the shape after each, and what each one wrote.

Computed when first asked for, from what the recurrence left (a grid of 4x4x4 a view): each step is another run of the
decoder, and who wants a mesh needs the last one alone. They are computed with the network itself, not a copy of it: who
goes on to change its weights asks before, and they are kept.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from r2n2.network.model import R2N2, evaluating
from r2n2.network.recurrence import State

WRITTEN = {  # in words, by the kind of recurrence; the equations are in kernels/DERIVATION.md
    "gru": "How much of the network's memory of a place this view replaced: 1 - u, u the update gate (channel mean).",
    "lstm": "How much the network's memory of a place took in of this view: i, the input gate (channel mean).",
}


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """network: what folded the views in; features (1, T, F); states (1, T, X, Y, Z, C); before: the state they met."""

    network: R2N2
    features: Tensor
    states: Tensor
    before: State | None

    @cached_property
    def occupancy(self) -> np.ndarray:
        """Occupancy (T, 8X, 8Y, 8Z) float32 after each view, the last one the result."""
        with torch.inference_mode(), evaluating(self.network):  # one at a time: a long video's would not fit together
            steps = [self.network.decode(h[None]).occupancy[0].cpu() for h in self.states[0]]
        return torch.stack(steps).numpy()

    @cached_property
    def gates(self) -> np.ndarray:
        """How much of the hidden grid (T, X, Y, Z) float32 each view wrote, in [0, 1], as WRITTEN says."""
        with torch.inference_mode():
            written = self.network.recurrence.written(self.features, self.states, self.before)
        return written[0].float().cpu().numpy()

    @property
    def gate(self) -> str:
        """What the gates mean."""
        return WRITTEN[self.network.config.recurrence]
