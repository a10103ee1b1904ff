"""The LSTM over a sequence: which kernels of `lstm` run for each step, and on which grids.

Forward, each step runs `step`. Backward, `step_back` goes from beyond the last step into it, from each step into the
preceding one and, if its derivative is wanted, out of the first step into the first state.
"""

import torch
from torch import Tensor

from convrnn3d.launcher import ZEROS, Slot, of_gates
from convrnn3d.lstm import step_back_kernel, step_kernel
from convrnn3d.places import Phase
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import first_kept

EVERY_GATE, EVERY_GATE_BACK = Phase.of(0, 3), Phase.of(0, 3, transposed=True)
# `step_kernel`'s states, last, next_source, first_source, next_cell, first_cell.
NO_STATES = (ZEROS,) * 6


def forward(
    sequence: Sequence, projection: Tensor, weight: Tensor, state: tuple[Tensor, Tensor] | None, mask: Tensor | None,
    carried: torch.dtype, save: bool, keep: bool, traced: bool = False,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Return states, last, cell, of type `carried`; sources, cells, gates, packed for `backward`.

    They are complete if `save`; gates if `keep`.
    """
    steps, first = sequence.steps, first_kept(sequence.steps, state is not None, traced)
    states_are_sources = not save and sequence.factors_are_kept(carried)
    slots = steps - first if save else 0 if states_are_sources else min(2, steps - first)
    states, last, cell = (sequence.empty(shape, carried) for shape in ((steps,), (), ()))
    sources = sequence.empty((slots,), sequence.operand)
    cells = sequence.empty((steps if save else 0,), carried)
    gates = sequence.empty((steps if keep else 0, 3), projection.dtype)
    packed = sequence.pack(weight, save, read=steps > first)
    forward_packed = packed[0]
    h_0, s_0 = (None, None) if state is None else state

    def source(t: int) -> Slot:
        """The Slot of h_{t-1} as a factor, unless it is read as a state."""
        return Slot(sources, slots, (t - first) % max(slots, 1))

    def s(t: int) -> Slot:
        """The Slot of s_{t-1}."""
        return Slot(cells, steps, t) if save and t < steps else Slot(cell)

    for t in range(steps):
        h = Slot(states, steps, t - 1) if t else Slot(h_0)
        next_source = ZEROS if states_are_sources else source(t + 1)
        if t:
            h_factor = h if states_are_sources else source(t)
        else:
            h_factor = Slot(None if h_0 is None else sequence.factors(h_0))
        first_source = source(0) if save and t == first == 0 else ZEROS
        first_cell = s(0) if save and t == 0 else ZEROS
        is_read = mask is not None or first_source.tensor is not None  # by the step itself, not by its convolution
        sequence.run(
            step_kernel, "lstm_step", EVERY_GATE, h_factor, forward_packed, t,
            of_gates(projection, steps, t), h if is_read else ZEROS, s(t) if t else Slot(s_0),
            of_gates(gates, steps, t) if keep else ZEROS, Slot(states, steps, t), Slot(last),
            next_source, first_source, s(t + 1), first_cell, mask,
        )  # fmt: skip
    return states, last, cell, sources, cells, gates, packed


def backward(
    sequence: Sequence, d_states: Tensor | None, d_last: Tensor | None, d_cell: Tensor | None, weight: Tensor,
    packed: Tensor, mask: Tensor | None, sources: Tensor, cells: Tensor, kept: Tensor, carried: torch.dtype,
    recompute: bool, has_state: bool, wants_state: bool, wants_weight: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Return dp, dW, dh_0, ds_0; the latter three are empty where they are not wanted.

    kept: gates, or the projection if `recompute`, from which each step's gates are then computed again.
    """
    steps, first = sequence.steps, sequence.steps - sources.shape[1]
    d_grid, g_grid = sequence.empty((), torch.float32), sequence.empty((), torch.float32)
    d, g = Slot(d_grid), Slot(g_grid)
    da = sequence.empty((steps, 3), sequence.operand)
    d_projection = None if sequence.factors_are_kept(kept.dtype) else sequence.empty((steps, 3), kept.dtype)
    d_h, d_s = (sequence.state_gradient(grid, carried, wants_state) for grid in (d_grid, g_grid))
    forward_packed, backward_packed = packed.unbind(0)
    again = of_gates(sequence.empty((1, 3), kept.dtype), 1, 0) if recompute else None
    goes_around = d if mask is not None else ZEROS

    def passed_back(t: int) -> tuple[Slot, Slot]:
        """What goes around step t, and its ds; those of the first step are needed only for the first state."""
        if t < 0:
            return Slot(d_h), Slot(d_s)
        return (goes_around, g) if t or wants_state else (ZEROS, ZEROS)

    for t in reversed(range(-1 if wants_state else 0, steps)):
        start = t == steps - 1
        gates = of_gates(kept, steps, t) if again is None else again
        if recompute and t >= 0:
            h_factor = Slot(sources, steps - first, t - first) if t or has_state else ZEROS
            sequence.run(
                step_kernel, "lstm_step", EVERY_GATE, h_factor, forward_packed, t, of_gates(kept, steps, t),
                ZEROS, ZEROS, again, *NO_STATES, None,
            )  # fmt: skip
        d_around, d_cell_before = passed_back(t)
        sequence.run(
            step_back_kernel, "lstm_step_back", EVERY_GATE_BACK, ZEROS if start else of_gates(da, steps, t + 1),
            backward_packed, t, Slot(d_last) if start else goes_around, Slot(d_states, steps, t),
            Slot(d_cell) if start else g, d_cell_before, Slot(cells, steps, t), gates, d_around,
            *sequence.derivatives(da, d_projection, t, first), mask,
        )  # fmt: skip
    d_weight = sequence.weight_gradient(sources, da, weight) if wants_weight else weight.new_empty(0)
    return da if d_projection is None else d_projection, d_weight, d_h, d_s
