"""The oneDNN backend against float64; when it is taken, and how often it packs a weight."""

import gc
from collections.abc import Callable

import pytest
import torch
from convrnn3d import ConvGRU, conv_gru, conv_lstm, freeze, freezing, interface, manual, onednn, reference
from convrnn3d.onednn import FEW, FEW_STEPS, Packed
from parity import ONLY_CPU, Problem, distance
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional as F

pytestmark = ONLY_CPU


class Subclass(Tensor):
    """Stands for PyTorch's own subclasses, some of which have no memory to read."""


CELLS = pytest.mark.parametrize("cell", ["gru", "lstm"])
GRID = (2, 3, 1)


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let the tests use few channels. Return the number below which a weight is otherwise not packed."""
    before = onednn.NARROW
    monkeypatch.setattr(onednn, "NARROW", 1)
    return before


@pytest.fixture
def packed_weights(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """For each packing of a weight: the number of gates, and whether it is for the backward pass."""
    done, pack = [], Packed._pack

    def spy(self: Packed, weight: Tensor, transposed: bool) -> Tensor:
        done.append((len(weight), transposed))
        return pack(self, weight, transposed)

    monkeypatch.setattr(Packed, "_pack", spy)
    return done


@pytest.fixture
def convolved(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """For each convolution: the number of gates, and whether it is in the backward pass."""
    done, convolve = [], Packed._convolved

    def spy(self: Packed, grid: Tensor, gates: slice, transposed: bool) -> Tensor:
        done.append((gates.stop - gates.start, transposed))
        return convolve(self, grid, gates, transposed)

    monkeypatch.setattr(Packed, "_convolved", spy)
    return done


def arguments(batch: int = FEW, steps: int = 2, channels: int = 3) -> tuple[Tensor, Tensor]:
    projection = torch.randn(batch, steps, 3, *GRID, channels)
    return projection, torch.randn(3, channels, channels, 3, 3, 3) / 9


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize(
    "sizes",
    [
        {"batch": 1, "steps": 3},
        {"batch": FEW, "steps": 1},
        {"batch": 1, "steps": 1},
        {"batch": 0, "steps": 2},
        {"batch": 2, "grid": (1, 1, 1)},
        {"batch": 5, "grid": (4, 4, 4), "channels": 24},
        {"batch": 3, "grid": (5, 2, 3), "kernel_size": 1, "channels": 8},
    ],
    ids=str,
)
@CELLS
def test_results_and_gradients_are_near_float64(cell: str, sizes: dict, state: bool, masked: bool) -> None:
    problem = Problem(cell, state=state, masked=masked, **sizes)
    given, mask = problem.arguments()
    outputs = problem.forward(given, mask, backend="reference")
    upstream = [torch.randn_like(output) for output in outputs]
    truth = problem.solve([tensor.double() for tensor in given], mask, upstream, backend="reference")
    ours = problem.solve(given, mask, upstream, backend="onednn")
    assert len(ours) == len(truth)
    for one, other in zip(ours, truth, strict=True):
        assert one.shape == other.shape and (distance(one, other) < 1e-6 or one.equal(other.float()))


@CELLS
def test_with_128_channels_it_is_as_near_as_pytorch_with_channels_innermost(
    cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the 128 channels of 2016, a sum has 3,456 products, which PyTorch adds up differently for each layout."""

    def innermost(grid: Tensor, weight: Tensor) -> Tensor:
        kernel = weight.flatten(0, 1).contiguous(memory_format=torch.channels_last_3d)
        return F.conv3d(grid.movedim(-1, 1), kernel, padding=1).movedim(1, -1)

    problem = Problem(cell, batch=4, steps=2, grid=(4, 4, 4), channels=128)
    given, _ = problem.arguments()
    upstream = [torch.randn_like(output) for output in problem.forward(given, None, backend="reference")]
    truth = problem.solve([tensor.double() for tensor in given], None, upstream, backend="reference")
    ours = problem.solve(given, None, upstream, backend="onednn")
    monkeypatch.setattr(reference, "conv", innermost)
    theirs = problem.solve(given, None, upstream, backend="reference")
    for one, other, exact in zip(ours, theirs, truth, strict=True):
        assert distance(one, exact) < min(2 * distance(other, exact), 3e-6)


