"""Gradients that cannot be differentiated again: the attempt raises an error instead of giving zeros."""

from typing import Any

import torch
from torch import Tensor

REFUSAL = "convrnn3d can be differentiated once: double backward is not supported; use backend='reference'"


def once(gradients: list[Tensor | None], *leading: Tensor | None) -> tuple[Tensor | None, ...]:
    """Return `gradients` unchanged; under create_graph, differentiating them is an error.

    leading: tensors that lead to everything the gradients were computed from, the call's inputs and what follows the
    call. Without them, a derivative by any of these would be missing.
    """
    return _Once.apply(len(gradients), *gradients, *leading) if torch.is_grad_enabled() else tuple(gradients)


def refuse(ctx: Any, *upstream: Any) -> None:
    raise RuntimeError(REFUSAL)


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, count: int, *tensors: Tensor | None) -> tuple[Tensor | None, ...]:
        return tuple(None if gradient is None else gradient.view_as(gradient) for gradient in tensors[:count])

    backward = staticmethod(refuse)
