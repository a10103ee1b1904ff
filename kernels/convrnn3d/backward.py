"""What the hand-written backward passes of both recurrences share: see `manual`."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch._C import _functorch as functorch


@contextmanager
def backward_pass(states: Tensor, *upstream: Tensor | None) -> Iterator[None]:
    """Run the body without autograd and autocast, so that it computes in the types of the forward pass.

    Raises RuntimeError for a batch of upstream gradients (`is_grads_batched`, vmap).
    """
    is_batched = functorch.is_batchedtensor, functorch.is_legacy_batchedtensor  # the latter from torch.autograd.grad
    if any(check(d) for d in upstream if d is not None for check in is_batched):
        raise RuntimeError("convrnn3d's backward pass does not support batched gradients; use backend='reference'")
    with torch.no_grad(), torch.autocast(states.device.type, enabled=False):
        yield


def first_convolving_step(state: Tensor | None) -> int:
    """The first step that convolves: step 1 if there is no first state (it is zeros then), else step 0."""
    return 1 if state is None else 0


def states_before(states: Tensor, state: Tensor | None) -> Tensor:
    """h before each step, (B, T, X, Y, Z, C), from those after each step and the first state (None: zeros)."""
    first = torch.zeros_like(states[:, 0]) if state is None else state
    return torch.cat([first[:, None], states[:, :-1]], 1)


def empty_gates(states: Tensor) -> Tensor:
    """(B, T, 3, X, Y, Z, C), not filled, for states (B, T, X, Y, Z, C)."""
    return states.new_empty(*states.shape[:2], 3, *states.shape[2:])


def derivative_by_state(t: int, d: Tensor | None, d_states: Tensor | None, like: Tensor) -> Tensor:
    """dh' of step t: d, from later steps, plus the derivative by the state as an output; None counts as zero."""
    if d_states is None:
        return torch.zeros_like(like) if d is None else d
    return d_states[:, t] if d is None else d + d_states[:, t]