def test_auto_takes_onednn_only_in_plain_float32_calls_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[torch.dtype] = []
    monkeypatch.delenv("CONVRNN3D_BACKEND", raising=False)
    monkeypatch.setattr(interface.manual, "conv_gru", lambda p, *rest: taken.append(p.dtype) or (p, p))
    projection, weight = arguments()
    conv_gru(projection, weight)
    assert taken.pop() == torch.float32
    conv_gru(projection.double(), weight.double())
    with torch.autocast("cpu", torch.bfloat16):
        conv_gru(projection, weight)
    with torch.backends.mkldnn.flags(enabled=False):
        conv_gru(projection, weight)
    conv_gru(projection, weight, backend="reference")
    torch.compile(conv_gru, fullgraph=True, backend="eager")(projection, weight)
    torch.jit.trace(lambda *both: conv_gru(*both)[1], (projection, weight), check_trace=False)
    torch.func.grad(lambda w: conv_gru(projection, w)[1].sum())(weight)
    torch.func.jvp(lambda w: conv_gru(projection, w)[1], (weight,), (weight,))
    with forward_ad.dual_level():
        conv_gru(projection, forward_ad.make_dual(weight, weight))
    with torch._subclasses.FakeTensorMode() as mode:
        conv_gru(mode.from_tensor(projection), mode.from_tensor(weight))
    conv_gru(projection, weight.as_subclass(Subclass))
    with monkeypatch.context() as patch:
        patch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
        conv_gru(projection, weight)
    with monkeypatch.context() as patch:
        patch.setattr(onednn, "PACKS", "_no_such_operator")
        conv_gru(projection, weight)
    assert not taken


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Tensor.double, "not torch.float64"),
        (lambda tensor: tensor.to("meta"), "the tensors are on meta"),
        (lambda tensor: tensor.as_subclass(Subclass), "a Subclass may have none"),
    ],
)
def test_the_error_says_why_onednn_cannot_run(change: Callable[[Tensor], Tensor], why: str) -> None:
    with pytest.raises(RuntimeError, match=f"backend='onednn' cannot run here: .*{why}; use 'reference' or 'auto'"):
        conv_gru(*map(change, arguments()), backend="onednn")
    with torch.backends.mkldnn.flags(enabled=False), pytest.raises(RuntimeError, match="switched off"):
        conv_gru(*arguments(), backend="onednn")
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(RuntimeError, match="under autocast"):
        conv_gru(*arguments(), backend="onednn")


@CELLS
def test_a_weight_is_packed_once_per_direction_in_a_call(cell: str, packed_weights: list) -> None:
    projection, weight = arguments(steps=4)
    call = conv_gru if cell == "gru" else conv_lstm
    call(projection.requires_grad_(), weight, backend="onednn")[0].sum().backward()
    once = [(2, False), (1, False), (1, True), (2, True)] if cell == "gru" else [(3, False), (3, True)]
    assert packed_weights == once


def test_a_frozen_weight_is_packed_once_for_grids_of_one_shape(packed_weights: list) -> None:
    projection, weight = arguments(steps=3)
    freeze(weight)
    for samples in (FEW, FEW, 1, 1, FEW):
        truth = conv_gru(projection[:samples], weight, backend="reference")
        torch.testing.assert_close(conv_gru(projection[:samples], weight, backend="onednn"), truth)
    assert len(packed_weights) == 3 * 2  # whenever the shape differs from the previous one
    weight += 1
    with pytest.raises(RuntimeError, match=r"changed since convrnn3d\.freeze"):
        conv_gru(projection, weight, backend="onednn")
    conv_gru(projection[:, :1], weight, backend="onednn")  # convolves nothing
    ours, truth = (conv_gru(projection.requires_grad_(), weight, backend=name)[1] for name in ("onednn", "reference"))
    torch.testing.assert_close(ours, truth)  # nothing is cached if a gradient is wanted


def test_a_changed_frozen_weight_is_refused_even_if_it_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    projection, weight = arguments()
    monkeypatch.setattr(onednn, "NARROW", weight.shape[1] + 1)
    freeze(weight)
    conv_gru(projection, weight, backend="onednn")
    weight += 1
    with pytest.raises(RuntimeError, match=r"changed since convrnn3d\.freeze"):
        conv_gru(projection, weight, backend="onednn")


