"""The kernels as PyTorch operators: schemas, implementations, shapes without data; `autograd` has their derivatives.

`convrnn3d::gru` and `convrnn3d::lstm` run a whole sequence and return, after the results, what is saved for backward
(see `sequence`); `gru_backward` and `lstm_backward` are their derivatives. Triton is imported only when one runs.
`operand` is the type of the products' factors, `carried` that of the states, and `precision` says how float32 factors
are multiplied: ieee, tf32, or as PyTorch's convolutions do when the operator runs. `kept` is the gates or, to recompute
them, the projection. `traced`: a compiler traces the call, and what it compiles may run with other numbers of steps and
another precision of PyTorch's convolutions.
"""

from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from convrnn3d.tuning import architecture_of, first_kept, supported

HOW = "ScalarType operand, ScalarType carried, str precision"
KEPT = "bool save, bool recompute, bool traced"
BACK = f"{HOW}, bool recompute, bool has_state, bool state_gradient, bool weight_gradient"
AS_PYTORCH = "pytorch"
LIBRARY = torch.library.Library("convrnn3d", "DEF")
LIBRARY.define(
    f"gru(Tensor projection, Tensor weight, Tensor? state, Tensor? mask, {HOW}, {KEPT})"
    " -> (Tensor states, Tensor last, Tensor sources, Tensor gates, Tensor packed)"
)
LIBRARY.define(
    f"lstm(Tensor projection, Tensor weight, Tensor? state, Tensor? cell, Tensor? mask, {HOW}, {KEPT})"
    " -> (Tensor states, Tensor last, Tensor last_cell, Tensor sources, Tensor cells, Tensor gates,"
    " Tensor packed)"
)
LIBRARY.define(
    "gru_backward(Tensor? d_states, Tensor? d_last, Tensor weight, Tensor packed, Tensor? mask, Tensor sources,"
    f" Tensor? states, Tensor? state, Tensor kept, {BACK})"
    " -> (Tensor d_projection, Tensor d_weight, Tensor d_state)"
)
LIBRARY.define(
    "lstm_backward(Tensor? d_states, Tensor? d_last, Tensor? d_last_cell, Tensor weight, Tensor packed,"
    f" Tensor? mask, Tensor sources, Tensor cells, Tensor kept, {BACK})"
    " -> (Tensor d_projection, Tensor d_weight, Tensor d_state, Tensor d_cell)"
)


@cache
def _kernels(cell: str) -> tuple[Any, Any]:
    """The module `gru_steps` or `lstm_steps`, and Sequence; cached, as an import takes time (`benchmarks.host`)."""
    from convrnn3d.sequence import Sequence

    return import_module(f"convrnn3d.{cell}_steps"), Sequence


def contiguous(*tensors: Tensor | None) -> list[Tensor | None]:
    return [None if tensor is None else tensor.contiguous() for tensor in tensors]


