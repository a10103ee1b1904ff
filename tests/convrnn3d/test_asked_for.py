"""A call of the kernels computes and saves no more than is asked for, with the same results."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from convrnn3d.launcher import launch
from convrnn3d.sequence import Sequence
from parity import Problem, distance


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The launched kernels, in order, with their arguments."""
    of, found = Sequence.of, []

    def tell(kernel: Any, blocks: int, arguments: tuple, *rest: Any) -> None:
        found.append((kernel.__name__, dict(zip(kernel.arg_names, arguments, strict=False))))
        launch(kernel, blocks, arguments, *rest)

    monkeypatch.setattr(Sequence, "of", lambda *call: replace(of(*call), launch=tell))
    return found


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_single_gradient_equals_the_one_computed_with_the_others(cell: str) -> None:
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
def test_only_kernels_that_wanted_gradients_need_are_launched(
    cell: str, state: bool, asked: tuple[str, ...], launched: list
) -> None:
    problem = Problem(cell, steps=3, channels=3, kernel_size=1, state=state)
    arguments, mask = problem.arguments()
    for name, tensor in zip(("projection", "weight", "state", "state"), arguments, strict=False):
        tensor.requires_grad_(name in asked)
    outputs = problem.forward(arguments, mask, backend="triton")
    names = [name for name, _ in launched]
    forward = {"gates_kernel": problem.steps - (not state), "update_kernel": problem.steps}
    forward = forward if cell == "gru" else {"step_kernel": problem.steps}
    assert {name: names.count(name) for name in forward} == forward
    if any(tensor.requires_grad for tensor in arguments):
        sum(output.sum() for output in outputs).backward()
        names = [name for name, _ in launched]
        into = "gates_back_kernel" if cell == "gru" else "step_back_kernel"
        assert names.count(into) == problem.steps + (state and "state" in asked)
        assert names.count("update_back_kernel") == (cell == "gru") * (problem.steps - (not state))
        assert names.count("weight_gradient_kernel") == ("weight" in asked)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("precision", ["ieee", "tf32"])  # states are read directly, or as factors stored next to them
@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_without_gradients_results_are_the_same(cell: str, state: bool, precision: str, launched: list) -> None:
    """Without gradients, steps write a few slots in turn; otherwise each has its own."""
    problem = Problem(cell, batch=9, steps=4, masked=True, state=state)
    arguments, mask = problem.arguments()
    with torch.no_grad():
        alone = problem.forward(arguments, mask, backend="triton", precision=precision)
    gates = [given["gates"].tensor for _, given in launched if "gates" in given]
    assert gates and all(
        tensor is None if cell == "lstm" else tensor.shape[:3] == (9, 1, 1) for tensor in gates
    )  # only u
    leaves = [argument.requires_grad_() for argument in arguments]
    kept = problem.forward(leaves, mask, backend="triton", precision=precision)
    assert all(torch.equal(left, right) for left, right in zip(alone, kept, strict=True))


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_one_step_from_zeros_does_not_use_the_weight(cell: str, launched: list) -> None:
    """The weight is not packed, and its gradient is zero without a sum."""
    problem = Problem(cell, steps=1, state=False)
    arguments, mask = problem.arguments()
    upstream = [torch.randn_like(output) for output in problem.forward(arguments, mask, backend="reference")]
    ours, truth = (problem.solve(arguments, mask, upstream, backend=name)[-1] for name in ("triton", "reference"))
    assert torch.equal(ours, truth) and not ours.any()
    names = [name for name, _ in launched]
    assert names == (["update_kernel", "gates_back_kernel"] if cell == "gru" else ["step_kernel", "step_back_kernel"])


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("precision", ["ieee", "tf32"])  # da is the projection's gradient, or factors stored next to it
@pytest.mark.parametrize("steps", [8, 9])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_up_to_8_steps_from_zeros_do_not_save_the_first_ones_factors(
    cell: str, steps: int, precision: str, launched: list
) -> None:
    """The weight's gradient does not sum over them either."""
    problem = Problem(cell, steps=steps, channels=3, kernel_size=1, state=False)
    arguments, mask = problem.arguments()
    upstream = [torch.randn_like(output) for output in problem.forward(arguments, mask, backend="reference")]
    how = {"ours": {"backend": "triton", "precision": precision}, "truth": {"backend": "reference"}}
    ours, truth = (problem.solve(arguments, mask, upstream, **options) for options in how.values())
    bar = 1e-6 if precision == "ieee" else 1e-3
    assert all(distance(left, right) < bar for left, right in zip(ours, truth, strict=True))
    few = steps == 8
    forward, backward = ("update_kernel", "gates_back_kernel") if cell == "gru" else ("step_kernel", "step_back_kernel")
    first = next(given for name, given in launched if name == forward)
    last = [given for name, given in launched if name == backward][-1]
    (sums,) = (given for name, given in launched if name == "weight_gradient_kernel")
    assert (first["first_source"].tensor is None) == few
    assert (last["da"].tensor is None) == (few and precision == "tf32")
    assert sums["samples"] == problem.batch * (steps - few)


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_grids_for_the_first_states_gradient_are_computed_only_if_it_is_wanted(
    cell: str, wanted: bool, launched: list
) -> None:
    problem = Problem(cell, steps=2, channels=3, kernel_size=1, masked=True)
    (projection, weight, *state), mask = problem.arguments()
    for tensor in [projection, weight, *(state if wanted else [])]:
        tensor.requires_grad_()
    sum(output.sum() for output in problem.forward([projection, weight, *state], mask, backend="triton")).backward()
    name, *grids = ("update_back_kernel", "d_state") if cell == "gru" else ("step_back_kernel", "d_around", "d_cell")
    (given,) = (given for kernel, given in launched if kernel == name and given["t"] == 0)
    assert all((given[grid].tensor is not None) == wanted for grid in grids)


@pytest.mark.parametrize("masked", [True, False])
def test_after_the_first_step_an_lstm_reads_its_state_only_under_a_mask(masked: bool, launched: list) -> None:
    """An absent sample continues with the state; the convolution reads it as a factor."""
    problem = Problem("lstm", steps=2, channels=3, kernel_size=1, masked=masked)
    arguments, mask = problem.arguments()
    problem.forward([argument.requires_grad_() for argument in arguments], mask, backend="triton")
    first, second = (given["state"].tensor is not None for name, given in launched if name == "step_kernel")
    assert first  # to save it for the backward pass
    assert second == masked
