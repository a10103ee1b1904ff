"""The recurrences in PyTorch with the backward pass written by hand: the path for CPUs, close to what the kernels do.

The formulas and their notation are those of kernels/DERIVATION.md. For a backward pass, the forward pass saves each
step's gates, the LSTM's s and h^ as well. The backward pass goes through the steps in reverse, then sums the weight's
gradient over all of them at once. A first state of zeros is not convolved, and its step is not in that sum. The caller
says what multiplies: see `plain` and `onednn`.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from convrnn3d.backward import (
    backward_pass,
    derivative_by_state,
    empty_gates,
    first_convolving_step,
    states_before,
)
from convrnn3d.checks import check_inputs, differentiated
from convrnn3d.once import once
from convrnn3d.plain import Plain, Products
from convrnn3d.reference import only_seen, where_seen, zero_state

U_R, C, ALL = slice(0, 2), slice(2, 3), slice(0, 3)  # gates that convolve one grid
# Makes the products for a weight, a grid like a state, and a number of steps that convolve; see `onednn.products`.
Multiply = Callable[[Tensor, Tensor, int, bool], Products]


def plain(weight: Tensor, grid: Tensor, steps: int, backward: bool) -> Products:
    return Plain(weight)


def conv_gru(
    projection: Tensor,
    weight: Tensor,
    state: Tensor | None = None,
    mask: Tensor | None = None,
    multiply: Multiply = plain,
) -> tuple[Tensor, Tensor]:
    """Like `convrnn3d.reference.conv_gru`, with its own backward pass."""
    check_inputs(projection, weight, mask, state)
    projection = only_seen(projection, mask)
    if differentiated(projection, weight, state):
        return _ConvGRU.apply(projection, weight, state, mask, multiply)
    return _gru(projection, state, mask, _products(multiply, weight, projection[:, :, 0], state, backward=False))


def conv_lstm(
    projection: Tensor,
    weight: Tensor,
    state: tuple[Tensor, Tensor] | None = None,
    mask: Tensor | None = None,
    multiply: Multiply = plain,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Like `convrnn3d.reference.conv_lstm`, with its own backward pass."""
    h, s = (None, None) if state is None else state
    check_inputs(projection, weight, mask, h, s)
    projection = only_seen(projection, mask)
    if differentiated(projection, weight, h, s):
        states, *last = _ConvLSTM.apply(projection, weight, h, s, mask, multiply)
    else:
        products = _products(multiply, weight, projection[:, :, 0], h, backward=False)
        states, *last = _lstm(projection, h, s, mask, products)
    return states, tuple(last)


def _products(multiply: Multiply, weight: Tensor, grids: Tensor, state: Tensor | None, backward: bool) -> Products:
    """The products for a call whose states are like `grids` (B, T, X, Y, Z, C)."""
    return multiply(weight, grids[:, 0], grids.shape[1] - first_convolving_step(state), backward)


def _gru(
    projection: Tensor, state: Tensor | None, mask: Tensor | None, products: Products, kept: list[Tensor] | None = None
) -> tuple[Tensor, Tensor]:
    """Return all states and the last one; append each step's u, r and c to `kept`."""
    h, states = zero_state(projection) if state is None else state, []
    for t in range(projection.shape[1]):
        p_ur, p_c, convolves = projection[:, t, U_R], projection[:, t, C], t > 0 or state is not None
        u, r = torch.sigmoid(products.conv(h, U_R).add_(p_ur) if convolves else p_ur).unbind(1)
        c = torch.tanh(products.conv(r * h, C).add_(p_c) if convolves else p_c)[:, 0]
        h = where_seen(mask, t, torch.lerp(c, h, u), h)  # u . h + (1 - u) . c
        states.append(h)
        if kept is not None:
            kept += u, r, c
    return torch.stack(states, 1), h