def bits(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else mask.contiguous().view(torch.uint8)


def settled(precision: str, operand: torch.dtype, device: torch.device) -> str:
    """Return ieee or tf32, which concerns only float32; on a device without tf32, a request for it gives ieee."""
    if operand != torch.float32:
        return "ieee"
    if precision == AS_PYTORCH:
        tf32 = torch.version.hip is None and torch.backends.cudnn.conv.fp32_precision == "tf32"  # type: ignore[attr-defined]
        precision = "tf32" if tf32 else "ieee"
    architecture = architecture_of(device)
    return precision if architecture is None else supported(precision, architecture)


def gru(
    projection: Tensor, weight: Tensor, state: Tensor | None, mask: Tensor | None, operand: torch.dtype,
    carried: torch.dtype, precision: str, save: bool, recompute: bool, traced: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    kernels, Sequence = _kernels("gru")
    sequence = Sequence.of(projection, weight, operand, settled(precision, operand, projection.device))
    with sequence.on_device:
        projection, state = contiguous(projection, state)
        results = kernels.forward(
            sequence, projection, weight, state, bits(mask), carried, save, save and not recompute, traced
        )
    states, last, *kept = results
    return states, last, *(_kept(kept, save, recompute))


def lstm(
    projection: Tensor, weight: Tensor, state: Tensor | None, cell: Tensor | None, mask: Tensor | None,
    operand: torch.dtype, carried: torch.dtype, precision: str, save: bool, recompute: bool, traced: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    kernels, Sequence = _kernels("lstm")
    sequence = Sequence.of(projection, weight, operand, settled(precision, operand, projection.device))
    with sequence.on_device:
        projection, state, cell = contiguous(projection, state, cell)
        pair = None if state is None else (state, cell)
        results = kernels.forward(
            sequence, projection, weight, pair, bits(mask), carried, save, save and not recompute, traced
        )
    states, last, last_cell, *kept = results
    return states, last, last_cell, *(_kept(kept, save, recompute))


def _kept(kept: list[Tensor], save: bool, recompute: bool) -> list[Tensor]:
    """What of sources, cells, gates and packed weights is saved for backward: working copies are returned empty."""
    *grids, gates, packed = kept
    if not save:
        return [x.new_empty(0) for x in kept]
    return [*grids, gates.new_empty(0), packed] if recompute else kept


def gru_backward(
    d_states: Tensor | None, d_last: Tensor | None, weight: Tensor, packed: Tensor, mask: Tensor | None,
    sources: Tensor, states: Tensor | None, state: Tensor | None, kept: Tensor,
    operand: torch.dtype, carried: torch.dtype, precision: str, recompute: bool, has_state: bool, state_gradient: bool,
    weight_gradient: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    kernels, Sequence = _kernels("gru")
    sequence = Sequence.of(kept, weight, operand, settled(precision, operand, kept.device))
    with sequence.on_device:
        d_states, d_last, states, state, kept = contiguous(d_states, d_last, states, state, kept)
        d_projection, d_weight, d = kernels.backward(
            sequence, d_states, d_last, weight, packed, bits(mask), sources, states, state, kept, carried, recompute,
            has_state, state_gradient, weight_gradient,
        )  # fmt: skip
    return d_projection, d_weight, d


def lstm_backward(
    d_states: Tensor | None, d_last: Tensor | None, d_last_cell: Tensor | None, weight: Tensor, packed: Tensor,
    mask: Tensor | None, sources: Tensor, cells: Tensor, kept: Tensor, operand: torch.dtype, carried: torch.dtype,
    precision: str, recompute: bool, has_state: bool, state_gradient: bool, weight_gradient: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    kernels, Sequence = _kernels("lstm")
    sequence = Sequence.of(kept, weight, operand, settled(precision, operand, kept.device))
    with sequence.on_device:
        d_states, d_last, d_last_cell, kept = contiguous(d_states, d_last, d_last_cell, kept)
        d_projection, d_weight, d, g = kernels.backward(
            sequence, d_states, d_last, d_last_cell, weight, packed, bits(mask), sources, cells, kept, carried,
            recompute, has_state, state_gradient, weight_gradient,
        )  # fmt: skip
    return d_projection, d_weight, d, g


def _fake_forward(cells: int) -> Any:
    """Shapes and types of `gru`'s (cells 0) or `lstm`'s (cells 1) results."""

    def fake(projection: Tensor, weight: Tensor, *rest: Any) -> tuple[Tensor, ...]:
        state, (operand, carried, _, save, recompute, traced) = rest[0], rest[-6:]
        batch, steps, _, *grid = projection.shape
        last = [projection.new_empty(batch, *grid, dtype=carried) for _ in range(1 + cells)]
        kept_steps = steps - first_kept(steps, state is not None, traced)
        sources = (batch, kept_steps, *grid) if cells else (batch, kept_steps, 2, *grid)
        shapes = [sources, (batch, steps, *grid)][: 1 + cells] if save else [(0,)] * (1 + cells)
        kept = [
            projection.new_empty(shape, dtype=dtype) for shape, dtype in zip(shapes, (operand, carried), strict=False)
        ]
        gates = projection.new_empty(projection.shape if save and not recompute else (0,))
        orders = (2, weight.shape[-1] ** 3, 3, weight.shape[1], weight.shape[1])
        nothing_convolves = not traced and kept_steps == 0
        packed = projection.new_empty((0,) if not save else (2, 0) if nothing_convolves else orders, dtype=operand)
        return projection.new_empty(batch, steps, *grid, dtype=carried), *last, *kept, gates, packed

    return fake


def _fake_backward(cells: int) -> Any:
    def fake(*arguments: Any) -> tuple[Tensor, ...]:
        weight, kept = arguments[2 + cells], arguments[8]
        _, carried, _, _, _, state_gradient, weight_gradient = arguments[-7:]
        batch, _, _, *grid = kept.shape
        shape = (batch, *grid) if state_gradient else (0,)
        states = [kept.new_empty(shape, dtype=carried) for _ in range(1 + cells)]
        d_weight = weight.new_empty(weight.shape if weight_gradient else (0,))
        return kept.new_empty(kept.shape), d_weight, *states

    return fake


OPERATORS = torch.ops.convrnn3d
for _cells, _name in enumerate(("gru", "lstm")):
    LIBRARY.impl(_name, globals()[_name], "CompositeExplicitAutograd")
    LIBRARY.impl(f"{_name}_backward", globals()[f"{_name}_backward"], "CompositeExplicitAutograd")
    torch.library.register_fake(f"convrnn3d::{_name}", _fake_forward(_cells), lib=LIBRARY)
    torch.library.register_fake(f"convrnn3d::{_name}_backward", _fake_backward(_cells), lib=LIBRARY)
