"""The LSTM's kernels: a step forward in one, a step back in one, in the notation of kernels/DERIVATION.md.

    step     f = sigmoid(p_f + W_f * h), i = sigmoid(p_i + W_i * h), c = tanh(p_c + W_c * h)
             s' = m (f . s + i . c) + (1 - m) s, h' = m tanh(f . s + i . c) + (1 - m) h
    enter    d <- (1 - m) d + W^T * da + dstate; then, of the step before, e, its da and g <- (1 - m) g + e . f

Tensors are those of `sequence`; `EMPTY` says that h and s are zeros and not there to be read.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from convrnn3d.convolution import VARYING, offset, own, store, store_factor, tanh
from convrnn3d.sequence import Sequence

# First gate, number of gates, transposed: the convolution that each kernel begins with.
STEP, ENTER = (0, 3, False), (0, 3, True)


@triton.jit(do_not_specialize=VARYING)
def step_kernel(
    source, source_slots, source_slot, weight, parts, B,
    projection, h, h_slots, h_slot, s, s_slots, s_slot, gates, gate_slots, gate_slot,
    states, last, sources, next_slot, next_s, next_s_slots, next_s_slot, cells, mask, T, t,
    X: tl.constexpr, Y: tl.constexpr, Z: tl.constexpr, C: tl.constexpr, SIDE: tl.constexpr, EMPTY: tl.constexpr,
    SAVE: tl.constexpr,
    ROWS: tl.constexpr, CHANNELS: tl.constexpr, INNER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Without `states` only the gates are computed, for a backward pass that wants them."""
    V: tl.constexpr = X * Y * Z
    b, v, n, tile, a_f, a_i, a_c = own(
        source, source_slots, source_slot, weight, parts, B,
        X, Y, Z, C, SIDE, 0, 3, False, EMPTY, ROWS, CHANNELS, INNER, PRECISION,
    )  # fmt: skip
    p = projection + offset(b, v, n, 3 * T, 3 * t, V, C)
    f = tl.sigmoid(a_f + tl.load(p, tile).to(tl.float32))
    i = tl.sigmoid(a_i + tl.load(p + V * C, tile).to(tl.float32))
    c = tanh(a_c + tl.load(p + 2 * V * C, tile).to(tl.float32))
    if gates is not None:
        gate = gates + offset(b, v, n, 3 * gate_slots, 3 * gate_slot, V, C)
        store(gate, f, tile)
        store(gate + V * C, i, tile)
        store(gate + 2 * V * C, c, tile)
    if states is not None:
        if EMPTY:
            h_before = tl.zeros_like(c)
            s_before = tl.zeros_like(c)
        else:
            h_before = tl.load(h + offset(b, v, n, h_slots, h_slot, V, C), tile).to(tl.float32)
            s_before = tl.load(s + offset(b, v, n, s_slots, s_slot, V, C), tile).to(tl.float32)
        s_after = f * s_before + i * c
        h_after = tanh(s_after)
        if mask is not None:
            seen = tl.load(mask + b * T + t)[:, None] != 0
            h_after = tl.where(seen, h_after, h_before)
            s_after = tl.where(seen, s_after, s_before)
        store(states + offset(b, v, n, T, t, V, C), h_after, tile)
        store(next_s + offset(b, v, n, next_s_slots, next_s_slot, V, C), s_after, tile)
        if t + 1 < T:
            store_factor(sources + offset(b, v, n, T if SAVE else 2, next_slot, V, C), h_after, tile, PRECISION)
        else:
            store(last + offset(b, v, n, 1, 0, V, C), h_after, tile)
        if SAVE:
            if t == 0:
                first = offset(b, v, n, T, 0, V, C)
                store_factor(sources + first, h_before, tile, PRECISION)
                store(cells + first, s_before, tile)


