"""The GRU's kernels, two for a step and two for its backward pass, in the notation of kernels/DERIVATION.md.

    gates         u = sigmoid(p_u + W_u * h), r = sigmoid(p_r + W_r * h), r . h
    update        c = tanh(p_c + W_c * (r . h)), h' = m (u . h + (1 - u) . c) + (1 - m) h
    update_back   q = W_c^T * da_c, da_r = q . h . r . (1 - r), around = (1 - m) d + e . u + q . r
    gates_back    d = around + W_u^T * da_u + W_r^T * da_r + doutput; then, of the step before, da_c and da_u

`gates` needs every neighbour's h, and `update` every neighbour's r . h, hence two kernels for a step and two for its
backward pass. A first step from zeros needs neither, and r has no effect on it: `update`, which then also computes u,
and `gates_back` are enough. A kernel begins with its convolution and continues at the places of its tile. It reads the
grids at all places before it writes, so that no load waits for a store, not even for one to another place. Its grids
are Slots of one step, and shapes are given for that step. Gates and their derivatives are in the order u, r, c; a Slot
of three refers to the first.
"""

import triton
import triton.language as tl

from convrnn3d.activations import sigmoid, tanh
from convrnn3d.convolution import convolution
from convrnn3d.places import read, seen, write, write_factor


@triton.jit
def gates_kernel(
    source, weight, parts, B, T, t,  # source: h as a factor
    projection,  # (B, 3, X, Y, Z, C) p
    state,  # (B, X, Y, Z, C) h
    gates,  # (B, 3, X, Y, Z, C) u, r, c
    r_h_source,  # (B, X, Y, Z, C) r . h as a factor, zero where the step is absent
    mask,  # (B, T) or None
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
    KEEP: tl.constexpr,  # whether r is written to `gates`
):  # fmt: skip
    places, sums = convolution(source, weight, parts, B, SHAPE, PHASE, TILE)
    found = ()
    for at in tl.static_range(len(places)):
        place = places[at]
        p_u, p_r = read(projection, place, 0, SHAPE), read(projection, place, 1, SHAPE)
        found = found + ((p_u, p_r, read(state, place, 0, SHAPE)),)
    for at in tl.static_range(len(places)):
        place, convolved = places[at], sums[at]
        p_u, p_r, h = found[at]
        u, r = sigmoid(p_u + convolved[0], TILE), sigmoid(p_r + convolved[1], TILE)
        write(gates, place, 0, u, SHAPE)
        if KEEP:
            write(gates, place, 1, r, SHAPE)
        if r_h_source.tensor is not None:
            r_h = r * h
            if mask is not None:  # zero is selected, not multiplied by: an absent step may hold NaN
                r_h = tl.where(seen(mask, place, T, t), r_h, 0)
            write_factor(r_h_source, place, 0, r_h, SHAPE, TILE)


@triton.jit
def update_kernel(
    source, weight, parts, B, T, t,  # source: r . h as a factor; none in a first step from zeros
    projection,  # (B, 3, X, Y, Z, C) p
    state,  # (B, X, Y, Z, C) h
    gates,  # (B, 3, X, Y, Z, C) u, r, c
    states, last,  # (B, X, Y, Z, C) h' as this step's state and, in the last step, once more
    next_source,  # (B, X, Y, Z, C) h' as a factor
    first_source,  # (B, X, Y, Z, C) in step 0, h_0 as a factor, saved for backward in the slot before its r . h
    mask,  # (B, T) or None
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
    KEEP: tl.constexpr,  # whether c is written to `gates`; from zeros, all three
):  # fmt: skip
    """Without `states`, only the gates are computed, for a backward pass that recomputes them."""
    places, sums = convolution(source, weight, parts, B, SHAPE, PHASE, TILE)
    found = ()
    for at in tl.static_range(len(places)):
        place = places[at]
        p_c = read(projection, place, 2, SHAPE)
        if source.tensor is None:
            p_u, p_r = read(projection, place, 0, SHAPE), read(projection, place, 1, SHAPE)
            u, r = sigmoid(p_u, TILE), sigmoid(p_r, TILE)
        else:
            u, r = read(gates, place, 0, SHAPE), p_c  # r is in `gates` already: any value
        found = found + ((p_c, u, r, read(state, place, 0, SHAPE)),)
    for at in tl.static_range(len(places)):
        place, convolved = places[at], sums[at]
        p_c, u, r, h = found[at]
        c = tanh(p_c + convolved[0], projection.tensor.dtype.element_ty, TILE)
        if KEEP:
            write(gates, place, 2, c, SHAPE)
            if source.tensor is None:
                write(gates, place, 0, u, SHAPE)
                write(gates, place, 1, r, SHAPE)
        if states.tensor is not None:
            h_next = u * h + (1 - u) * c
            if mask is not None:
                h_next = tl.where(seen(mask, place, T, t), h_next, h)
            write(states, place, 0, h_next, SHAPE)
            if t + 1 < T:
                write_factor(next_source, place, 0, h_next, SHAPE, TILE)
            else:
                write(last, place, 0, h_next, SHAPE)
    for at in tl.static_range(len(places)):
        write_factor(first_source, places[at], 0, found[at][3], SHAPE, TILE)
        if source.tensor is None:
            write_factor(first_source, places[at], 1, found[at][3], SHAPE, TILE)


