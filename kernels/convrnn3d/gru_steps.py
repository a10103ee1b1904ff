"""The GRU over a sequence: which kernels of `gru` run for each step, and on which grids.

Forward, each step runs `gates` and `update`; a first step from zeros runs only `update`. Backward, `gates_back` goes
from beyond the last step into it; then each step, except a first one from zeros, runs `update_back` and, into the
preceding step, `gates_back`, out of the first one only if its state's derivative is wanted.
"""

import torch
from torch import Tensor

from convrnn3d.gru import gates_back_kernel, gates_kernel, update_back_kernel, update_kernel
from convrnn3d.launcher import ZEROS, Slot, of_gates
from convrnn3d.places import Phase
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import first_kept

U_AND_R, CANDIDATE = Phase.of(0, 2), Phase.of(2, 1)
U_AND_R_BACK, CANDIDATE_BACK = Phase.of(0, 2, transposed=True), Phase.of(2, 1, transposed=True)
# `update_kernel`'s states, last, next_source, first_source.
NO_STATES = (ZEROS,) * 4


def forward(
    sequence: Sequence, projection: Tensor, weight: Tensor, state: Tensor | None, mask: Tensor | None,
    carried: torch.dtype, save: bool, keep: bool, traced: bool = False,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Return states and last, of type `carried`; sources, gates, packed for `backward`.

    sources and packed are complete only if `save`, gates only if `keep`.
    """
    steps, first = sequence.steps, first_kept(sequence.steps, state is not None, traced)
    states, last = sequence.empty((steps,), carried), sequence.empty((), carried)
    states_are_sources = not save and sequence.factors_are_kept(carried)
    slots, grids = steps - first if save else min(1, steps - first), 1 if states_are_sources else 2
    sources = sequence.empty((slots, grids), sequence.operand)
    gates = sequence.empty((steps, 3) if keep else (1, 1), projection.dtype)  # without `keep`, only u
    packed = sequence.pack(weight, save, read=steps > first)
    forward_packed = packed[0]

    def h_and_r_h(t: int) -> tuple[Slot, Slot]:
        """The Slots of h_{t-1}, unless it is read as a state, and r . h_{t-1} as factors: they are adjacent."""
        place = grids * ((t - first) % max(slots, 1))
        return Slot(sources, grids * slots, place), Slot(sources, grids * slots, place + grids - 1)

    for t in range(steps):
        h = Slot(states, steps, t - 1) if t else Slot(state)
        kept_h, r_h = h_and_r_h(t)
        next_source = ZEROS if states_are_sources else h_and_r_h(t + 1)[0]
        first_source = kept_h if save and t == first == 0 else ZEROS
        p, gate = of_gates(projection, steps, t), of_gates(gates, steps, t) if keep else Slot(gates)
        if h.tensor is None:
            r_h = ZEROS
        else:
            h_factor = Slot(sequence.factors(h.tensor)) if t == 0 else h if states_are_sources else kept_h
            sequence.run(
                gates_kernel, "gru_gates", U_AND_R, h_factor, forward_packed, t, p, h, gate, r_h, mask, KEEP=keep
            )
        sequence.run(
            update_kernel, "gru_update", CANDIDATE, r_h, forward_packed, t, p, h, gate, Slot(states, steps, t),
            Slot(last), next_source, first_source, mask, KEEP=keep,
        )  # fmt: skip
    return states, last, sources, gates, packed


def backward(
    sequence: Sequence, d_states: Tensor | None, d_last: Tensor | None, weight: Tensor, packed: Tensor,
    mask: Tensor | None, sources: Tensor, states: Tensor | None, state: Tensor | None, kept: Tensor,
    carried: torch.dtype, recompute: bool, has_state: bool, wants_state: bool, wants_weight: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Return dp, dW, dh_0; the latter two are empty where they are not wanted.

    kept: gates, or the projection if `recompute`, from which each step's gates are then computed again.
    states and the first state are needed where they differ from `sources`, which are in the operands' type: the
    rounding would affect h - c.
    """
    steps, first = sequence.steps, sequence.steps - sources.shape[1]
    d_grid, da = sequence.empty((), torch.float32), sequence.empty((steps, 3), sequence.operand)
    d_projection = None if sequence.factors_are_kept(kept.dtype) else sequence.empty((steps, 3), kept.dtype)
    d, d_state = Slot(d_grid), sequence.state_gradient(d_grid, carried, wants_state)
    forward_packed, backward_packed = packed.unbind(0)
    again = of_gates(sequence.empty((1, 3), kept.dtype), 1, 0) if recompute else None

    def h_and_r_h(t: int) -> tuple[Slot, Slot]:
        """h_{t-1} and r . h_{t-1} as factors."""
        if t == 0 and not has_state:
            return ZEROS, ZEROS
        place, slots = 2 * (t - first), 2 * (steps - first)
        return Slot(sources, slots, place), Slot(sources, slots, place + 1)

    def h(t: int) -> Slot:
        """h_{t-1}, as it was carried."""
        if states is None or (t == 0 and not has_state):
            return h_and_r_h(t)[0]
        return Slot(states, steps, t - 1) if t else Slot(state)

    def gates(t: int) -> Slot:
        return of_gates(kept, steps, t) if again is None else again

    def passed_back(t: int) -> Slot:
        """d of step t; that of the first step is needed only for the first state."""
        return d if t or wants_state else ZEROS

    def gates_again(t: int) -> None:
        p = of_gates(kept, steps, t)
        h_factor, r_h = h_and_r_h(t)
        if h_factor.tensor is not None:
            sequence.run(
                gates_kernel, "gru_gates", U_AND_R, h_factor, forward_packed, t, p, ZEROS, again, ZEROS, None, KEEP=True
            )
        sequence.run(
            update_kernel, "gru_update", CANDIDATE, r_h, forward_packed, t, p, ZEROS, again,
            *NO_STATES, None, KEEP=True,
        )  # fmt: skip

    def into(t: int, source: Slot, around: Slot) -> None:
        """Run `gates_back` into step t."""
        if recompute and t >= 0:
            gates_again(t)
        sequence.run(
            gates_back_kernel, "gru_gates_back", U_AND_R_BACK, source, backward_packed, t, around,
            Slot(d_states, steps, t), h(t), gates(t), passed_back(t) if t >= 0 else Slot(d_state),
            *sequence.derivatives(da, d_projection, t, first), mask,
        )  # fmt: skip

    into(steps - 1, source=ZEROS, around=Slot(d_last))
    for t in reversed(range(0 if has_state else 1, steps)):
        sequence.run(
            update_back_kernel, "gru_update_back", CANDIDATE_BACK, Slot(da, 3 * steps, 3 * t + 2), backward_packed, t,
            passed_back(t), h(t), gates(t), *sequence.derivatives(da, d_projection, t, first), mask,
        )  # fmt: skip
        if t or wants_state:
            into(t - 1, source=of_gates(da, steps, t), around=d)
    d_weight = sequence.weight_gradient(sources, da, weight) if wants_weight else weight.new_empty(0)
    return da if d_projection is None else d_projection, d_weight, d_state
