"""The recurrences as modules: their results, parameters and errors."""

import copy

import numpy as np
import pytest
import torch
from convrnn3d import ConvGRU, ConvLSTM, conv_gru, conv_lstm
from torch import Tensor
from torch.nn import functional as F

CELLS = [(ConvGRU, conv_gru), (ConvLSTM, conv_lstm)]
B, T, IN, C, GRID = 2, 3, 3, 4, (2, 3, 4)


def grids(**made: object) -> Tensor:
    return torch.randn(B, T, *GRID, IN, generator=torch.Generator().manual_seed(0), **made)


def step(module: ConvGRU | ConvLSTM, x: Tensor, h: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    """One step by the paper's equations, channels first, with each convolution computed separately."""
    p = [
        F.conv3d(x, module.input_weight[gate], module.bias[gate], padding=module.input_weight.shape[-1] // 2)
        for gate in range(3)
    ]

    def around(gate: int, source: Tensor) -> Tensor:
        return F.conv3d(source, module.weight[gate], padding=module.weight.shape[-1] // 2)

    if isinstance(module, ConvGRU):
        u, r = torch.sigmoid(p[0] + around(0, h)), torch.sigmoid(p[1] + around(1, h))
        c = torch.tanh(p[2] + around(2, r * h))
        return u * h + (1 - u) * c, s
    f, i, c = torch.sigmoid(p[0] + around(0, h)), torch.sigmoid(p[1] + around(1, h)), torch.tanh(p[2] + around(2, h))
    s = f * s + i * c
    return torch.tanh(s), s


@pytest.mark.parametrize(("kernel_size", "state_kernel_size"), [(3, 3), (5, 1), (1, 3)])
@pytest.mark.parametrize("cell", [ConvGRU, ConvLSTM])
def test_a_module_computes_the_equations(cell: type, kernel_size: int, state_kernel_size: int) -> None:
    torch.manual_seed(0)
    module = cell(IN, C, kernel_size, state_kernel_size, dtype=torch.float64)
    torch.nn.init.normal_(module.bias)
    x = grids(dtype=torch.float64)
    states, _ = module(x)
    h = s = torch.zeros(B, C, *GRID, dtype=torch.float64)
    for t in range(T):
        h, s = step(module, x[:, t].movedim(-1, 1), h, s)
        torch.testing.assert_close(states[:, t], h.movedim(1, -1))


@pytest.mark.parametrize(("cell", "function"), CELLS)
def test_a_module_passes_on_state_lengths_and_settings(cell: type, function: object) -> None:
    torch.manual_seed(0)
    module, x = cell(IN, C, recompute=True), grids()
    first, state = module(x[:, :1])
    rest, _ = module(x[:, 1:], state)
    whole, _ = module(x)
    torch.testing.assert_close(torch.cat([first, rest], dim=1), whole)
    lengths = torch.tensor([3, 1])
    mask = torch.arange(T) < lengths[:, None]
    by_lengths, by_mask = module(x, lengths=lengths)[0], module(x, None, mask)[0]
    assert torch.equal(by_lengths, by_mask) and torch.equal(by_mask[1, 0], by_mask[1, 2])
    assert torch.equal(by_mask, function(module.project(x, mask), module.weight, lengths=lengths)[0])
    module.backend = "nonsense"
    with pytest.raises(ValueError, match="nonsense"):
        module(x)


@pytest.mark.parametrize("cell", [ConvGRU, ConvLSTM])
def test_every_parameter_gets_a_gradient_and_is_in_the_state_dict(cell: type) -> None:
    torch.manual_seed(0)
    module = cell(IN, C)
    states, _ = module(grids())
    states.square().sum().backward()
    named = dict(module.named_parameters())
    assert set(named) == {"input_weight", "bias", "weight"} == set(module.state_dict())
    assert all(parameter.grad.abs().sum() > 0 for parameter in named.values())
    other = cell(IN, C)
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(grids())[0], states)
    assert repr(copy.deepcopy(module)) == f"{cell.__name__}(3, 4, kernel_size=3, state_kernel_size=3)"


@pytest.mark.parametrize("cell", [ConvGRU, ConvLSTM])
def test_weights_are_initialised_like_those_of_a_convolution(cell: type) -> None:
    torch.manual_seed(0)
    module = cell(16, 8, kernel_size=1)
    for weight, fan_in in ((module.input_weight, 16), (module.weight, 8 * 27)):
        assert 0.9 < weight.abs().max().item() * fan_in**0.5 <= 1 and abs(weight.mean().item()) < 0.1 / fan_in**0.5
    forget = 1.0 if cell is ConvLSTM else 0.0
    assert module.bias[0].eq(forget).all() and module.bias[1:].eq(0).all()


@pytest.mark.parametrize("cell", [ConvGRU, ConvLSTM])
def test_autocast_multiplies_in_its_type_and_keeps_the_state_in_float32(cell: type) -> None:
    torch.manual_seed(0)
    module, x = cell(IN, C), grids()
    exact, _ = module(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert module.project(x).dtype == torch.bfloat16
        states, _ = module(x)
    assert states.dtype == torch.float32
    torch.testing.assert_close(states, exact, atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [((0, 4), "positive"), ((3, 0), "positive"), ((3, 4, 2), "odd"), ((3, 4, -1), "odd"), ((3, 4, 3, 5), "1 or 3")],
)
def test_invalid_channels_and_kernel_sizes_are_refused(sizes: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ConvGRU(*sizes)


def test_a_kernel_size_that_is_a_tuple_is_refused() -> None:
    with pytest.raises(TypeError, match=r"must be integers, got \(3, 4, \(3, 3, 3\), 3\)"):
        ConvGRU(3, 4, kernel_size=(3, 3, 3))


def test_inputs_of_the_wrong_shape_or_type_are_refused() -> None:
    module = ConvGRU(IN, C)
    with pytest.raises(ValueError, match=r"\(B, T, X, Y, Z, 3\), all but B at least 1, got \(2, 3, 2, 3, 4, 4\)"):
        module(torch.zeros(B, T, *GRID, IN + 1))
    for empty in (grids()[:, :0], grids()[:, :, :0]):
        with pytest.raises(ValueError, match=r"x must be .* all but B at least 1"):
            module(empty)
    with pytest.raises(TypeError, match=r"x must be torch.float32 as the parameters are, got torch.float64 \(2, 3, 2"):
        module(grids(dtype=torch.float64))
    with pytest.raises(TypeError, match="x must be a tensor, got list"):
        module([[0.0]])


@pytest.mark.parametrize("cell", [ConvGRU, ConvLSTM])
def test_a_batch_may_be_empty(cell: type) -> None:
    states, _ = cell(IN, C)(torch.zeros(0, T, *GRID, IN))
    assert states.shape == (0, T, *GRID, C)


@pytest.mark.parametrize("cell", [ConvGRU, ConvLSTM])
def test_inputs_of_absent_steps_may_be_nan(cell: type) -> None:
    torch.manual_seed(0)
    module, x, lengths = cell(IN, C), grids(), torch.tensor([1, 3])
    expected = torch.autograd.grad(module(x, lengths=lengths)[0].sum(), [*module.parameters()])
    x[0, 1:] = torch.nan
    states, _ = module(x.requires_grad_(), lengths=lengths)
    states.sum().backward()
    assert x.grad[0, 1:].eq(0).all() and x.grad.isfinite().all()
    for parameter, gradient in zip(module.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_a_mask_of_the_wrong_shape_or_type_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mask must be bool \(2, 3\), got torch.bool \(2, 4\)"):
        ConvGRU(IN, C)(grids(), None, torch.ones(B, T + 1, dtype=torch.bool))
    with pytest.raises(TypeError, match="mask must be a tensor, got list"):
        ConvGRU(IN, C)(grids(), None, [[True] * T] * B)


@pytest.mark.parametrize("setting", [{"backend": "cuda"}, {"precision": "fp8"}])
def test_unknown_settings_are_refused_before_the_first_call(setting: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        ConvGRU(IN, C, **setting)


@pytest.mark.parametrize("module", [ConvGRU, ConvLSTM])
def test_numpy_sizes_are_stored_as_python_integers(module: type) -> None:
    """torch.compile treats NumPy's integers as data, on which it would branch."""
    made = module(np.int64(3), np.int64(4), np.int64(1), np.int64(1))
    assert {type(made.in_channels), type(made.channels)} == {int}
    with pytest.raises(TypeError, match="must be integers"):
        module(True, 4)
