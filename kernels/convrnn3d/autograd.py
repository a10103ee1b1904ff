"""The operators' derivatives, and how they are called.

`gru_backward` and `lstm_backward` are the derivatives of `gru` and `lstm`; they have none themselves.
"""

from typing import Any

import torch
from torch import Tensor

from convrnn3d.once import once, refuse
from convrnn3d.ops import LIBRARY, OPERATORS, settled


def _setup(cells: int) -> Any:
    def setup(ctx: Any, inputs: tuple, output: tuple) -> None:
        projection, weight, *_ = inputs
        mask, operand, carried, precision, save, recompute, traced = inputs[3 + cells :]
        if not traced:  # a compiled call settles the precision when it runs, forward and backward
            precision = settled(precision, operand, projection.device)
        *kept, gates, packed, anchor = output[2 + cells :]
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*kept, gates, packed)
        # Whether the sources, as products read them, equal the states.
        exact = operand == carried and (operand != torch.float32 or precision == "ieee")
        states = () if cells else (None, None) if exact else (output[0], inputs[2])
        ctx.save_for_backward(anchor, weight, packed, mask, *kept, *states, projection if recompute else gates)
        ctx.saved, ctx.has_state = save, inputs[2] is not None
        ctx.how = operand, carried, precision, recompute

    return setup


def _backward(cells: int) -> Any:
    name = "lstm_backward" if cells else "gru_backward"
    operator = getattr(OPERATORS, name).default

    def backward(ctx: Any, *upstream: Tensor | None) -> tuple[Tensor | None, ...]:
        if not ctx.saved:
            forward = name.removesuffix("_backward")
            raise RuntimeError(
                f"convrnn3d::{forward} was run or exported without saving for backward (save=False) and cannot be "
                "differentiated; run or export it where a gradient is wanted"
            )
        d_outputs = upstream[: 2 + cells]
        if all(d is None for d in d_outputs):
            return (None,) * (10 + cells)
        anchor, *saved = ctx.saved_tensors
        _, wants_weight, *wants_states = ctx.needs_input_grad[: 3 + cells]
        inputs = *d_outputs, *saved, *ctx.how, ctx.has_state, any(wants_states), wants_weight
        d_projection, d_weight, *d_states = _below_autograd(operator, *inputs)
        gradients = [d_projection, d_weight if wants_weight else None]
        gradients += d_states if any(wants_states) else [None] * (1 + cells)
        return *once(gradients, anchor, *d_outputs), *[None] * 7

    return backward


def _below_autograd(operator: Any, *inputs: Any) -> tuple[Tensor, ...]:
    with torch._C._AutoDispatchBelowAutograd():
        return operator(*inputs)


def _differentiable(cells: int) -> Any:
    """`gru` or `lstm` for the key Autograd: what torch.library.register_autograd makes, at a third of the cost."""
    operator = getattr(OPERATORS, "lstm" if cells else "gru").default
    setup = _setup(cells)

    class Recurrence(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, ...]:
            output = _below_autograd(operator, *inputs)
            # An empty result whose only use is that, when saved, it leads back to the inputs, which `once` needs.
            output = *output, output[0].new_empty(0)
            setup(ctx, inputs, output)
            return output

        backward = staticmethod(_backward(cells))

    def run(*inputs: Any) -> tuple[Tensor, ...]:
        differentiated = torch.is_grad_enabled() and torch._C._any_requires_grad(*inputs)
        return Recurrence.apply(*inputs)[:-1] if differentiated else _below_autograd(operator, *inputs)

    return run


def run(name: str, *inputs: Any) -> tuple[Tensor, ...]:
    """Run the operator `name`; outside a compiler its Autograd kernel directly, which saves a pass through PyTorch."""
    return getattr(OPERATORS, name)(*inputs) if torch.compiler.is_compiling() else _DIFFERENTIABLE[name](*inputs)


_DIFFERENTIABLE = {_name: _differentiable(_cells) for _cells, _name in enumerate(("gru", "lstm"))}
for _name, _function in _DIFFERENTIABLE.items():
    LIBRARY.impl(_name, _function, "Autograd")
    torch.library.register_autograd(f"convrnn3d::{_name}_backward", refuse, lib=LIBRARY)
