"""The calls that users make: they check the inputs, choose a backend and settle the types."""

import torch
from torch import Tensor
from torch._C import _functorch as functorch
from torch.autograd import forward_ad

from convrnn3d import manual, onednn, reference
from convrnn3d.autograd import run
from convrnn3d.backend import TYPES, choose_backend
from convrnn3d.checks import AUTOCAST, check_inputs, differentiated, require_tensor
from convrnn3d.ops import AS_PYTORCH

PRECISIONS = ("ieee", "tf32")


def conv_gru(
    projection: Tensor,
    weight: Tensor,
    state: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    lengths: Tensor | None = None,
    backend: str = "auto",
    precision: str | None = None,
    recompute: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return all states (B, T, X, Y, Z, C) and the last one (B, X, Y, Z, C) of a 3D convolutional GRU over T steps.

        u = sigmoid(p_u + W_u * h)      r = sigmoid(p_r + W_r * h)      c = tanh(p_c + W_c * (r . h))
        h' = u . h + (1 - u) . c                                        (Choy et al. 2016, as they coded it)

    projection (B, T, 3, X, Y, Z, C), weight (3, C, C, K, K, K) with K = 1 or 3, state (B, X, Y, Z, C) or None for
    zeros. mask (B, T) bool, False where a view is absent; or, if each sample's first views are the present ones, their
    number, lengths (B,) of integers: more than T means all views, less than 1 none.
    Projection, weight and state have one type; under autocast, products are computed in autocast's type, and the states
    are float32.

    backend: "triton" for the fused kernels; "onednn" for float32 products on a CPU with a weight that is packed once;
    "reference" for plain PyTorch; "auto" for what the environment variable CONVRNN3D_BACKEND says or, by default,
    Triton for CUDA and HIP tensors, oneDNN for CPU tensors that it supports, and the reference for all others.
    precision: how the kernels multiply float32, "ieee" or "tf32"; None: as PyTorch's convolutions do
    (torch.backends.cudnn.conv.fp32_precision). On a GPU without tf32, "tf32" means ieee. The other backends always do
    what PyTorch does.
    recompute: the kernels compute the gates again in the backward pass, and save `projection` instead of them.
    The kernels and oneDNN pack the weight in each call, a frozen one only once: see `freeze`.

    Raises ValueError for shapes that do not fit, TypeError for wrong types, RuntimeError if what is requested
    cannot run.
    """
    mask = mask_of(mask, lengths, projection)
    check_inputs(projection, weight, mask, state)
    operand, carried = _types(projection, weight, state)
    state = _cast(state, carried)
    asked = _precision(precision)
    chosen = choose_backend(backend, projection, weight, state, mask)
    if chosen == "onednn":
        return manual.conv_gru(projection, weight, state, mask, onednn.products)
    if chosen == "reference":
        return reference.conv_gru(
            projection, weight, reference.zero_state(projection, carried) if state is None else state, mask
        )
    how = operand, carried, asked, differentiated(projection, weight, state), recompute, torch.compiler.is_compiling()
    _refuse_transforms(projection, weight, state)
    states, last, *_ = run("gru", projection, weight, state, mask, *how)
    return states, last


def conv_lstm(
    projection: Tensor,
    weight: Tensor,
    state: tuple[Tensor, Tensor] | None = None,
    mask: Tensor | None = None,
    *,
    lengths: Tensor | None = None,
    backend: str = "auto",
    precision: str | None = None,
    recompute: bool = False,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Return all states (B, T, X, Y, Z, C) and the last pair (h, s) of a 3D convolutional LSTM without output gate.

        f = sigmoid(p_f + W_f * h)      i = sigmoid(p_i + W_i * h)      c = tanh(p_c + W_c * h)
        s' = f . s + i . c              h' = tanh(s')                   (Choy et al. 2016, equations 3 to 6)

    Arguments and errors are those of `conv_gru`; state is the pair (h, s), each (B, X, Y, Z, C).
    """
    mask = mask_of(mask, lengths, projection)
    is_pair = isinstance(state, (tuple, list)) and len(state) == 2 and not any(part is None for part in state)
    if state is not None and not is_pair:
        raise ValueError("the state of an LSTM must be the pair (h, s), or None for zeros")
    h, s = (None, None) if state is None else state
    check_inputs(projection, weight, mask, h, s)
    operand, carried = _types(projection, weight, h, s)
    h, s = _cast(h, carried), _cast(s, carried)
    pair = None if h is None or s is None else (h, s)
    asked = _precision(precision)
    chosen = choose_backend(backend, projection, weight, h, s, mask)
    if chosen == "onednn":
        return manual.conv_lstm(projection, weight, pair, mask, onednn.products)
    if chosen == "reference":
        zeros = reference.zero_state(projection, carried)
        return reference.conv_lstm(projection, weight, pair or (zeros, zeros), mask)
    how = operand, carried, asked, differentiated(projection, weight, h, s), recompute, torch.compiler.is_compiling()
    _refuse_transforms(projection, weight, h, s)
    states, last, cell, *_ = run("lstm", projection, weight, h, s, mask, *how)
    return states, (last, cell)


def mask_of(mask: Tensor | None, lengths: Tensor | None, x: Tensor) -> Tensor | None:
    """The mask (B, T) bool for x (B, T, ...), of a mask or of `lengths` (B,), whichever is given; None if neither."""
    if lengths is None:
        return mask
    if mask is not None:
        raise ValueError("give mask or lengths, not both")
    require_tensor("lengths", lengths)
    require_tensor("projection", x)
    if lengths.is_meta and not x.is_meta:
        raise ValueError(f"lengths is on {lengths.device}, projection on {x.device}; move one of them")
    integers = not (lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool)
    if lengths.ndim != 1 or lengths.shape[0] != x.shape[0] or not integers:
        raise ValueError(f"lengths must be integers ({x.shape[0]},), got {lengths.dtype} {tuple(lengths.shape)}")
    # Compared as int64: PyTorch does not compare int64 with uint16, uint32 or uint64.
    return torch.arange(x.shape[1], device=x.device) < lengths.to(x.device, torch.int64)[:, None]


def _types(projection: Tensor, *others: Tensor | None) -> tuple[torch.dtype, torch.dtype]:
    """Return the type of the products' factors and that of the states."""
    dtype, device = projection.dtype, projection.device.type
    autocast = dtype in TYPES and device in AUTOCAST and torch.is_autocast_enabled(device)
    if dtype not in (*TYPES, torch.float64):
        raise TypeError(f"projection must be floating-point with 16, 32 or 64 bits, got {dtype}")
    for given in [other.dtype for other in others if other is not None]:
        if given not in TYPES if autocast else given != dtype:
            allowed = "of one of autocast's types" if autocast else f"{dtype} as projection is"
            raise TypeError(f"weight and state must be {allowed}, got {given}")
    return (torch.get_autocast_dtype(device), torch.float32) if autocast else (dtype, dtype)


def _cast(state: Tensor | None, carried: torch.dtype) -> Tensor | None:
    return state if state is None or state.dtype == carried else state.to(carried)


def check_precision(asked: str | None) -> None:
    if asked is not None and asked not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, or None, got {asked!r}")


def _precision(asked: str | None) -> str:
    check_precision(asked)
    return asked or AS_PYTORCH


def _refuse_transforms(*tensors: Tensor | None) -> None:
    if torch.compiler.is_compiling():
        return
    duals = tensors if forward_ad._current_level >= 0 else ()  # otherwise no tensor need be checked
    if any(tensor is not None and forward_ad.unpack_dual(tensor).tangent is not None for tensor in duals):
        raise RuntimeError("convrnn3d's kernels have no forward-mode derivative; use backend='reference'")
    seen = tensors if torch._C._are_functorch_transforms_active() else ()
    if any(functorch.is_batchedtensor(one) or functorch.is_gradtrackingtensor(one) for one in seen if one is not None):
        raise RuntimeError(
            "convrnn3d's kernels do not support torch.func's transforms (grad, vmap, jacrev, ...); "
            "use backend='reference'"
        )
