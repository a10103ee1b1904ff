"""What a call of the kernels computes and keeps: no more than is asked for, with the same results."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from convrnn3d.launcher import launch
from convrnn3d.sequence import Sequence
from parity import Problem


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of the kernels that were launched, in turn."""
    of, found = Sequence.of, []

    def tell(kernel: Any, *rest: Any) -> None:
        found.append(kernel.__name__)
        launch(kernel, *rest)

    monkeypatch.setattr(Sequence, "of", lambda *call: replace(of(*call), launch=tell))
    return found


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_only_the_gradients_asked_for_are_computed(cell: str) -> None:
    problem = Problem(cell, channels=3, kernel_size=1)
    (projection, weight, *state), mask = problem.arguments()
    expected = problem.solve(
        [projection, weight, *state],
        mask,
        [torch.ones_like(o) for o in problem.forward([projection, weight, *state], mask)],
        backend="triton",
    )
    for place, name in ((0, "projection"), (1, "weight")):
        arguments = [projection, weight, *state]
        arguments[place] = arguments[place].detach().requires_grad_()
        outputs = problem.forward(arguments, mask, backend="triton")
        (gradient,) = torch.autograd.grad(sum(o.sum() for o in outputs), arguments[place])
        assert torch.equal(gradient, expected[len(outputs) + place]), name


@pytest.mark.parametrize("asked", [(), ("projection",), ("weight",), ("state",), ("projection", "weight", "state")])
@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_what_nobody_asks_for_is_not_launched(cell: str, state: bool, asked: tuple[str, ...], names: list[str]) -> None:
    problem = Problem(cell, steps=3, channels=3, kernel_size=1, state=state)
    arguments, mask = problem.arguments()
    for name, tensor in zip(("projection", "weight", "state", "state"), arguments, strict=False):
        tensor.requires_grad_(name in asked)
    outputs = problem.forward(arguments, mask, backend="triton")
    forward = {"gates_kernel": problem.steps - (not state), "update_kernel": problem.steps}
    forward = forward if cell == "gru" else {"step_kernel": problem.steps}
    assert {name: names.count(name) for name in forward} == forward
    if any(tensor.requires_grad for tensor in arguments):
        sum(output.sum() for output in outputs).backward()
        into = "gates_back_kernel" if cell == "gru" else "step_back_kernel"
        assert names.count(into) == problem.steps + (state and "state" in asked)
        assert names.count("update_back_kernel") == (cell == "gru") * (problem.steps - (not state))
        assert names.count("weight_gradient_kernel") == ("weight" in asked)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("precision", ["ieee", "tf32"])  # states are read as they are, or beside them as factors
@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_without_gradients_results_are_the_same(cell: str, state: bool, precision: str) -> None:
    """From few slots, which steps write in turn, as from one for each step."""
    problem = Problem(cell, batch=9, steps=4, masked=True, state=state)
    arguments, mask = problem.arguments()
    with torch.no_grad():
        alone = problem.forward(arguments, mask, backend="triton", precision=precision)
    leaves = [argument.requires_grad_() for argument in arguments]
    kept = problem.forward(leaves, mask, backend="triton", precision=precision)
    assert all(torch.equal(left, right) for left, right in zip(alone, kept, strict=True))


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_one_step_from_zeros_leaves_the_weight_without_a_gradient(cell: str, names: list[str]) -> None:
    problem = Problem(cell, steps=1, state=False)
    arguments, mask = problem.arguments()
    upstream = [torch.randn_like(output) for output in problem.forward(arguments, mask, backend="reference")]
    ours, truth = (problem.solve(arguments, mask, upstream, backend=name)[-1] for name in ("triton", "reference"))
    assert torch.equal(ours, truth) and not ours.any()
    assert "weight_gradient_kernel" not in names
