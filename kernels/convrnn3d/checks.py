"""Checks of a call's arguments: each error names the shapes, types or devices in question."""

import torch
from torch import Tensor

# Computed here, since torch.compile cannot trace the query (PyTorch 2.11).
AUTOCAST = [device for device in ("cpu", "cuda", "xpu", "mps") if torch.amp.is_autocast_available(device)]


def require_tensor(name: str, given: object) -> None:
    if not isinstance(given, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(given).__name__}")
    if given.layout != torch.strided:
        raise TypeError(f"{name} must be dense, got {given.layout}")


def require_type(name: str, given: Tensor, dtype: torch.dtype, whose: str) -> None:
    """Raise TypeError unless `given` is of `dtype`, the type of `whose`; not under autocast, which sets types."""
    device = given.device.type
    if given.dtype != dtype and not (device in AUTOCAST and torch.is_autocast_enabled(device)):
        raise TypeError(f"{name} must be {dtype} as {whose}, got {given.dtype} {tuple(given.shape)}")


def check_inputs(projection: Tensor, weight: Tensor, mask: Tensor | None, *states: Tensor | None) -> None:
    given = [("projection", projection), ("weight", weight)]
    given += [("state", state) for state in states if state is not None] + ([] if mask is None else [("mask", mask)])
    for name, tensor in given:
        require_tensor(name, tensor)
    shape, device = projection.shape, projection.device
    if len(shape) != 7 or shape[2] != 3 or min(shape[1:]) < 1:
        raise ValueError(f"projection must be (B, T, 3, X, Y, Z, C), all but B at least 1, got {tuple(shape)}")
    batch, steps, _, *grid, channels = shape
    size = weight.shape[-1] if weight.ndim else 0
    if size not in (1, 3) or weight.shape != (3, channels, channels, size, size, size):
        raise ValueError(
            f"weight must be (3, {channels}, {channels}, K, K, K) with K 1 or 3, got {tuple(weight.shape)}"
        )
    for name, tensor in given:
        if name == "state" and tensor.shape != (batch, *grid, channels):
            raise ValueError(f"state must be {(batch, *grid, channels)}, got {tuple(tensor.shape)}")
    check_mask(mask, batch, steps)
    for name, tensor in given:
        if tensor.device != device:
            raise ValueError(f"{name} is on {tensor.device}, projection on {device}; move one of them")


def check_mask(mask: Tensor | None, batch: int, steps: int) -> None:
    if mask is None:
        return
    require_tensor("mask", mask)
    if mask.shape != (batch, steps) or mask.dtype != torch.bool:
        raise ValueError(f"mask must be bool {(batch, steps)}, got {mask.dtype} {tuple(mask.shape)}")


def differentiated(*tensors: Tensor | None) -> bool:
    """Whether a backward pass through any of these may follow."""
    return torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in tensors)
