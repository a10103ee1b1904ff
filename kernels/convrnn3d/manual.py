"""The recurrences with the backward pass written by hand, in plain PyTorch: what a kernel is debugged against.

The formulas and their notation are those of kernels/DERIVATION.md. Forward keeps the gates of every step; backward
walks the steps in reverse, then sums the weight gradient over all of them at once. It can be differentiated once.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.grad import conv3d_weight

from convrnn3d.checks import check_inputs
from convrnn3d.reference import only_seen, zero_state


def conv_gru(
    projection: Tensor, weight: Tensor, state: Tensor | None = None, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """As `convrnn3d.reference.conv_gru`, with a backward pass of its own."""
    check_inputs(projection, weight, mask, state)
    projection = only_seen(projection, mask)
    return _ConvGRU.apply(projection, weight, zero_state(projection) if state is None else state, mask)


def conv_lstm(
    projection: Tensor, weight: Tensor, state: tuple[Tensor, Tensor] | None = None, mask: Tensor | None = None
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """As `convrnn3d.reference.conv_lstm`, with a backward pass of its own."""
    h, s = (zero_state(projection), zero_state(projection)) if state is None else state
    check_inputs(projection, weight, mask, h, s)
    projection = only_seen(projection, mask)
    states, last, cell = _ConvLSTM.apply(projection, weight, h, s, mask)
    return states, (last, cell)


class _ConvGRU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projection: Tensor, weight: Tensor, h: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        previous, gates, states = [], [], []
        for t in range(projection.shape[1]):
            p_u, p_r, p_c = projection[:, t].unbind(1)  # (B, X, Y, Z, C) each
            conv_u, conv_r = conv(h, weight[:2]).chunk(2, dim=-1)
            u, r = torch.sigmoid(p_u + conv_u), torch.sigmoid(p_r + conv_r)
            c = torch.tanh(p_c + conv(r * h, weight[2:]))
            previous.append(h)
            gates.append(torch.stack([u, r, c], dim=1))
            m = seen(mask, t, h)
            h = m * (u * h + (1 - u) * c) + (1 - m) * h
            states.append(h)
        ctx.save_for_backward(weight, torch.stack(previous, 1), torch.stack(gates, 1), mask)
        return torch.stack(states, 1), h.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor, d_last: Tensor) -> tuple[Tensor | None, ...]:
        weight, previous, gates, mask = ctx.saved_tensors
        d, d_projection = d_last, []
        for t in reversed(range(previous.shape[1])):
            h, (u, r, c), m = previous[:, t], gates[:, t].unbind(1), seen(mask, t, d)
            d = d + d_states[:, t]
            e = m * d
            da_c = e * (1 - u) * (1 - c**2)
            q = conv_transposed(da_c, weight[2:])
            da_r = q * h * r * (1 - r)
            da_u = e * (h - c) * u * (1 - u)
            d_projection.append(torch.stack([da_u, da_r, da_c], dim=1))
            d = (1 - m) * d + e * u + q * r + conv_transposed(torch.cat([da_u, da_r], dim=-1), weight[:2])
        d_projection = torch.stack(d_projection[::-1], dim=1)  # (B, T, 3, X, Y, Z, C)
        d_a_ur, d_a_c = d_projection[:, :, :2], d_projection[:, :, 2:]
        reset_state = gates[:, :, 1] * previous
        d_weight = torch.cat([weight_gradient(previous, d_a_ur, weight), weight_gradient(reset_state, d_a_c, weight)])
        return d_projection, d_weight, d, None


class _ConvLSTM(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, projection: Tensor, weight: Tensor, h: Tensor, s: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        previous, cells, gates, states = [], [], [], []
        for t in range(projection.shape[1]):
            a_f, a_i, a_c = (projection[:, t] + torch.stack(conv(h, weight).chunk(3, dim=-1), dim=1)).unbind(1)
            f, i, c = torch.sigmoid(a_f), torch.sigmoid(a_i), torch.tanh(a_c)
            previous.append(h)
            cells.append(s)
            gates.append(torch.stack([f, i, c], dim=1))
            m, new_s = seen(mask, t, h), f * s + i * c
            h, s = m * torch.tanh(new_s) + (1 - m) * h, m * new_s + (1 - m) * s
            states.append(h)
        ctx.save_for_backward(weight, torch.stack(previous, 1), torch.stack(cells, 1), torch.stack(gates, 1), mask)
        return torch.stack(states, 1), h.clone(), s.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor, d_last: Tensor, d_cell: Tensor) -> tuple[Tensor | None, ...]:
        weight, previous, cells, gates, mask = ctx.saved_tensors
        d, g, d_projection = d_last, d_cell, []
        for t in reversed(range(previous.shape[1])):
            s, (f, i, c), m = cells[:, t], gates[:, t].unbind(1), seen(mask, t, d)
            d = d + d_states[:, t]
            e = m * (g + d * (1 - torch.tanh(f * s + i * c) ** 2))
            da = [e * s * f * (1 - f), e * c * i * (1 - i), e * i * (1 - c**2)]
            d_projection.append(torch.stack(da, dim=1))
            g = (1 - m) * g + e * f
            d = (1 - m) * d + conv_transposed(torch.cat(da, dim=-1), weight)
        d_projection = torch.stack(d_projection[::-1], dim=1)  # (B, T, 3, X, Y, Z, C)
        return d_projection, weight_gradient(previous, d_projection, weight), d, g, None


def conv(grid: Tensor, weight: Tensor) -> Tensor:
    """W * h: (B, X, Y, Z, C) with weight (n, C, C, K, K, K) to (B, X, Y, Z, n C)."""
    return F.conv3d(grid.movedim(-1, 1), weight.flatten(0, 1), padding=weight.shape[-1] // 2).movedim(1, -1)


def conv_transposed(d: Tensor, weight: Tensor) -> Tensor:
    """W^T * d: (B, X, Y, Z, n C) with weight (n, C, C, K, K, K) to (B, X, Y, Z, C)."""
    return F.conv_transpose3d(d.movedim(-1, 1), weight.flatten(0, 1), padding=weight.shape[-1] // 2).movedim(1, -1)


def weight_gradient(sources: Tensor, d_a: Tensor, weight: Tensor) -> Tensor:
    """dW (n, C, C, K, K, K) from what was convolved (B, T, X, Y, Z, C) and da (B, T, n, X, Y, Z, C), over all steps."""
    inputs = sources.flatten(0, 1).movedim(-1, 1)  # (B T, C, X, Y, Z)
    outputs = d_a.movedim(-1, 3).flatten(2, 3).flatten(0, 1)  # (B T, n C, X, Y, Z)
    channels, size = weight.shape[1], weight.shape[-1]
    shape = (outputs.shape[1], channels, size, size, size)
    return conv3d_weight(inputs, shape, outputs, padding=size // 2).unflatten(0, (-1, channels))


def seen(mask: Tensor | None, t: int, like: Tensor) -> Tensor | int:
    """m_t, to be multiplied with grids: 1 where a sample has a view at step t."""
    return 1 if mask is None else mask[:, t, None, None, None, None].to(like.dtype)
