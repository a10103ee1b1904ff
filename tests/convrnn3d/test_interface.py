"""The calls: backends, types, lengths, errors, and what PyTorch expects of an operator."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from convrnn3d import conv_gru, conv_lstm
from convrnn3d.ops import OPERATORS
from parity import DEVICE, ONEDNN, ONLY_CPU, Problem
from torch import Tensor

SMALL = {"channels": 3, "kernel_size": 1}
FLOAT = torch.float32


def fitting(batch: int = 2) -> dict[str, Tensor]:
    return {
        "projection": torch.randn(batch, 3, 3, 2, 1, 2, 3, device=DEVICE),
        "weight": torch.randn(3, 3, 3, 1, 1, 1, device=DEVICE),
    }


def test_importing_needs_no_triton_and_loads_no_dynamo() -> None:
    program = """
import sys
from typing import Any
sys.modules["triton"] = None  # importing it raises ImportError
import importlib.util
importlib.util.find_spec = lambda name, *rest: None
import torch, convrnn3d
states, last = convrnn3d.conv_gru(torch.randn(1, 2, 3, 1, 1, 1, 2), torch.randn(3, 2, 2, 1, 1, 1))
try:
    convrnn3d.conv_gru(torch.randn(1, 2, 3, 1, 1, 1, 2), torch.randn(3, 2, 2, 1, 1, 1), backend="triton")
except RuntimeError as error:
    assert "Triton is not installed" in str(error), error
else:
    raise AssertionError
assert "torch._dynamo" not in sys.modules  # importing it takes a second
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_auto_runs_no_kernel_on_a_cpu_or_for_unsupported_types(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*arguments: object) -> None:
        raise AssertionError("the kernels ran")

    monkeypatch.setattr("convrnn3d.interface.run", fail)
    conv_gru(**{name: tensor.cpu() for name, tensor in fitting().items()})
    conv_gru(**{name: tensor.double() for name, tensor in fitting().items()})


def test_the_environment_variable_sets_the_backend_of_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVRNN3D_BACKEND", "nonsense")
    with pytest.raises(
        ValueError, match="CONVRNN3D_BACKEND must be one of auto, triton, onednn, reference, got 'nonsense'"
    ):
        conv_gru(**fitting())
    conv_gru(**fitting(), backend="reference")
    monkeypatch.setenv("CONVRNN3D_BACKEND", "triton")
    with pytest.raises(RuntimeError, match="float64"):
        conv_gru(**{name: tensor.double() for name, tensor in fitting().items()})


def test_triton_without_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(RuntimeError, match="cannot run here: the tensors are on cpu"):
        conv_gru(**{name: tensor.cpu() for name, tensor in fitting().items()}, backend="triton")


@pytest.mark.parametrize("name", ["backend", "precision"])
def test_unknown_backends_and_precisions_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be one of"):
        conv_gru(**fitting(), **({"backend": "triton"} | {name: "fast"}))


@pytest.mark.parametrize("backend", ["triton", ONEDNN, "reference"])
def test_lengths_equal_masks_of_leading_steps(backend: str) -> None:
    lengths = torch.tensor([1, 3], device=DEVICE)
    mask = torch.tensor([[True, False, False], [True, True, True]], device=DEVICE)
    arguments = fitting()
    for call in (conv_gru, conv_lstm):
        by_length = call(**arguments, lengths=lengths, backend=backend)
        by_mask = call(**arguments, mask=mask, backend=backend)
        torch.testing.assert_close(by_length[0], by_mask[0], rtol=1e-5, atol=1e-6)
    for kind in (torch.int8, torch.uint8, torch.uint16, torch.uint64):
        narrow = conv_gru(**arguments, lengths=lengths.to(kind), backend=backend)
        assert torch.equal(narrow[0], conv_gru(**arguments, lengths=lengths, backend=backend)[0])
    with pytest.raises(ValueError, match="not both"):
        conv_gru(**arguments, mask=mask, lengths=lengths)
    for kind in (torch.float32, torch.bool):
        with pytest.raises(ValueError, match=r"lengths must be integers \(2,\)"):
            conv_gru(**arguments, lengths=lengths.to(kind))