def test_both_cells_may_share_a_frozen_weight() -> None:
    projection, weight = arguments()
    freeze(weight)
    for call in (conv_gru, conv_lstm, conv_gru):
        ours, truth = (call(projection, weight, backend=name)[0] for name in ("onednn", "reference"))
        torch.testing.assert_close(ours, truth)


def test_freezing_packs_a_weight_once_and_leaves_nothing_cached(packed_weights: list) -> None:
    projection, weight = arguments()
    with freezing(weight):
        conv_gru(projection, weight, backend="onednn")
        conv_gru(projection, weight, backend="onednn")
    assert len(packed_weights) == 2
    weight += 1
    truth = conv_gru(projection, weight, backend="reference")
    torch.testing.assert_close(conv_gru(projection, weight, backend="onednn"), truth)


def test_one_step_of_few_samples_packs_only_a_frozen_weight(packed_weights: list) -> None:
    for samples, steps, state, worth in ((1, 1, True, False), (FEW - 1, 2, False, False), (1, 3, False, True)):
        projection, weight = arguments(samples, steps)
        h = torch.zeros(samples, *GRID, 3) if state else None
        conv_gru(projection, weight, h, backend="onednn")
        assert bool(packed_weights) == worth
        packed_weights.clear()
        conv_gru(projection, freeze(weight), h, backend="onednn")
        assert packed_weights
        packed_weights.clear()


@CELLS
@pytest.mark.parametrize(
    ("samples", "steps", "forward", "back"),
    [
        (1, 1, False, False),
        (FEW - 1, 1, False, False),
        (FEW, 1, True, False),
        (1, FEW_STEPS, True, False),
        (1, FEW_STEPS + 1, True, True),
    ],
)
def test_a_weight_is_packed_for_a_direction_that_uses_it_often(
    cell: str, samples: int, steps: int, forward: bool, back: bool, packed_weights: list
) -> None:
    projection, weight = arguments(samples, steps)
    state = torch.randn(samples, *GRID, 3, requires_grad=True)
    states = state if cell == "gru" else (state, torch.randn_like(state))
    call = conv_gru if cell == "gru" else conv_lstm
    gradients = []
    for backend in ("onednn", "reference"):
        leaves = projection.clone().requires_grad_(), weight.clone().requires_grad_(), state
        ours, _ = call(*leaves[:2], states, backend=backend)
        gradients.append(torch.autograd.grad(ours.square().sum(), leaves))
    torch.testing.assert_close(*gradients)
    assert {transposed for _, transposed in packed_weights} == {
        way for way, taken in ((False, forward), (True, back)) if taken
    }


@CELLS
def test_a_first_state_of_zeros_is_not_convolved_forward_or_backward(cell: str, convolved: list) -> None:
    projection, weight = arguments(steps=4)
    call = conv_gru if cell == "gru" else conv_lstm
    call(projection.requires_grad_(), weight, backend="onednn")[0].sum().backward()
    step = {"gru": ([(2, False), (1, False)], [(1, True), (2, True)]), "lstm": ([(3, False)], [(3, True)])}[cell]
    assert convolved == step[0] * 3 + step[1] * 3


@CELLS
def test_nothing_is_convolved_for_a_first_states_gradient_unless_it_is_wanted(
    cell: str, convolved: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "FEW_STEPS", 0)
    (projection, weight), state = arguments(steps=1), torch.randn(FEW, *GRID, 3)
    back = []
    for wanted in (False, True):
        h = state.clone().requires_grad_(wanted)
        leaf = projection.clone().requires_grad_()
        call, given = (conv_gru, h) if cell == "gru" else (conv_lstm, (h, state))
        call(leaf, weight, given, backend="onednn")[0].sum().backward()
        back.append([gates for gates, transposed in convolved if transposed])
        convolved.clear()
    assert back == ([[1], [1, 2]] if cell == "gru" else [[], [3]])


@CELLS
def test_a_single_step_from_zeros_convolves_nothing(cell: str, convolved: list) -> None:
    projection, weight = arguments(steps=1)
    call = conv_gru if cell == "gru" else conv_lstm
    call(projection, weight.requires_grad_(), backend="onednn")[0].sum().backward()
    assert not convolved and weight.grad.shape == weight.shape and not weight.grad.any()