def _lstm(
    projection: Tensor,
    state: Tensor | None,
    cell: Tensor | None,
    mask: Tensor | None,
    products: Products,
    kept: list[Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return all states and the last pair; append each step's s, f, i, c and h^ to `kept`."""
    h, s = (zero_state(projection) if given is None else given for given in (state, cell))
    states = []
    for t in range(projection.shape[1]):
        p = projection[:, t]
        a = products.conv(h, ALL).add_(p) if t > 0 or state is not None else p
        (f, i), c = torch.sigmoid(a[:, :2]).unbind(1), torch.tanh(a[:, 2])
        next_s = torch.addcmul(i * c, f, s)
        next_h = torch.tanh(next_s)
        if kept is not None:
            kept += s, f, i, c, next_h
        h, s = where_seen(mask, t, next_h, h), where_seen(mask, t, next_s, s)
        states.append(h)
    return torch.stack(states, 1), h, s


class _ConvGRU(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, projection: Tensor, weight: Tensor, state: Tensor | None, mask: Tensor | None, multiply: Multiply
    ) -> tuple[Tensor, Tensor]:
        products = _products(multiply, weight, projection[:, :, 0], state, backward=True)
        gates: list[Tensor] = []
        states, last = _gru(projection, state, mask, products, gates)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(weight, mask, state, states, *gates)
        ctx.multiply = multiply
        return states, last

    @staticmethod
    def backward(ctx: Any, d_states: Tensor | None, d_last: Tensor | None) -> tuple[Tensor | None, ...]:
        weight, mask, state, states, *gates = ctx.saved_tensors
        with backward_pass(states, d_states, d_last):
            products = _products(ctx.multiply, weight, states, state, backward=True)
            first = first_convolving_step(state)
            _, wants_weight, wants_state, *_ = ctx.needs_input_grad
            before, d, da = states_before(states, state), d_last, empty_gates(states)
            for t in reversed(range(states.shape[1])):
                h, (u, r, c) = before[:, t], gates[3 * t : 3 * t + 3]
                d = derivative_by_state(t, d, d_states, h)
                e = where_seen(mask, t, d, 0)
                da[:, t, 2] = e * (1 - u) * (1 - c**2)
                q = products.conv_transposed(da[:, t, C], C) if t >= first else torch.zeros_like(h)
                da[:, t, 1] = q * h * r * (1 - r)
                da[:, t, 0] = e * (h - c) * u * (1 - u)
                if t > 0 or wants_state:
                    from_gates = products.conv_transposed(da[:, t, U_R], U_R)
                    d = where_seen(mask, t, from_gates.addcmul_(e, u).addcmul_(q, r), d)
            dw = None
            if wants_weight and first == states.shape[1]:
                dw = torch.zeros_like(weight)
            elif wants_weight:
                h, r = before[:, first:], torch.stack(gates[1::3], 1)[:, first:]
                dw_u_r = products.weight_gradient(h, da[:, first:, U_R])
                dw = torch.cat([dw_u_r, products.weight_gradient(r * h, da[:, first:, C])])
            gradients = [da, dw, d if wants_state else None]
        return *once(gradients, states, d_states, d_last), None, None


class _ConvLSTM(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        projection: Tensor,
        weight: Tensor,
        state: Tensor | None,
        cell: Tensor | None,
        mask: Tensor | None,
        multiply: Multiply,
    ) -> tuple[Tensor, Tensor, Tensor]:
        products = _products(multiply, weight, projection[:, :, 0], state, backward=True)
        kept: list[Tensor] = []
        states, last, last_cell = _lstm(projection, state, cell, mask, products, kept)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(weight, mask, state, states, *kept)
        ctx.multiply = multiply
        return states, last, last_cell

    @staticmethod
    def backward(
        ctx: Any, d_states: Tensor | None, d_last: Tensor | None, d_cell: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        weight, mask, state, states, *kept = ctx.saved_tensors
        with backward_pass(states, d_states, d_last, d_cell):
            products = _products(ctx.multiply, weight, states, state, backward=True)
            first = first_convolving_step(state)
            _, wants_weight, wants_h, wants_s, *_ = ctx.needs_input_grad
            d, g, da = d_last, d_cell, empty_gates(states)
            for t in reversed(range(states.shape[1])):
                s, f, i, c, next_h = kept[5 * t : 5 * t + 5]
                d, g = derivative_by_state(t, d, d_states, s), torch.zeros_like(s) if g is None else g
                e = where_seen(mask, t, g + d * (1 - next_h**2), 0)
                da[:, t, 0] = e * s * f * (1 - f)
                da[:, t, 1] = e * c * i * (1 - i)
                da[:, t, 2] = e * i * (1 - c**2)
                g = where_seen(mask, t, e * f, g)
                if t > 0 or wants_h:
                    d = where_seen(mask, t, products.conv_transposed(da[:, t], ALL), d)
            dw = None
            if wants_weight:
                h = states_before(states, state)[:, first:]
                dw = products.weight_gradient(h, da[:, first:]).contiguous()  # in the weight's order; a no-op if it is
            gradients = [da, dw, d if wants_h else None, g if wants_s else None]
        return *once(gradients, states, d_states, d_last, d_cell), None, None