def test_types_must_agree_outside_autocast() -> None:
    arguments = fitting() | {"state": torch.zeros(2, 2, 1, 2, 3, device=DEVICE, dtype=torch.bfloat16)}
    with pytest.raises(TypeError, match=r"must be torch.float32 as projection is, got torch.bfloat16"):
        conv_gru(**arguments)
    with torch.autocast(DEVICE, torch.bfloat16):
        assert conv_gru(**arguments, backend="reference")[1].dtype == torch.float32


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("state", [False, True])
def test_operators_pass_pytorchs_opcheck(cell: str, recompute: bool, state: bool) -> None:
    check_operators(cell, recompute, state, kernel_size=1)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_without_a_backward_pass_nothing_is_saved(cell: str) -> None:
    (projection, weight, *states), mask = Problem(cell, **SMALL).arguments()
    results = getattr(OPERATORS, cell)(projection, weight, *states, mask, FLOAT, FLOAT, "ieee", *[False] * 3)
    assert not any(kept.numel() for kept in results[1 + len(states) :])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_operators_predict_the_shapes_of_kernels_of_27_taps(cell: str) -> None:
    """The other checks do not depend on taps, and 27 of them take the interpreter half a minute."""
    check_operators(cell, recompute=True, state=True, kernel_size=3, test_utils="test_faketensor")


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize(("steps", "traced"), [(1, False), (1, True), (8, False), (8, True), (9, False)])
def test_operators_predict_what_steps_from_zeros_save(cell: str, steps: int, traced: bool) -> None:
    sizes = {"kernel_size": 1, "steps": steps, "traced": traced}
    check_operators(cell, recompute=False, state=False, **sizes, test_utils="test_faketensor")


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_calls_with_any_number_of_steps_from_zeros_can_be_exported(cell: str) -> None:
    """In a separate process: PyTorch (2.13) exports nothing once the precision of convolutions was set by itself."""
    program = f"""
import torch, convrnn3d

class Call(torch.nn.Module):
    def __init__(self, trained):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(3, 3, 3, 1, 1, 1), requires_grad=trained)

    def forward(self, projection):
        return convrnn3d.conv_{cell}(projection, self.weight, backend="triton")[0]

for trained in (False, True):
    call = Call(trained).to("{DEVICE}")
    projection = torch.randn(2, 3, 3, 1, 1, 2, 3, device="{DEVICE}")
    shapes = {{"projection": {{1: torch.export.Dim("T", min=2, max=32)}}}}
    exported = torch.export.export(call, (projection,), dynamic_shapes=shapes).module()
    for steps in (2, 12):
        projection = torch.randn(2, steps, 3, 1, 1, 2, 3, device="{DEVICE}")
        assert torch.equal(exported(projection), call(projection))
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def check_operators(
    cell: str, recompute: bool, state: bool, kernel_size: int, steps: int = 2, traced: bool = False, **options: Any
) -> None:
    problem = Problem(cell, batch=2, steps=steps, grid=(1, 2, 1), channels=2, kernel_size=kernel_size, state=state)
    arguments, _ = problem.arguments()
    mask = torch.arange(steps, device=DEVICE) < torch.tensor([[1], [steps]], device=DEVICE)
    projection, weight, *states = (argument.requires_grad_() for argument in arguments)
    states = states or [None] * (2 if cell == "lstm" else 1)
    forward = (projection, weight, *states, mask, FLOAT, FLOAT, "ieee", True, recompute, traced)
    torch.library.opcheck(getattr(OPERATORS, cell).default, forward, **options)
    with torch.no_grad():
        outputs = getattr(OPERATORS, cell)(*forward)
    number = 3 if cell == "lstm" else 2
    states = [] if cell == "lstm" else [None, None]  # the sources are the states, as there is only one type
    *grids, gates, packed = outputs[number:]
    kept = [*grids, *states, projection.detach() if recompute else gates]
    how = FLOAT, FLOAT, "ieee", recompute, state, state, True
    backward = (*outputs[:number], weight.detach(), packed, mask, *kept, *how)
    torch.library.opcheck(getattr(OPERATORS, f"{cell}_backward").default, backward, **options)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_compiled_call_multiplies_in_the_precision_set_when_it_runs(cell: str) -> None:
    """Forward and backward, as PyTorch's convolutions do, whatever was set when it was compiled."""
    problem = Problem(cell, **SMALL)
    arguments, _ = problem.arguments()

    def gradients(function: Callable[[list[Tensor]], Tensor]) -> list[Tensor]:
        leaves = [argument.detach().requires_grad_() for argument in arguments]
        return list(torch.autograd.grad(function(leaves), leaves))

    def loss(leaves: list[Tensor]) -> Tensor:
        return sum(output.square().sum() for output in problem.forward(leaves, None, backend="triton"))

    torch._dynamo.reset()
    compiled, found = torch.compile(loss, fullgraph=True, backend="aot_eager"), []
    for precision in ("tf32", "ieee", "tf32"):  # the tests' fixture resets it
        torch.backends.cudnn.conv.fp32_precision = precision
        found.append(gradients(compiled))
        assert all(torch.equal(one, other) for one, other in zip(found[-1], gradients(loss), strict=True)), precision
    assert not torch.equal(found[0][0], found[1][0])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_compiled_calls_give_the_same_results_and_compile_at_most_twice(cell: str) -> None:
    def loss(arguments: list[Tensor], mask: Tensor) -> Tensor:
        return sum(output.square().sum() for output in Problem(cell).forward(arguments, mask, backend="triton"))

    from torch._dynamo.testing import CompileCounterWithBackend  # importing torch does not import it

    torch._dynamo.reset()
    counter = CompileCounterWithBackend("inductor" if DEVICE == "cuda" else "aot_eager")
    compiled = torch.compile(loss, fullgraph=True, backend=counter)
    for batch in (2, 3, 4, 5):
        problem = Problem(cell, batch=batch, masked=True, **SMALL)
        arguments, mask = problem.arguments()
        gradients = []
        for function in (loss, compiled):
            leaves = [argument.detach().requires_grad_() for argument in arguments]
            gradients.append(torch.autograd.grad(function(leaves, mask), leaves))
        for left, right in zip(*gradients, strict=True):
            torch.testing.assert_close(left, right, rtol=1e-5, atol=1e-6)
    assert counter.frame_count <= 2  # one for the first batch size, one for all others