@CELLS
def test_gradients_repeat_bit_for_bit(cell: str) -> None:
    problem = Problem(cell, batch=4, steps=2, grid=(4, 4, 4), channels=16)
    given, _ = problem.arguments()
    upstream = [torch.randn_like(output) for output in problem.forward(given, None)]
    first, second = (problem.solve(given, None, upstream, backend="onednn") for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_a_weight_that_changes_before_the_backward_pass_is_refused() -> None:
    projection, weight = arguments()
    states, _ = conv_gru(projection.requires_grad_(), weight, backend="onednn")
    weight += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        states.sum().backward()


def test_a_weight_of_few_channels_is_not_packed(
    narrow: int, packed_weights: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "NARROW", narrow)
    for channels in (narrow - 1, narrow):
        assert not packed_weights
        conv_gru(*arguments(channels=channels), backend="onednn")
    assert packed_weights


@CELLS
def test_the_backward_pass_uses_the_weight_that_autograd_saved(cell: str) -> None:
    """It may be a copy, while the weight itself has changed."""
    found, call = [], conv_gru if cell == "gru" else conv_lstm
    for backend in ("onednn", "reference"):
        torch.manual_seed(0)
        projection, weight = (tensor.requires_grad_() for tensor in arguments())
        with torch.autograd.graph.saved_tensors_hooks(torch.clone, lambda tensor: tensor):
            states, _ = call(projection, weight, backend=backend)
        with torch.no_grad():
            weight.mul_(2)
        found.append(torch.autograd.grad(states.sum(), [projection, weight]))
    for ours, truth in zip(*found, strict=True):
        torch.testing.assert_close(ours, truth)


@pytest.mark.parametrize("batch", [1, FEW])
@CELLS
def test_autocast_around_the_backward_pass_changes_nothing(cell: str, batch: int) -> None:
    problem = Problem(cell, batch=batch, steps=1, channels=8)
    given, _ = problem.arguments()
    found = []
    for autocast in (False, True):
        leaves = [tensor.detach().requires_grad_() for tensor in given]
        states = problem.forward(leaves, None, backend="onednn")[0]
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            found.append(torch.autograd.grad(states.square().sum(), leaves))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@CELLS
def test_a_batch_of_gradients_is_refused(cell: str) -> None:
    problem = Problem(cell, channels=3)
    given, _ = problem.arguments()
    leaves = [tensor.requires_grad_() for tensor in given]
    states = problem.forward(leaves, None, backend="onednn")[0]
    with pytest.raises(RuntimeError, match="does not support batched gradients; use backend='reference'"):
        torch.autograd.grad(states, leaves, torch.ones(2, *states.shape), is_grads_batched=True)


def test_packed_weights_are_freed_with_the_graph() -> None:
    projection, weight = arguments()
    states, _ = conv_gru(projection.requires_grad_(), weight, backend="onednn")
    states.sum().backward()
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, Packed)]


def test_a_module_learns_on_a_cpu_as_with_the_reference() -> None:
    losses = []
    for backend in ("onednn", "reference"):
        torch.manual_seed(0)
        module, x = ConvGRU(2, 4, backend=backend), torch.randn(FEW, 3, *GRID, 2)
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
        losses.append([])
        for _ in range(5):
            loss = (module(x)[1] - 1).square().mean()
            losses[-1].append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert losses[0][-1] < losses[0][0]
    torch.testing.assert_close(*map(torch.tensor, losses), rtol=1e-5, atol=0)


@CELLS
def test_uninitialised_memory_is_not_read(cell: str, poisoned: None, monkeypatch: pytest.MonkeyPatch) -> None:
    new_empty = Tensor.new_empty
    monkeypatch.setattr(
        Tensor, "new_empty", lambda self, *sizes, **named: new_empty(self, *sizes, **named).fill_(torch.nan)
    )
    problem = Problem(cell, batch=FEW, steps=2, masked=True)
    given, mask = problem.arguments()
    outputs = manual.conv_gru if cell == "gru" else manual.conv_lstm
    leaves = [tensor.requires_grad_() for tensor in given]
    state = leaves[2] if cell == "gru" else tuple(leaves[2:])
    states, _ = outputs(*leaves[:2], state, mask, onednn.products)
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(states.sum(), leaves, allow_unused=True))
