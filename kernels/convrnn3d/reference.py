"""The recurrences in plain PyTorch, differentiated by autograd: the definition, and the path where no other can run.

With * the convolution over the 3D grid and . the elementwise product (paper, equations 3 to 9, as coded in 2016):

    GRU    u = sigmoid(p_u + W_u * h)      r = sigmoid(p_r + W_r * h)      c = tanh(p_c + W_c * (r . h))
           h' = u . h + (1 - u) . c                                        (the paper's text swaps u and 1 - u)
    LSTM   f = sigmoid(p_f + W_f * h)      i = sigmoid(p_i + W_i * h)      c = tanh(p_c + W_c * h)
           s' = f . s + i . c              h' = tanh(s')                   (no output gate)
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from convrnn3d.checks import check_inputs, require_tensor, require_type


def conv_gru(
    projection: Tensor, weight: Tensor, state: Tensor | None = None, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """All states (B, T, X, Y, Z, C) and the last one (B, X, Y, Z, C) of a 3D convolutional GRU.

    Shapes as in `convrnn3d`. Raises ValueError if they do not fit together.
    """
    check_inputs(projection, weight, mask, state)
    projection = only_seen(projection, mask)
    h = zero_state(projection) if state is None else state
    states = []
    for t in range(projection.shape[1]):
        p_u, p_r, p_c = projection[:, t].unbind(1)  # (B, X, Y, Z, C) each
        conv_u, conv_r = conv(h, weight[:2]).chunk(2, dim=-1)
        u, r = torch.sigmoid(p_u + conv_u), torch.sigmoid(p_r + conv_r)
        c = torch.tanh(p_c + conv(r * h, weight[2:]))
        h = where_seen(mask, t, u * h + (1 - u) * c, h)
        states.append(h)
    return torch.stack(states, dim=1), h


def conv_lstm(
    projection: Tensor,
    weight: Tensor,
    state: tuple[Tensor, Tensor] | None = None,
    mask: Tensor | None = None,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """All states (B, T, X, Y, Z, C) and the last pair (h, s) of a 3D convolutional LSTM without output gate.

    Shapes as in `convrnn3d`. Raises ValueError if they do not fit together.
    """
    check_inputs(projection, weight, mask, *(() if state is None else state))
    projection = only_seen(projection, mask)
    h, s = (zero_state(projection), zero_state(projection)) if state is None else state
    states = []
    for t in range(projection.shape[1]):
        f, i, c = (projection[:, t] + torch.stack(conv(h, weight).chunk(3, dim=-1), dim=1)).unbind(1)
        new_s = torch.sigmoid(f) * s + torch.sigmoid(i) * torch.tanh(c)
        h, s = where_seen(mask, t, torch.tanh(new_s), h), where_seen(mask, t, new_s, s)
        states.append(h)
    return torch.stack(states, dim=1), (h, s)


def gates(projection: Tensor, weight: Tensor, states: Tensor, state: Tensor | None = None) -> Tensor:
    """The first two gates at every step (B, T, 2, X, Y, Z, C), in (0, 1): the GRU's u and r, the LSTM's f and i.

        g_t = sigmoid(p_g,t + W_g * h_{t-1})

    Given all states (B, T, X, Y, Z, C) from `conv_gru` or `conv_lstm`, no step waits for another: one convolution
    serves all. state: h before the first step, zeros if None. Where a mask was False, the gate is that of a view that
    the state did not take in. Raises ValueError for shapes or devices that do not fit, TypeError for wrong types.
    """
    check_inputs(projection, weight, None, state)
    require_tensor("states", states)
    for name, given in {"weight": weight, "states": states, "state": state}.items():
        if given is not None:
            require_type(name, given, projection.dtype, "projection is")
    if states.device != projection.device:
        raise ValueError(f"states is on {states.device}, projection on {projection.device}; move one of them")
    if states.shape != projection[:, :, 0].shape:
        raise ValueError(f"states must be {tuple(projection[:, :, 0].shape)}, got {tuple(states.shape)}")
    first = zero_state(projection) if state is None else state
    before = torch.cat([first[:, None], states[:, :-1]], dim=1)  # (B, T, X, Y, Z, C)
    moved = conv(before.flatten(0, 1), weight[:2]).unflatten(0, before.shape[:2])  # (B, T, X, Y, Z, 2 C)
    return torch.sigmoid(projection[:, :, :2] + torch.stack(moved.chunk(2, dim=-1), dim=2))


def conv(grid: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Same-size convolution of (B, X, Y, Z, in) with weight (n, C, in, K, K, K), bias (n, C), to (B, X, Y, Z, n C)."""
    channels_first = grid.movedim(-1, 1)  # (B, C, X, Y, Z)
    if grid.device.type == "cpu":
        # With the channels innermost, oneDNN reorders the weight, which is larger than the grid, at every step:
        # `python -m benchmarks.recurrence --batch 4 --steps 5` shows both layouts, as merged NDHWC and merged NCDHW.
        channels_first = channels_first.contiguous()
    bias = None if bias is None else bias.flatten()
    out = F.conv3d(channels_first, weight.flatten(0, 1), bias, padding=weight.shape[-1] // 2)
    return out.movedim(1, -1).contiguous()


def where_seen(mask: Tensor | None, t: int, new: Tensor, old: Tensor | float) -> Tensor:
    """new (B, X, Y, Z, C) for the samples in which step t is present, old for the others."""
    return new if mask is None else torch.where(mask[:, t, None, None, None, None], new, old)


def only_seen(x: Tensor, mask: Tensor | None) -> Tensor:
    """x (B, T, ...), zero where the mask is False: an absent step may hold NaN, which 0 would not undo."""
    return x if mask is None else x.masked_fill(~mask[(...,) + (None,) * (x.ndim - 2)], 0)


def zero_state(projection: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """A state (B, X, Y, Z, C) of zeros, of `dtype` or the projection's."""
    return torch.zeros_like(projection[:, 0, 0], dtype=dtype)