@triton.jit
def update_back_kernel(
    source, weight, parts, B, T, t,  # source: da_c as a factor
    d_state,  # (B, X, Y, Z, C) float32, d; then around: what goes around the convolutions of u and r
    state,  # (B, X, Y, Z, C) h
    gates,  # (B, 3, X, Y, Z, C) u, r, c
    da, d_projection,  # (B, 3, X, Y, Z, C) da as factors; and unrounded, where factors are rounded
    mask,  # (B, T) or None
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    places, sums = convolution(source, weight, parts, B, SHAPE, PHASE, TILE)
    found = ()
    for at in tl.static_range(len(places)):
        place = places[at]
        u, r = read(gates, place, 0, SHAPE), read(gates, place, 1, SHAPE)
        found = found + ((read(d_state, place, 0, SHAPE), u, r, read(state, place, 0, SHAPE)),)
    for at in tl.static_range(len(places)):
        place, q = places[at], sums[at][0]
        d, u, r, h = found[at]
        da_r = q * h * r * (1 - r)
        around = d * u + q * r
        if mask is not None:
            there = seen(mask, place, T, t)
            da_r, around = tl.where(there, da_r, 0), tl.where(there, around, d)
        write(d_state, place, 0, around, SHAPE)
        write_factor(da, place, 1, da_r, SHAPE, TILE)
        write(d_projection, place, 1, da_r, SHAPE)


@triton.jit
def gates_back_kernel(
    source, weight, parts, B, T, t,  # source: da_u and da_r of step t + 1 as factors
    around,  # (B, X, Y, Z, C) what goes around the convolutions of step t + 1, or dlast
    d_output,  # (B, X, Y, Z, C) the derivative by step t's state as an output
    state,  # (B, X, Y, Z, C) h; none in a first step from zeros
    gates,  # (B, 3, X, Y, Z, C) u, r, c
    d_state,  # (B, X, Y, Z, C) d of step t, or the derivative by the first state
    da, d_projection,  # (B, 3, X, Y, Z, C) da as factors; and unrounded, where factors are rounded
    mask,  # (B, T) or None
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Go from step t + 1, or from beyond the last step, into step t; out of the sequence if t is -1."""
    places, sums = convolution(source, weight, parts, B, SHAPE, PHASE, TILE)
    if t < 0:
        d_first = ()
        for at in tl.static_range(len(places)):
            d_first = d_first + (sums[at][0] + read(around, places[at], 0, SHAPE),)
        for at in tl.static_range(len(places)):
            write(d_state, places[at], 0, d_first[at], SHAPE)
    else:
        found = ()
        for at in tl.static_range(len(places)):
            place = places[at]
            d = sums[at][0] + (read(around, place, 0, SHAPE) + read(d_output, place, 0, SHAPE))
            u, c = read(gates, place, 0, SHAPE), read(gates, place, 2, SHAPE)
            found = found + ((d, u, c, read(state, place, 0, SHAPE)),)
        for at in tl.static_range(len(places)):
            place = places[at]
            d, u, c, h = found[at]
            da_c = d * (1 - u) * (1 - c * c)
            da_u = d * (h - c) * u * (1 - u)
            if mask is not None:  # e instead of d: nothing went through an absent step
                there = seen(mask, place, T, t)
                da_c, da_u = tl.where(there, da_c, 0), tl.where(there, da_u, 0)
            write_factor(da, place, 0, da_u, SHAPE, TILE)
            write_factor(da, place, 2, da_c, SHAPE, TILE)
            write(d_projection, place, 0, da_u, SHAPE)
            write(d_projection, place, 2, da_c, SHAPE)
            if state.tensor is None:
                write_factor(da, place, 1, tl.zeros_like(d), SHAPE, TILE)
                write(d_projection, place, 1, tl.zeros_like(d), SHAPE)
            write(d_state, place, 0, d, SHAPE)
