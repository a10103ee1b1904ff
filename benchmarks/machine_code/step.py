"""A cell's training step through its kernels: forward, then backward from the gradients of its outputs."""

from collections.abc import Sequence as Several

from convrnn3d import gru_steps, lstm_steps
from convrnn3d.sequence import Sequence
from torch import Tensor


def training_step(
    cell: str,
    sequence: Sequence,
    projection: Tensor,
    weight: Tensor,
    state: Several[Tensor],
    mask: Tensor | None = None,
    upstream: Several[Tensor] | None = None,
) -> list[Tensor]:
    """All states, the last one (for the LSTM also the last cell), and the gradients by projection, weight and `state`.

    state: h, or for the LSTM h and s, in the projection's type, in which states are also carried; empty for zeros.
    mask: (B, T) uint8. upstream: a gradient for each output; by default the outputs themselves.
    """
    dtype, is_given = projection.dtype, bool(state)
    how = dtype, True, True  # forward: carried type, save for backward, save the gates
    back = dtype, False, is_given, is_given, True  # carried type, do not recompute gates, first state, its gradient, dW
    if cell == "gru":
        h = state[0] if is_given else None
        *outputs, sources, gates, packed = gru_steps.forward(sequence, projection, weight, h, mask, *how)
        carried = (None, None) if sequence.factors_are_kept(dtype) else (outputs[0], h)
        kept = *carried, gates
        run_back = gru_steps.backward
    else:
        pair = tuple(state) if is_given else None
        *outputs, sources, cells, gates, packed = lstm_steps.forward(sequence, projection, weight, pair, mask, *how)
        kept = cells, gates
        run_back = lstm_steps.backward
    gradients = run_back(sequence, *(upstream or outputs), weight, packed, mask, sources, *kept, *back)
    return [*outputs, *gradients[: 2 + len(state)]]
