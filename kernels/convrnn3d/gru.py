"""The GRU's kernels: a step forward in two, a step back in two, in the notation of kernels/DERIVATION.md.

    gates    u = sigmoid(p_u + W_u * h), r = sigmoid(p_r + W_r * h), r . h
    update   c = tanh(p_c + W_c * (r . h)), h' = m (u . h + (1 - u) . c) + (1 - m) h
    reset    q = W_c^T * da_c, da_r = q . h . r . (1 - r), d <- (1 - m) d + m d . u + q . r
    enter    d <- d + W_u^T * da_u + W_r^T * da_r + dstate; then, of the step before, da_c and da_u

The first needs every neighbour's h, the second every neighbour's r . h: hence two kernels a step, and as many back.
Tensors are those of `sequence`; `EMPTY` says that h is zeros and not there to be read.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from convrnn3d.convolution import VARYING, offset, own, store, store_factor, tanh
from convrnn3d.sequence import Sequence

# First gate, number of gates, transposed: the convolution that each kernel begins with.
GATES, UPDATE, RESET, ENTER = (0, 2, False), (2, 1, False), (2, 1, True), (0, 2, True)


@triton.jit(do_not_specialize=VARYING)
def gates_kernel(
    source, source_slots, source_slot, weight, parts, B,
    projection, h, h_slots, h_slot, gates, gate_slots, gate_slot, reset, reset_slots, reset_slot, mask, T, t,
    X: tl.constexpr, Y: tl.constexpr, Z: tl.constexpr, C: tl.constexpr, SIDE: tl.constexpr, EMPTY: tl.constexpr,
    ROWS: tl.constexpr, CHANNELS: tl.constexpr, INNER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """`reset`, r . h of every step, is read again for the gradient of W_c: where a step is not there, it is zero."""
    V: tl.constexpr = X * Y * Z
    b, v, n, tile, a_u, a_r, _ = own(
        source, source_slots, source_slot, weight, parts, B,
        X, Y, Z, C, SIDE, 0, 2, False, EMPTY, ROWS, CHANNELS, INNER, PRECISION,
    )  # fmt: skip
    p = projection + offset(b, v, n, 3 * T, 3 * t, V, C)
    u = tl.sigmoid(a_u + tl.load(p, tile).to(tl.float32))
    r = tl.sigmoid(a_r + tl.load(p + V * C, tile).to(tl.float32))
    gate = gates + offset(b, v, n, 3 * gate_slots, 3 * gate_slot, V, C)
    store(gate, u, tile)
    store(gate + V * C, r, tile)
    if reset is not None:
        if EMPTY:
            product = tl.zeros_like(r)
        else:
            product = r * tl.load(h + offset(b, v, n, h_slots, h_slot, V, C), tile).to(tl.float32)
            if mask is not None:  # a zero by choice: a step that is not there may hold NaN
                product = tl.where(tl.load(mask + b * T + t)[:, None] != 0, product, 0)
        store_factor(reset + offset(b, v, n, reset_slots, reset_slot, V, C), product, tile, PRECISION)


@triton.jit(do_not_specialize=VARYING)
def update_kernel(
    source, source_slots, source_slot, weight, parts, B,
    projection, h, h_slots, h_slot, gates, gate_slots, gate_slot, states, last, sources, next_slot, mask, T, t,
    X: tl.constexpr, Y: tl.constexpr, Z: tl.constexpr, C: tl.constexpr, SIDE: tl.constexpr, EMPTY: tl.constexpr,
    SAVE: tl.constexpr, KEEP: tl.constexpr,
    ROWS: tl.constexpr, CHANNELS: tl.constexpr, INNER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """`source` is r . h here. Without `states` only the candidate is computed, for a backward pass that wants it."""
    V: tl.constexpr = X * Y * Z
    b, v, n, tile, a_c, _, _ = own(
        source, source_slots, source_slot, weight, parts, B,
        X, Y, Z, C, SIDE, 2, 1, False, EMPTY, ROWS, CHANNELS, INNER, PRECISION,
    )  # fmt: skip
    c = tanh(a_c + tl.load(projection + offset(b, v, n, 3 * T, 3 * t + 2, V, C), tile).to(tl.float32))
    gate = gates + offset(b, v, n, 3 * gate_slots, 3 * gate_slot, V, C)
    if KEEP:
        store(gate + 2 * V * C, c, tile)
    if states is not None:
        u = tl.load(gate, tile).to(tl.float32)
        if EMPTY:
            before = tl.zeros_like(c)
        else:
            before = tl.load(h + offset(b, v, n, h_slots, h_slot, V, C), tile).to(tl.float32)
        after = u * before + (1 - u) * c
        if mask is not None:
            after = tl.where(tl.load(mask + b * T + t)[:, None] != 0, after, before)
        store(states + offset(b, v, n, T, t, V, C), after, tile)
        if t + 1 < T:
            store_factor(sources + offset(b, v, n, 2 * T if SAVE else 4, next_slot, V, C), after, tile, PRECISION)
        else:
            store(last + offset(b, v, n, 1, 0, V, C), after, tile)
        if SAVE:
            if t == 0:
                store_factor(sources + offset(b, v, n, 2 * T, 0, V, C), before, tile, PRECISION)


@triton.jit(do_not_specialize=VARYING)
def reset_kernel(
    source, source_slots, source_slot, weight, parts, B,
    d, h, h_slots, h_slot, gates, gate_slots, gate_slot, da, d_projection, mask, T, t,
    X: tl.constexpr, Y: tl.constexpr, Z: tl.constexpr, C: tl.constexpr, SIDE: tl.constexpr, EMPTY: tl.constexpr,
    ROWS: tl.constexpr, CHANNELS: tl.constexpr, INNER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    V: tl.constexpr = X * Y * Z
    b, v, n, tile, q, _, _ = own(
        source, source_slots, source_slot, weight, parts, B,
        X, Y, Z, C, SIDE, 2, 1, True, EMPTY, ROWS, CHANNELS, INNER, PRECISION,
    )  # fmt: skip
    gate = gates + offset(b, v, n, 3 * gate_slots, 3 * gate_slot, V, C)
    u, r = tl.load(gate, tile).to(tl.float32), tl.load(gate + V * C, tile).to(tl.float32)
    before = tl.load(h + offset(b, v, n, h_slots, h_slot, V, C), tile).to(tl.float32)
    here = d + offset(b, v, n, 1, 0, V, C)
    after = tl.load(here, tile)
    da_r, around = q * before * r * (1 - r), after * u + q * r
    if mask is not None:  # zeros by choice, not by product: a step that is not there may hold NaN
        seen = tl.load(mask + b * T + t)[:, None] != 0
        da_r, around = tl.where(seen, da_r, 0), tl.where(seen, around, after)
    store(here, around, tile)
    place = offset(b, v, n, 3 * T, 3 * t + 1, V, C)
    store_factor(da + place, da_r, tile, PRECISION)
    if d_projection is not None:
        store(d_projection + place, da_r, tile)


@triton.jit(do_not_specialize=VARYING)
def enter_kernel(
    source, source_slots, source_slot, weight, parts, B,
    d, d_states, d_last, h, h_slots, h_slot, gates, gate_slots, gate_slot, da, d_projection, mask, T, t,
    X: tl.constexpr, Y: tl.constexpr, Z: tl.constexpr, C: tl.constexpr, SIDE: tl.constexpr,
    START: tl.constexpr,
    ROWS: tl.constexpr, CHANNELS: tl.constexpr, INNER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """From step t + 1 into step t, or out of the sequence if t is -1. START: from beyond the last step."""
    V: tl.constexpr = X * Y * Z
    b, v, n, tile, after, _, _ = own(
        source, source_slots, source_slot, weight, parts, B,
        X, Y, Z, C, SIDE, 0, 2, True, START, ROWS, CHANNELS, INNER, PRECISION,
    )  # fmt: skip
    grid = offset(b, v, n, 1, 0, V, C)
    if not START:
        after += tl.load(d + grid, tile)
    elif d_last is not None:
        after += tl.load(d_last + grid, tile).to(tl.float32)
    if t >= 0:
        if d_states is not None:
            after += tl.load(d_states + offset(b, v, n, T, t, V, C), tile).to(tl.float32)
        gate = gates + offset(b, v, n, 3 * gate_slots, 3 * gate_slot, V, C)
        u, c = tl.load(gate, tile).to(tl.float32), tl.load(gate + 2 * V * C, tile).to(tl.float32)
        before = tl.load(h + offset(b, v, n, h_slots, h_slot, V, C), tile).to(tl.float32)
        da_c = after * (1 - u) * (1 - c * c)
        da_u = after * (before - c) * u * (1 - u)
        if mask is not None:
            seen = tl.load(mask + b * T + t)[:, None] != 0
            da_c, da_u = tl.where(seen, da_c, 0), tl.where(seen, da_u, 0)
        place = offset(b, v, n, 3 * T, 3 * t, V, C)
        store_factor(da + place, da_u, tile, PRECISION)
        store_factor(da + place + 2 * V * C, da_c, tile, PRECISION)
        if d_projection is not None:
            store(d_projection + place, da_u, tile)
            store(d_projection + place + 2 * V * C, da_c, tile)
    store(d + grid, after, tile)


def forward(
    sequence: Sequence, projection: Tensor, weight: Tensor, state: Tensor | None, mask: Tensor | None,
    state_dtype: torch.dtype, save: bool, keep: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """states, last, sources, gates; the latter two for `backward` if `save`, gates only if `keep`."""
    steps, slots, kept = sequence.steps, sequence.steps if save else 2, sequence.steps if keep else 1
    states, last = sequence.empty((steps,), state_dtype), sequence.empty((), state_dtype)
    sources = sequence.empty((slots, 2), sequence.operand)
    gates = sequence.empty((kept, 3), projection.dtype)
    kernels = sequence.forward_kernels(weight)
    for t in range(steps):
        h, source = (states, steps, t - 1), (sources, 2 * slots, 2 * (t % slots))
        product = (sources, 2 * slots, 2 * (t % slots) + 1)
        if t == 0:
            h, source = (state, 1, 0), (None if state is None else sequence.factors(state), 1, 0)
        gate, still = (gates, kept, t % kept), state is None and t == 0
        sequence.run(
            gates_kernel, "gru_gates", GATES, source, kernels, projection, *h, *gate, *product, mask, steps, t,
            still=still, EMPTY=still,
        )  # fmt: skip
        sequence.run(
            update_kernel, "gru_update", UPDATE, product, kernels, projection, *h, *gate, states, last, sources,
            2 * ((t + 1) % slots), mask, steps, t, still=still, EMPTY=still, SAVE=save, KEEP=keep,
        )  # fmt: skip
    return states, last, sources, gates


def backward(
    sequence: Sequence, d_states: Tensor | None, d_last: Tensor | None, weight: Tensor, mask: Tensor | None,
    sources: Tensor, states: Tensor | None, state: Tensor | None, kept: Tensor, recompute: bool, has_state: bool,
    wants_weight: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """dp, dW, dh_0 (float32). kept: gates, or the projection if `recompute`; each step's gates are then made again.

    states and the initial state are needed where `sources`, in the operands' type, are not exactly they: h - c would
    feel the rounding.
    """
    steps = sequence.steps
    d, da = sequence.empty((), torch.float32), sequence.empty((steps, 3), sequence.operand)
    d_projection = None if sequence.exact(kept.dtype) else sequence.empty((steps, 3), kept.dtype)
    kernels = sequence.backward_kernels(weight)
    again = _Again(sequence, kept, weight, sources, has_state) if recompute else None

    def before(t: int) -> tuple[Tensor, int, int]:
        """h_{t-1}, as it was carried."""
        if states is None or (t == 0 and state is None):
            return sources, 2 * steps, 2 * t
        return (states, steps, t - 1) if t else (state, 1, 0)

    def enter(t: int) -> None:
        """Into step t."""
        source, start = (da, 3 * steps, 3 * (t + 1)), t == steps - 1
        gate = (kept, steps, t) if again is None else again.compute(t, before(t))
        sequence.run(
            enter_kernel, "gru_enter", ENTER, source, kernels, d, d_states, d_last, *before(t), *gate, da,
            d_projection, mask, steps, t, still=start, START=start,
        )  # fmt: skip

    enter(steps - 1)
    for t in reversed(range(steps)):
        still = t == 0 and not has_state
        gate = (kept, steps, t) if again is None else again.slot
        sequence.run(
            reset_kernel, "gru_reset", RESET, (da, 3 * steps, 3 * t + 2), kernels, d, *before(t), *gate, da,
            d_projection, mask, steps, t, still=still, EMPTY=still,
        )  # fmt: skip
        if not still:
            enter(t - 1)
    d_weight = weight.new_empty(0)
    if wants_weight:
        parts = sequence.weight_parts()
        sequence.weight_gradient(sources, 0, da, (0, 2), parts)
        sequence.weight_gradient(sources, 1, da, (2, 1), parts)
        d_weight = sequence.summed(parts, weight)
    return da if d_projection is None else d_projection, d_weight, d


class _Again:
    """The gates of one step at a time, computed again."""

    def __init__(
        self, sequence: Sequence, projection: Tensor, weight: Tensor, sources: Tensor, has_state: bool
    ) -> None:
        self.sequence, self.projection, self.sources, self.has_state = sequence, projection, sources, has_state
        self.kernels = sequence.forward_kernels(weight)
        self.slot = (sequence.empty((1, 3), projection.dtype), 1, 0)

    def compute(self, t: int, h: tuple[Tensor, int, int]) -> tuple[Tensor, int, int]:
        """The slot that holds step t's gates until the next call; nothing is done before the first step."""
        sequence, steps = self.sequence, self.sequence.steps
        if t >= 0:
            still = t == 0 and not self.has_state
            sequence.run(
                gates_kernel, "gru_gates", GATES, (self.sources, 2 * steps, 2 * t), self.kernels, self.projection, *h,
                *self.slot, None, 1, 0, None, steps, t, still=still, EMPTY=still,
            )  # fmt: skip
            sequence.run(
                update_kernel, "gru_update", UPDATE, (self.sources, 2 * steps, 2 * t + 1), self.kernels, self.projection, *h,
                *self.slot,
                None, None, None, 0, None, steps, t, still=still, EMPTY=still, SAVE=True, KEEP=True,
            )  # fmt: skip
        return self.slot