@pytest.mark.parametrize("backend", ["triton", ONEDNN])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_second_derivative_is_refused(cell: str, backend: str) -> None:
    problem = Problem(cell, **SMALL)
    (projection, *others), mask = problem.arguments()
    for frozen in (False, True):  # no input of the backward operator needs to require a gradient
        leaves = [projection.requires_grad_(), *(other.requires_grad_(not frozen) for other in others)]
        outputs = problem.forward(leaves, mask, backend=backend)
        (gradient,) = torch.autograd.grad(outputs[0].sum(), projection, create_graph=True)
        with pytest.raises(RuntimeError, match="double backward is not supported; use backend='reference'"):
            gradient.sum().backward()


@pytest.mark.parametrize(
    "options",
    [
        {"backend": "triton"},
        {"backend": "triton", "recompute": True},
        pytest.param({"backend": "onednn"}, marks=ONLY_CPU),
    ],
)
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_second_derivative_by_one_input_is_refused_not_missing(cell: str, options: dict) -> None:
    """For every input, whether the gradients depend on it only through the recurrence or also through the loss."""
    problem = Problem(cell, **SMALL)
    inputs, mask = problem.arguments()
    leaves = [one.requires_grad_() for one in inputs]
    after = torch.ones((), device=DEVICE, requires_grad=True)  # a parameter of a layer after the recurrence
    losses = torch.sum, lambda states: states.square().sum(), lambda states: (after * states).sum()
    for loss in losses:
        outputs = problem.forward(leaves, mask, **options)
        (gradient,) = torch.autograd.grad(loss(outputs[0]), leaves[0], create_graph=True)
        for leaf in [after] if loss is losses[-1] else leaves:
            with pytest.raises(RuntimeError, match="double backward is not supported"):
                torch.autograd.grad(gradient.sum(), leaf, allow_unused=True, retain_graph=True)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_forward_mode_is_refused(cell: str) -> None:
    problem = Problem(cell, **SMALL)
    (projection, *others), mask = problem.arguments()

    def states(tensor: Tensor) -> Tensor:
        return problem.forward([tensor, *others], mask, backend="triton")[0]

    with pytest.raises(RuntimeError, match="no forward-mode derivative"):
        torch.func.jvp(states, (projection,), (projection,))


