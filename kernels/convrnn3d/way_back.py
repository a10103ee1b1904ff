"""What the ways back of both recurrences share: see `manual`."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch._C import _functorch as functorch

from convrnn3d.plain import Products


@contextmanager
def one_way(states: Tensor, *upstream: Tensor | None) -> Iterator[None]:
    """The way back as it is written here: not differentiated, not mapped over, and of the types that forward had."""
    mapped = functorch.is_batchedtensor, functorch.is_legacy_batchedtensor  # the latter by torch.autograd.grad
    if any(is_mapped(d) for d in upstream if d is not None for is_mapped in mapped):
        raise RuntimeError("convrnn3d's backward pass takes no batch of gradients; use backend='reference'")
    with torch.no_grad(), torch.autocast(states.device.type, enabled=False):
        yield


def first_that_convolves(state: Tensor | None) -> int:
    """The first step that convolved anything: without a state the second."""
    return 1 if state is None else 0


def before_each_step(states: Tensor, state: Tensor | None) -> Tensor:
    """h before each step (B, T, X, Y, Z, C), of those after each and the first one, zeros if None."""
    first = torch.zeros_like(states[:, 0]) if state is None else state
    return torch.cat([first[:, None], states[:, :-1]], 1)


def gradient_of_runs(products: Products, weight: Tensor, runs: list[tuple[slice, Tensor, Tensor]]) -> Tensor:
    """dW of runs of gates, each with what it convolved (B, T, X, Y, Z, C) and da of all gates; zeros if T is 0."""
    if not runs[0][1].numel():
        return torch.zeros_like(weight)
    parts = ((gates, products.weight_gradient(sources, da[:, :, gates])) for gates, sources, da in runs)
    if len(runs) == 1:  # of all gates: a copy in each step of training is spared where the layout is right
        return next(parts)[1].contiguous()
    dw = torch.empty_like(weight)
    for gates, part in parts:
        dw[gates] = part
    return dw


def room_for_gates(states: Tensor) -> Tensor:
    """(B, T, 3, X, Y, Z, C) for states (B, T, X, Y, Z, C)."""
    return states.new_empty(*states.shape[:2], 3, *states.shape[2:])


def with_that_of_step(t: int, d: Tensor | None, d_states: Tensor | None, like: Tensor) -> Tensor:
    """dh' of step t: what comes from later ones, and the derivative by the state itself, where there are any."""
    if d_states is None:
        return torch.zeros_like(like) if d is None else d
    return d_states[:, t] if d is None else d + d_states[:, t]
