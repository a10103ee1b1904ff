"""The GRU's kernels: a step forward in two, a step back in two, in the notation of kernels/DERIVATION.md.

    gates         u = sigmoid(p_u + W_u * h), r = sigmoid(p_r + W_r * h), r . h
    update        c = tanh(p_c + W_c * (r . h)), h' = m (u . h + (1 - u) . c) + (1 - m) h
    update_back   q = W_c^T * da_c, da_r = q . h . r . (1 - r), d <- (1 - m) d + m d . u + q . r
    gates_back    d <- d + W_u^T * da_u + W_r^T * da_r + dstate; then, of the step before, da_c and da_u

The first needs every neighbour's h, the second every neighbour's r . h: hence two kernels a step, and as many back.
A kernel begins with its convolution and goes on at the places of its tile. There it reads the grids, at all places,
before it writes: no load waits for a store, not even for one to another place. Gates, and their derivatives, are in the
order u, r, c.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from convrnn3d.activations import sigmoid, tanh
from convrnn3d.convolution import convolution
from convrnn3d.launcher import ZEROS, Slot
from convrnn3d.places import Phase, read, seen, write, write_factor
from convrnn3d.sequence import Sequence

U_AND_R, CANDIDATE = Phase(0, 2), Phase(2, 1)
U_AND_R_BACK, CANDIDATE_BACK = Phase(0, 2, transposed=True), Phase(2, 1, transposed=True)


@triton.jit
def gates_kernel(
    source, weight, parts, B, T, t,  # source: h as a factor
    projection, h, gates, product,  # product: r . h as a factor, zero where a step is not there
    mask,  # (B, T) or None
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    places, sums = convolution(source, weight, parts, B, SHAPE, PHASE, TILE)
    found = ()
    for one in tl.static_range(len(places)):
        place = places[one]
        p_u, p_r = read(projection, place, 0, SHAPE), read(projection, place, 1, SHAPE)
        found = found + ((p_u, p_r, read(h, place, 0, SHAPE)),)  # noqa: RUF005
    for one in tl.static_range(len(places)):
        place, convolved = places[one], sums[one]
        p_u, p_r, before = found[one]
        u, r = sigmoid(p_u + convolved[0], TILE), sigmoid(p_r + convolved[1], TILE)
        write(gates, place, 0, u, SHAPE)
        write(gates, place, 1, r, SHAPE)
        if product.tensor is not None:
            r_h = r * before
            if mask is not None:  # a zero by choice, not by product: a step that is not there may hold NaN
                r_h = tl.where(seen(mask, place, T, t), r_h, 0)
            write_factor(product, place, 0, r_h, SHAPE, TILE)


@triton.jit
def update_kernel(
    source, weight, parts, B, T, t,  # source: r . h as a factor
    projection, h, gates,
    states, last, next_source, first_source,  # h' by step; the last one; as a factor; h_0 as a factor, to be kept
    mask,
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
    KEEP: tl.constexpr,  # c among the gates
):  # fmt: skip
    """Without `states` only c is computed, for a backward pass that wants it."""
    places, sums = convolution(source, weight, parts, B, SHAPE, PHASE, TILE)
    found = ()
    for one in tl.static_range(len(places)):
        place = places[one]
        p_c, u = read(projection, place, 2, SHAPE), read(gates, place, 0, SHAPE)
        found = found + ((p_c, u, read(h, place, 0, SHAPE)),)  # noqa: RUF005
    for one in tl.static_range(len(places)):
        place, convolved = places[one], sums[one]
        p_c, u, before = found[one]
        c = tanh(p_c + convolved[0], projection.tensor.dtype.element_ty, TILE)
        if KEEP:
            write(gates, place, 2, c, SHAPE)
        if states.tensor is not None:
            after = u * before + (1 - u) * c
            if mask is not None:
                after = tl.where(seen(mask, place, T, t), after, before)
            write(states, place, 0, after, SHAPE)
            if t + 1 < T:
                write_factor(next_source, place, 0, after, SHAPE, TILE)
            else:
                write(last, place, 0, after, SHAPE)
    if states.tensor is not None and t == 0:
        for one in tl.static_range(len(places)):
            write_factor(first_source, places[one], 0, found[one][2], SHAPE, TILE)


@triton.jit
def update_back_kernel(
    source, weight, parts, B, T, t,  # source: da_c as a factor
    d, h, gates,
    da, d_projection,  # da as factors; and, where these are rounded, as they are
    mask,
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    places, sums = convolution(source, weight, parts, B, SHAPE, PHASE, TILE)
    found = ()
    for one in tl.static_range(len(places)):
        place = places[one]
        u, r = read(gates, place, 0, SHAPE), read(gates, place, 1, SHAPE)
        found = found + ((read(d, place, 0, SHAPE), u, r, read(h, place, 0, SHAPE)),)  # noqa: RUF005
    for one in tl.static_range(len(places)):
        place, q = places[one], sums[one][0]
        after, u, r, before = found[one]
        da_r = q * before * r * (1 - r)
        around = after * u + q * r
        if mask is not None:
            there = seen(mask, place, T, t)
            da_r, around = tl.where(there, da_r, 0), tl.where(there, around, after)
        write(d, place, 0, around, SHAPE)
        write_factor(da, place, 1, da_r, SHAPE, TILE)
        write(d_projection, place, 1, da_r, SHAPE)


@triton.jit
def gates_back_kernel(
    source, weight, parts, B, T, t,  # source: da_u and da_r of step t + 1 as factors
    around, d_states,  # what goes around step t + 1, or dlast; the derivative by step t's state as an output
    h, gates, d, da, d_projection, mask,
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """From step t + 1, or from beyond the last one, into step t; out of the sequence if t is -1."""
    places, sums = convolution(source, weight, parts, B, SHAPE, PHASE, TILE)
    if t < 0:
        for one in tl.static_range(len(places)):
            place = places[one]
            write(d, place, 0, sums[one][0] + read(around, place, 0, SHAPE), SHAPE)
    else:
        found = ()
        for one in tl.static_range(len(places)):
            place = places[one]
            after = sums[one][0] + (read(around, place, 0, SHAPE) + read(d_states, place, 0, SHAPE))
            u, c = read(gates, place, 0, SHAPE), read(gates, place, 2, SHAPE)
            found = found + ((after, u, c, read(h, place, 0, SHAPE)),)  # noqa: RUF005
        for one in tl.static_range(len(places)):
            place = places[one]
            after, u, c, before = found[one]
            da_c = after * (1 - u) * (1 - c * c)
            da_u = after * (before - c) * u * (1 - u)
            if mask is not None:
                there = seen(mask, place, T, t)
                da_c, da_u = tl.where(there, da_c, 0), tl.where(there, da_u, 0)
            write_factor(da, place, 0, da_u, SHAPE, TILE)
            write_factor(da, place, 2, da_c, SHAPE, TILE)
            write(d_projection, place, 0, da_u, SHAPE)
            write(d_projection, place, 2, da_c, SHAPE)
            write(d, place, 0, after, SHAPE)


def forward(
    sequence: Sequence, projection: Tensor, weight: Tensor, state: Tensor | None, mask: Tensor | None,
    carried: torch.dtype, save: bool, keep: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """states, last, of type `carried`; sources, gates, packed for `backward`, if `save`, gates if `keep`."""
    steps = sequence.steps
    slots, kept = steps if save else 2, steps if keep else 1
    states, last = sequence.empty((steps,), carried), sequence.empty((), carried)
    sources, gates = sequence.empty((slots, 2), sequence.operand), sequence.empty((kept, 3), projection.dtype)
    packed = sequence.pack(weight, save)
    forward_packed = packed[0]

    def source(t: int) -> Slot:
        """Where h_{t-1} is as a factor; r . h_{t-1} is next to it."""
        return Slot(sources, 2 * slots, 2 * (t % slots))

    for t in range(steps):
        h = Slot(states, steps, t - 1) if t else Slot(state)
        h_factor = source(t) if t else Slot(None if state is None else sequence.factors(state))
        product = source(t)._replace(slot=source(t).slot + 1)
        p, gate = Slot(projection, 3 * steps, 3 * t), Slot(gates, 3 * kept, 3 * (t % kept))
        sequence.run(gates_kernel, "gru_gates", U_AND_R, h_factor, forward_packed, t, p, h, gate, product, mask)
        sequence.run(
            update_kernel, "gru_update", CANDIDATE, product if h.tensor is not None else ZEROS, forward_packed, t, p, h,
            gate, Slot(states, steps, t), Slot(last), source(t + 1), source(0) if save else ZEROS, mask, KEEP=keep,
        )  # fmt: skip
    return states, last, sources, gates, packed


def backward(
    sequence: Sequence, d_states: Tensor | None, d_last: Tensor | None, weight: Tensor, packed: Tensor,
    mask: Tensor | None, sources: Tensor, states: Tensor | None, state: Tensor | None, kept: Tensor,
    carried: torch.dtype, recompute: bool, has_state: bool, wants_weight: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """dp, dW, dh_0, the last empty without a first state.

    kept: gates, or the projection if `recompute`; each step's gates are then made again.
    states and the initial state are needed where `sources`, in the operands' type, are not exactly they: h - c would
    feel the rounding.
    """
    steps = sequence.steps
    d, da = Slot(sequence.empty((), torch.float32)), sequence.empty((steps, 3), sequence.operand)
    d_projection = None if sequence.exact(kept.dtype) else sequence.empty((steps, 3), kept.dtype)
    d_state = sequence.state_gradient(d.tensor, carried, has_state)
    forward_packed, backward_packed = packed.unbind(0)
    again = Slot(sequence.empty((1, 3), kept.dtype), 3) if recompute else None

    def h(t: int) -> Slot:
        """h_{t-1}, as it was carried."""
        if states is None or (t == 0 and state is None):
            return Slot(sources, 2 * steps, 2 * t)
        return Slot(states, steps, t - 1) if t else Slot(state)

    def gates(t: int) -> Slot:
        return Slot(kept, 3 * steps, 3 * t) if again is None else again

    def da_of(t: int) -> Slot:
        return Slot(da, 3 * steps, 3 * t)

    def d_projection_of(t: int) -> Slot:
        return Slot(d_projection, 3 * steps, 3 * t)

    def gates_again(t: int) -> None:
        p, from_zeros = Slot(kept, 3 * steps, 3 * t), t == 0 and not has_state
        h_factor, product = (ZEROS if from_zeros else Slot(sources, 2 * steps, 2 * t + place) for place in (0, 1))
        sequence.run(gates_kernel, "gru_gates", U_AND_R, h_factor, forward_packed, t, p, ZEROS, again, ZEROS, None)
        sequence.run(
            update_kernel, "gru_update", CANDIDATE, product, forward_packed, t, p, ZEROS, again,
            ZEROS, ZEROS, ZEROS, ZEROS, None, KEEP=True,
        )  # fmt: skip

    def into(t: int, source: Slot, around: Slot) -> None:
        """Into step t."""
        if recompute and t >= 0:
            gates_again(t)
        sequence.run(
            gates_back_kernel, "gru_gates_back", U_AND_R_BACK, source, backward_packed, t, around,
            Slot(d_states, steps, t), h(t), gates(t), d if t >= 0 else Slot(d_state), da_of(t), d_projection_of(t),
            mask,
        )  # fmt: skip

    into(steps - 1, source=ZEROS, around=Slot(d_last))
    for t in reversed(range(steps)):
        from_zeros = t == 0 and not has_state  # nothing asks for q, and h is zero
        da_c = ZEROS if from_zeros else Slot(da, 3 * steps, 3 * t + 2)
        sequence.run(
            update_back_kernel, "gru_update_back", CANDIDATE_BACK, da_c, backward_packed, t, d, h(t), gates(t),
            da_of(t), d_projection_of(t), mask,
        )  # fmt: skip
        if not from_zeros:
            into(t - 1, source=da_of(t), around=d)
    d_weight = sequence.weight_gradient(sources, da, weight) if wants_weight else weight.new_empty(0)
    return da if d_projection is None else d_projection, d_weight, d_state