@triton.jit(do_not_specialize=VARYING)
def enter_kernel(
    source, source_slots, source_slot, weight, parts, B,
    d, g, d_states, d_last, d_cell, gates, gate_slots, gate_slot, cells, da, d_projection, mask, T, t,
    X: tl.constexpr, Y: tl.constexpr, Z: tl.constexpr, C: tl.constexpr, SIDE: tl.constexpr, START: tl.constexpr,
    ROWS: tl.constexpr, CHANNELS: tl.constexpr, INNER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """From step t + 1 into step t, or out of the sequence if t is -1. START: from beyond the last step.

    Between steps d and g hold what goes around the step: (1 - m) d, and all of the derivative by s. Where every
    sample has every step nothing goes around, and d is written by the last launch alone.
    """
    V: tl.constexpr = X * Y * Z
    b, v, n, tile, after, _, _ = own(
        source, source_slots, source_slot, weight, parts, B,
        X, Y, Z, C, SIDE, 0, 3, True, START, ROWS, CHANNELS, INNER, PRECISION,
    )  # fmt: skip
    grid = offset(b, v, n, 1, 0, V, C)
    cell = tl.zeros((ROWS, CHANNELS), tl.float32)
    if not START:
        if mask is not None:
            after += tl.load(d + grid, tile)
        cell = tl.load(g + grid, tile)
    else:
        if d_last is not None:
            after += tl.load(d_last + grid, tile).to(tl.float32)
        if d_cell is not None:
            cell += tl.load(d_cell + grid, tile).to(tl.float32)
    if t >= 0:
        if d_states is not None:
            after += tl.load(d_states + offset(b, v, n, T, t, V, C), tile).to(tl.float32)
        gate = gates + offset(b, v, n, 3 * gate_slots, 3 * gate_slot, V, C)
        f, i = tl.load(gate, tile).to(tl.float32), tl.load(gate + V * C, tile).to(tl.float32)
        c = tl.load(gate + 2 * V * C, tile).to(tl.float32)
        s = tl.load(cells + offset(b, v, n, T, t, V, C), tile).to(tl.float32)
        h = tanh(f * s + i * c)
        e = cell + after * (1 - h * h)
        if mask is None:
            cell = e * f
        else:
            seen = tl.load(mask + b * T + t)[:, None] != 0
            after, cell = tl.where(seen, 0, after), tl.where(seen, e * f, cell)
        place = offset(b, v, n, 3 * T, 3 * t, V, C)
        da_f, da_i, da_c = e * s * f * (1 - f), e * c * i * (1 - i), e * i * (1 - c * c)
        if mask is not None:  # zeros by choice, not by product: a step that is not there may hold NaN
            da_f, da_i, da_c = tl.where(seen, da_f, 0), tl.where(seen, da_i, 0), tl.where(seen, da_c, 0)
        store_factor(da + place, da_f, tile, PRECISION)
        store_factor(da + place + V * C, da_i, tile, PRECISION)
        store_factor(da + place + 2 * V * C, da_c, tile, PRECISION)
        if d_projection is not None:
            store(d_projection + place, da_f, tile)
            store(d_projection + place + V * C, da_i, tile)
            store(d_projection + place + 2 * V * C, da_c, tile)
    if mask is not None or t < 0:
        store(d + grid, after, tile)
    store(g + grid, cell, tile)


def forward(
    sequence: Sequence, projection: Tensor, weight: Tensor, state: tuple[Tensor, Tensor] | None, mask: Tensor | None,
    state_dtype: torch.dtype, save: bool, keep: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """states, last, cell, sources, cells, gates; the latter three for `backward` if `save`, gates only if `keep`."""
    steps, slots = sequence.steps, sequence.steps if save else 2
    states, last, cell = (sequence.empty(shape, state_dtype) for shape in ((steps,), (), ()))
    sources = sequence.empty((slots,), sequence.operand)
    cells = sequence.empty((steps if save else 0,), state_dtype)
    gates = sequence.empty((steps if keep else 0, 3), projection.dtype)
    kernels = sequence.forward_kernels(weight)
    for t in range(steps):
        h, source, still = (states, steps, t - 1), (sources, slots, t % slots), state is None and t == 0
        s = (cells, steps, t) if save else (cell, 1, 0)
        if t == 0:
            h_0, s_0 = (None, None) if state is None else state
            h, s, source = (h_0, 1, 0), (s_0, 1, 0), (None if still else sequence.factors(h_0), 1, 0)
        next_s = (cells, steps, t + 1) if save and t + 1 < steps else (cell, 1, 0)
        sequence.run(
            step_kernel, "lstm_step", STEP, source, kernels, projection, *h, *s, gates if keep else None, steps, t,
            states, last, sources, (t + 1) % slots, *next_s, cells, mask, steps, t,
            still=still, EMPTY=still, SAVE=save,
        )  # fmt: skip
    return states, last, cell, sources, cells, gates


def backward(
    sequence: Sequence, d_states: Tensor | None, d_last: Tensor | None, d_cell: Tensor | None, weight: Tensor,
    mask: Tensor | None, sources: Tensor, cells: Tensor, kept: Tensor, recompute: bool, has_state: bool,
    wants_weight: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """dp, dW, dh_0, ds_0 (float32). kept: gates, or the projection if `recompute`; gates are then made again."""
    steps = sequence.steps
    d, g = sequence.empty((), torch.float32), sequence.empty((), torch.float32)
    da = sequence.empty((steps, 3), sequence.operand)
    d_projection = None if sequence.exact(kept.dtype) else sequence.empty((steps, 3), kept.dtype)
    kernels = sequence.backward_kernels(weight)
    gates, slots = (sequence.empty((1, 3), kept.dtype), 1) if recompute else (kept, steps)
    again = sequence.forward_kernels(weight) if recompute else None
    for t in reversed(range(-1 if has_state else 0, steps)):
        start = t == steps - 1
        if again is not None and t >= 0:
            still, h = t == 0 and not has_state, (sources, steps, t)
            sequence.run(
                step_kernel, "lstm_step", STEP, h, again, kept, *h, None, 1, 0, gates, 1, 0,
                None, None, None, 0, None, 1, 0, None, None, steps, t, still=still, EMPTY=still, SAVE=False,
            )  # fmt: skip
        sequence.run(
            enter_kernel, "lstm_enter", ENTER, (da, 3 * steps, 3 * (t + 1)), kernels, d, g, d_states, d_last, d_cell,
            gates, slots, t % slots, cells, da, d_projection, mask, steps, t, still=start, START=start,
        )  # fmt: skip
    d_weight = weight.new_empty(0)
    if wants_weight:
        parts = sequence.weight_parts()
        sequence.weight_gradient(sources, 0, da, (0, 3), parts)
        d_weight = sequence.summed(parts, weight)
    return da if d_projection is None else d_projection, d_weight, d, g
