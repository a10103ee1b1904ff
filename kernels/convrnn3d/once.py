"""Gradients that can't be differentiated again, and say so rather than come out as zero."""

from typing import Any

import torch
from torch import Tensor

REFUSAL = "convrnn3d can be differentiated once: double backward is not supported; use backend='reference'"


def once(gradients: list[Tensor | None], *leading: Tensor | None) -> tuple[Tensor | None, ...]:
    """`gradients` as they are; under create_graph, to differentiate them is an error.

    leading: tensors that lead to all that they were computed from, the call's inputs and what comes after it: a
    derivative by any of these would else be missing.
    """
    return _Once.apply(len(gradients), *gradients, *leading) if torch.is_grad_enabled() else tuple(gradients)


def refuse(ctx: Any, *upstream: Any) -> None:
    raise RuntimeError(REFUSAL)


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, count: int, *tensors: Tensor | None) -> tuple[Tensor | None, ...]:
        return tuple(None if gradient is None else gradient.view_as(gradient) for gradient in tensors[:count])

    backward = staticmethod(refuse)
