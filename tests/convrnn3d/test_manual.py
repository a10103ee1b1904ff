"""The backward pass by hand against finite differences and against autograd of the reference, in float64."""

from collections.abc import Callable

import pytest
import torch
from convrnn3d import manual, reference
from torch import Tensor

MASKS = {
    "all views": None,
    "some views": [[True, False, True], [False, True, True]],
    "a first step of none": [[False] * 3] * 2,
}


def inputs(kernel_size: int, mask: list | None) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    projection = torch.randn(2, 3, 3, 2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 2, 2, *[kernel_size] * 3, dtype=torch.float64, requires_grad=True)
    h, s = (torch.randn(2, 2, 3, 2, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    return projection, weight, h, s, None if mask is None else torch.tensor(mask)


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
def test_gradients_are_those_of_finite_differences(cell: Callable, kernel_size: int, mask: list | None) -> None:
    projection, weight, h, s, seen = inputs(kernel_size, mask)
    arguments = (projection, weight, h) if cell is gru else (projection, weight, h, s)
    assert torch.autograd.gradcheck(cell(manual, seen), arguments, nondet_tol=0)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("cell", [gru, lstm])
def test_outputs_and_gradients_are_those_of_the_reference(cell: Callable, kernel_size: int, mask: list | None) -> None:
    projection, weight, h, s, seen = inputs(kernel_size, mask)
    arguments = (projection, weight, h) if cell is gru else (projection, weight, h, s)
    expected, actual = cell(reference, seen)(*arguments), cell(manual, seen)(*arguments)
    upstream = [torch.randn_like(output) for output in expected]
    for left, right in zip(expected, actual, strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=1e-13)
    gradients = [torch.autograd.grad(outputs, arguments, upstream) for outputs in (expected, actual)]
    for left, right in zip(*gradients, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("cell", [gru, lstm])
def test_a_second_derivative_is_refused(cell: Callable) -> None:
    projection, weight, h, s, _ = inputs(3, None)
    arguments = (projection, weight, h) if cell is gru else (projection, weight, h, s)
    outputs = cell(manual, None)(*arguments)
    (gradient,) = torch.autograd.grad(outputs[0].square().sum(), projection, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
