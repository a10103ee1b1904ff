"""The hand-written backward pass against finite differences and against the reference's autograd, in float64."""

from collections.abc import Callable

import pytest
import torch
from convrnn3d import manual, reference
from torch import Tensor

MASKS = {
    "all views": None,
    "some views": [[True, False, True], [False, True, True]],
    "no views": [[False] * 3] * 2,
}


def inputs(cell: Callable, kernel_size: int, mask: list | None) -> tuple[tuple[Tensor, ...], Tensor | None]:
    """The projection, weight, state and, for the LSTM, cell; and the mask."""
    shapes = [(2, 3, 3, 2, 3, 2, 2), (3, 2, 2, *[kernel_size] * 3), (2, 2, 3, 2, 2)]
    shapes += [shapes[-1]] * (cell is lstm)
    arguments = tuple(torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    return arguments, None if mask is None else torch.tensor(mask)


def gru(room: object, mask: Tensor | None) -> Callable[..., tuple[Tensor, ...]]:
    return lambda projection, weight, h: room.conv_gru(projection, weight, h, mask)


def lstm(room: object, mask: Tensor | None) -> Callable[..., tuple[Tensor, ...]]:
    def run(projection: Tensor, weight: Tensor, h: Tensor, s: Tensor) -> tuple[Tensor, ...]:
        states, (last, cell) = room.conv_lstm(projection, weight, (h, s), mask)
        return states, last, cell

    return run


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("cell", [gru, lstm])
def test_gradients_match_finite_differences(cell: Callable, kernel_size: int, mask: list | None) -> None:
    arguments, seen = inputs(cell, kernel_size, mask)
    assert torch.autograd.gradcheck(cell(manual, seen), arguments, nondet_tol=0)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("cell", [gru, lstm])
def test_outputs_and_gradients_match_the_reference(cell: Callable, kernel_size: int, mask: list | None) -> None:
    arguments, seen = inputs(cell, kernel_size, mask)
    expected, actual = cell(reference, seen)(*arguments), cell(manual, seen)(*arguments)
    upstream = [torch.randn_like(output) for output in expected]
    for left, right in zip(expected, actual, strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=1e-13)
    gradients = [torch.autograd.grad(outputs, arguments, upstream) for outputs in (expected, actual)]
    for left, right in zip(*gradients, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("cell", [gru, lstm])
def test_a_second_derivative_is_refused(cell: Callable) -> None:
    arguments, _ = inputs(cell, 3, None)
    outputs = cell(manual, None)(*arguments)
    (gradient,) = torch.autograd.grad(outputs[0].square().sum(), arguments[0], create_graph=True)
    with pytest.raises(RuntimeError, match="double backward is not supported"):
        gradient.sum().backward()
