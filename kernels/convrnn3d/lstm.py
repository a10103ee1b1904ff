"""The LSTM's kernels, one for a step and one for its backward pass, in the notation of kernels/DERIVATION.md.

    step        f = sigmoid(p_f + W_f * h), i = sigmoid(p_i + W_i * h), c = tanh(p_c + W_c * h)
                s' = m (f . s + i . c) + (1 - m) s, h' = m tanh(f . s + i . c) + (1 - m) h
    step_back   d = (1 - m) d + W^T * da + doutput; then, of the step before, e, its da and ds = (1 - m) g + e . f

A kernel begins with its convolution and continues at the places of its tile. It reads the grids at all places before it
writes. Its grids are Slots of one step, and shapes are given for that step. Gates and their derivatives are in the
order f, i, c; a Slot of three refers to the first.
"""

import triton
import triton.language as tl

from convrnn3d.activations import sigmoid, tanh
from convrnn3d.convolution import convolution
from convrnn3d.places import read, seen, write, write_factor


@triton.jit
def step_kernel(
    source, weight, parts, B, T, t,  # source: h as a factor
    projection,  # (B, 3, X, Y, Z, C) p
    state, cell,  # (B, X, Y, Z, C) h, where the mask may select it or `first_source` takes it; s
    gates,  # (B, 3, X, Y, Z, C) f, i, c
    states, last,  # (B, X, Y, Z, C) h' as this step's state and, in the last step, once more
    next_source, first_source,  # (B, X, Y, Z, C) h' as a factor; in step 0, h_0 as a factor, saved for backward
    next_cell, first_cell,  # (B, X, Y, Z, C) s'; in step 0, s_0, saved for backward
    mask,  # (B, T) or None
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Without `states`, only the gates are computed, for a backward pass that recomputes them."""
    places, sums = convolution(source, weight, parts, B, SHAPE, PHASE, TILE)
    found = ()
    for at in tl.static_range(len(places)):
        place = places[at]
        p_f, p_i = read(projection, place, 0, SHAPE), read(projection, place, 1, SHAPE)
        p_c = read(projection, place, 2, SHAPE)
        found = found + ((p_f, p_i, p_c, read(state, place, 0, SHAPE), read(cell, place, 0, SHAPE)),)
    for at in tl.static_range(len(places)):
        place, convolved = places[at], sums[at]
        p_f, p_i, p_c, h, s = found[at]
        f, i = sigmoid(p_f + convolved[0], TILE), sigmoid(p_i + convolved[1], TILE)
        c = tanh(p_c + convolved[2], projection.tensor.dtype.element_ty, TILE)
        write(gates, place, 0, f, SHAPE)
        write(gates, place, 1, i, SHAPE)
        write(gates, place, 2, c, SHAPE)
        if states.tensor is not None:
            s_next = f * s + i * c
            h_next = tanh(s_next, states.tensor.dtype.element_ty, TILE)
            if mask is not None:
                there = seen(mask, place, T, t)
                h_next, s_next = tl.where(there, h_next, h), tl.where(there, s_next, s)
            write(states, place, 0, h_next, SHAPE)
            write(next_cell, place, 0, s_next, SHAPE)
            if t + 1 < T:
                write_factor(next_source, place, 0, h_next, SHAPE, TILE)
            else:
                write(last, place, 0, h_next, SHAPE)
    for at in tl.static_range(len(places)):
        write_factor(first_source, places[at], 0, found[at][3], SHAPE, TILE)
        write(first_cell, places[at], 0, found[at][4], SHAPE)


@triton.jit
def step_back_kernel(
    source, weight, parts, B, T, t,  # source: da of step t + 1 as factors
    around,  # (B, X, Y, Z, C) what goes around the convolutions of step t + 1, or dlast
    d_output,  # (B, X, Y, Z, C) the derivative by step t's state as an output
    d_next_cell, d_cell,  # (B, X, Y, Z, C) g; ds, which is the g of the preceding step
    cell,  # (B, X, Y, Z, C) s
    gates,  # (B, 3, X, Y, Z, C) f, i, c
    d_around,  # (B, X, Y, Z, C) (1 - m) d, which goes around step t; or the derivative by the first state
    da, d_projection,  # (B, 3, X, Y, Z, C) da as factors; and unrounded, where factors are rounded
    mask,  # (B, T) or None
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Go from step t + 1, or from beyond the last step, into step t; out of the sequence if t is -1.

    Nothing goes around a step that every sample has: without a mask, `around` and `d_around` are given only at the
    ends of the sequence.
    """
    places, sums = convolution(source, weight, parts, B, SHAPE, PHASE, TILE)
    if t < 0:
        d_first = ()
        for at in tl.static_range(len(places)):
            d_h = sums[at][0] + read(around, places[at], 0, SHAPE)
            d_first = d_first + ((d_h, read(d_next_cell, places[at], 0, SHAPE)),)
        for at in tl.static_range(len(places)):
            write(d_around, places[at], 0, d_first[at][0], SHAPE)
            write(d_cell, places[at], 0, d_first[at][1], SHAPE)
    else:
        found = ()
        for at in tl.static_range(len(places)):
            place = places[at]
            d = sums[at][0] + (read(around, place, 0, SHAPE) + read(d_output, place, 0, SHAPE))
            f, i, c = read(gates, place, 0, SHAPE), read(gates, place, 1, SHAPE), read(gates, place, 2, SHAPE)
            found = found + ((d, read(d_next_cell, place, 0, SHAPE), f, i, c, read(cell, place, 0, SHAPE)),)
        for at in tl.static_range(len(places)):
            place = places[at]
            d, g, f, i, c, s = found[at]
            h_hat = tanh(f * s + i * c, cell.tensor.dtype.element_ty, TILE)
            e = g + d * (1 - h_hat * h_hat)
            da_f, da_i, da_c = e * s * f * (1 - f), e * c * i * (1 - i), e * i * (1 - c * c)
            if mask is None:
                ds = e * f
            else:  # zeros are selected, not multiplied by: an absent step may hold NaN
                there = seen(mask, place, T, t)
                d, ds = tl.where(there, 0, d), tl.where(there, e * f, g)
                da_f, da_i, da_c = tl.where(there, da_f, 0), tl.where(there, da_i, 0), tl.where(there, da_c, 0)
            write_factor(da, place, 0, da_f, SHAPE, TILE)
            write_factor(da, place, 1, da_i, SHAPE, TILE)
            write_factor(da, place, 2, da_c, SHAPE, TILE)
            write(d_projection, place, 0, da_f, SHAPE)
            write(d_projection, place, 1, da_i, SHAPE)
            write(d_projection, place, 2, da_c, SHAPE)
            write(d_around, place, 0, d, SHAPE)
            write(d_cell, place, 0, ds, SHAPE)