@pytest.mark.parametrize("transform", [torch.func.grad, torch.func.vmap, torch.func.jacrev])
def test_torch_funcs_transforms_are_refused(transform: Any) -> None:
    tensors = fitting()
    with pytest.raises(RuntimeError, match=r"torch.func's transforms .* use backend='reference'"):
        transform(lambda weight: conv_gru(tensors["projection"], weight, backend="triton")[1].sum())(
            tensors["weight"][None] if transform is torch.func.vmap else tensors["weight"]
        )


def test_a_vmap_that_maps_no_input_of_the_call_is_accepted() -> None:
    tensors, factors = fitting(), torch.arange(3.0, device=DEVICE)
    sum = conv_gru(**tensors, backend="triton")[1].sum()
    found = torch.func.vmap(lambda factor: factor * conv_gru(**tensors, backend="triton")[1].sum())(factors)
    torch.testing.assert_close(found, factors * sum)


@pytest.mark.parametrize("state", [(0, None), (None, 0), (0, 0, 0), ()])
def test_an_lstm_state_that_is_not_a_pair_of_tensors_is_refused(state: tuple) -> None:
    grid = torch.zeros(2, 2, 1, 2, 3, device=DEVICE)
    with pytest.raises(ValueError, match=r"must be the pair \(h, s\)"):
        conv_lstm(**fitting(), state=tuple(None if part is None else grid for part in state))


@pytest.mark.parametrize(
    ("name", "given"),
    [("state", (1, 2)), ("mask", [[True]]), ("lengths", 3), ("lengths", [1, 2]), ("weight", None), ("projection", 0.5)],
    ids=str,
)
def test_arguments_that_are_not_tensors_are_refused(name: str, given: object) -> None:
    with pytest.raises(TypeError, match=f"{name} must be a tensor, got {type(given).__name__}"):
        conv_gru(**fitting() | {name: given})


def test_tensors_on_another_device_are_refused() -> None:
    with pytest.raises(ValueError, match="weight is on meta, projection on"):
        conv_gru(**fitting() | {"weight": torch.empty(3, 3, 3, 1, 1, 1, device="meta")})


def test_lengths_on_the_meta_device_are_refused() -> None:
    with pytest.raises(ValueError, match="lengths is on meta, projection on"):
        conv_gru(**fitting(), lengths=torch.ones(2, dtype=torch.int64, device="meta"))


@pytest.mark.parametrize("change", [Tensor.to_sparse, lambda tensor: tensor.to(torch.float8_e4m3fn)])
def test_sparse_and_float8_tensors_are_refused(change: Any) -> None:
    with pytest.raises(TypeError, match="projection must be"):
        conv_gru(**{name: change(tensor) for name, tensor in fitting().items()})


def test_meta_tensors_give_meta_results() -> None:
    states, last = conv_gru(**{name: tensor.to("meta") for name, tensor in fitting().items()})
    assert states.is_meta and last.shape == (2, 2, 1, 2, 3)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_the_weights_gradient_has_the_weights_layout(kernel_size: int) -> None:
    problem = Problem("gru", batch=1, steps=1, grid=(1, 1, 1), channels=2, kernel_size=kernel_size)
    arguments, _ = problem.arguments()
    weight = arguments[1].contiguous().requires_grad_()
    problem.forward([arguments[0], weight, *arguments[2:]], None, backend="triton")[0].sum().backward()
    assert weight.grad.stride() == weight.stride()


@pytest.mark.skipif(DEVICE != "cuda", reason="CUDA graphs need a GPU")
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_cuda_graph_captures_a_training_step(cell: str) -> None:
    problem = Problem(cell, masked=True)
    arguments, mask = problem.arguments()
    leaves = [argument.detach().requires_grad_() for argument in arguments]

    def step() -> list[Tensor]:
        outputs = problem.forward(leaves, mask, backend="triton")
        return [*outputs, *torch.autograd.grad(sum(output.square().sum() for output in outputs), leaves)]

    with torch.cuda.stream(torch.cuda.Stream()):
        step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = step()
    with torch.no_grad():
        for leaf in leaves:
            leaf.copy_(torch.randn_like(leaf) / 10)
    graph.replay()
    torch.cuda.synchronize()
    assert all(torch.equal(left, right) for left, right in zip(captured, step(), strict=True))
