"""The reference recurrences against the equations written out voxel by voxel in NumPy."""

import numpy as np
import pytest
import torch
from convrnn3d import conv_gru, conv_lstm, gates

BATCH, STEPS, GRID, CHANNELS = 2, 3, (2, 3, 4), 3


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def convolve(grid: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolve (X, Y, Z, C) with kernel (O, C, k, k, k), one voxel and one tap at a time, as PyTorch correlates."""
    reach = kernel.shape[-1] // 2
    out = np.zeros((*grid.shape[:3], len(kernel)))
    for voxel in np.ndindex(grid.shape[:3]):
        for tap in np.ndindex(kernel.shape[2:]):
            source = tuple(v + t - reach for v, t in zip(voxel, tap, strict=True))
            if all(0 <= s < side for s, side in zip(source, grid.shape, strict=False)):
                out[voxel] += kernel[:, :, *tap] @ grid[source]
    return out


def gru_step(p: np.ndarray, weight: np.ndarray, h: np.ndarray) -> np.ndarray:
    u, r = sigmoid(p[0] + convolve(h, weight[0])), sigmoid(p[1] + convolve(h, weight[1]))
    c = np.tanh(p[2] + convolve(r * h, weight[2]))
    return u * h + (1 - u) * c


def lstm_step(p: np.ndarray, weight: np.ndarray, h: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    f, i = sigmoid(p[0] + convolve(h, weight[0])), sigmoid(p[1] + convolve(h, weight[1]))
    s = f * s + i * np.tanh(p[2] + convolve(h, weight[2]))
    return np.tanh(s), s


def inputs(kernel_size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    projection = torch.randn(BATCH, STEPS, 3, *GRID, CHANNELS, dtype=torch.float64)
    weight = torch.randn(3, CHANNELS, CHANNELS, *[kernel_size] * 3, dtype=torch.float64)
    h, s = torch.randn(2, BATCH, *GRID, CHANNELS, dtype=torch.float64)
    mask = torch.tensor([[True, False, True], [False, True, True]])
    return projection, weight, h, s, mask


@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("masked", [False, True])
def test_gru_follows_the_equations(kernel_size: int, masked: bool) -> None:
    projection, weight, state, _, mask = inputs(kernel_size)
    states, last = conv_gru(projection, weight, state, mask if masked else None)
    for sample in range(BATCH):
        h = state[sample].numpy()
        for t in range(STEPS):
            if not masked or mask[sample, t]:
                h = gru_step(projection[sample, t].numpy(), weight.numpy(), h)
            np.testing.assert_allclose(states[sample, t], h, atol=1e-12)
        np.testing.assert_allclose(last[sample], h, atol=1e-12)


@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("masked", [False, True])
def test_lstm_follows_the_equations(kernel_size: int, masked: bool) -> None:
    projection, weight, first_h, first_s, mask = inputs(kernel_size)
    states, (last_h, last_s) = conv_lstm(projection, weight, (first_h, first_s), mask if masked else None)
    for sample in range(BATCH):
        h, s = first_h[sample].numpy(), first_s[sample].numpy()
        for t in range(STEPS):
            if not masked or mask[sample, t]:
                h, s = lstm_step(projection[sample, t].numpy(), weight.numpy(), h, s)
            np.testing.assert_allclose(states[sample, t], h, atol=1e-12)
        np.testing.assert_allclose(last_h[sample], h, atol=1e-12)
        np.testing.assert_allclose(last_s[sample], s, atol=1e-12)


def test_state_defaults_to_zeros() -> None:
    projection, weight, *_ = inputs(3)
    zeros = torch.zeros(BATCH, *GRID, CHANNELS, dtype=torch.float64)
    assert torch.equal(conv_gru(projection, weight)[0], conv_gru(projection, weight, zeros)[0])
    assert torch.equal(conv_lstm(projection, weight)[0], conv_lstm(projection, weight, (zeros, zeros))[0])


@pytest.mark.parametrize(
    "change",
    [
        {"projection": torch.zeros(2, 3, 2, 2, 3, 4, 3)},
        {"weight": torch.zeros(3, 3, 3, 5, 5, 5)},
        {"weight": torch.zeros(3, 3, 4, 3, 3, 3)},
        {"state": torch.zeros(2, 2, 3, 4, 4)},
        {"mask": torch.ones(2, 4, dtype=torch.bool)},
        {"mask": torch.ones(2, 3)},
    ],
)
def test_arguments_of_the_wrong_shape_or_type_are_refused(change: dict[str, torch.Tensor]) -> None:
    fitting = {"projection": torch.zeros(2, 3, 3, 2, 3, 4, 3), "weight": torch.zeros(3, 3, 3, 3, 3, 3)}
    with pytest.raises(ValueError, match="must be"):
        conv_gru(**(fitting | change))
    if "state" in change:
        change = {"state": (change["state"], change["state"])}
    with pytest.raises(ValueError, match="must be"):
        conv_lstm(**(fitting | change))


@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_gates_of_all_steps_follow_the_equations(kernel_size: int, given: bool, kind: str) -> None:
    projection, weight, h, s, _ = inputs(kernel_size)
    if kind == "gru":
        states = conv_gru(projection, weight, h if given else None)[0]
    else:
        states = conv_lstm(projection, weight, (h, s) if given else None)[0]
    found = gates(projection, weight, states, h if given else None)
    assert found.shape == (BATCH, STEPS, 2, *GRID, CHANNELS)
    for sample in range(BATCH):
        before = (h[sample] if given else torch.zeros_like(h[sample])).numpy()
        for t in range(STEPS):
            for gate in range(2):
                expected = sigmoid(projection[sample, t, gate].numpy() + convolve(before, weight[gate].numpy()))
                np.testing.assert_allclose(found[sample, t, gate], expected, atol=1e-12)
            before = states[sample, t].numpy()


def test_gates_refuse_states_of_another_shape() -> None:
    projection, weight, h, _, _ = inputs(3)
    with pytest.raises(ValueError, match=r"states must be \(2, 3, 2, 3, 4, 3\), got \(2, 2, 3, 4, 3\)"):
        gates(projection, weight, h)


def test_gates_refuse_non_tensors_and_other_types_and_devices() -> None:
    projection, weight, h, _, _ = (one.float() if one.is_floating_point() else one for one in inputs(3))
    states = conv_gru(projection, weight)
    with pytest.raises(TypeError, match="states must be a tensor, got tuple"):
        gates(projection, weight, states)
    states = states[0]
    for wrong in ((projection, weight, states.double()), (projection, weight, states, h.double())):
        with pytest.raises(TypeError, match=r"must be torch.float32 as projection is, got torch.float64"):
            gates(*wrong)
    with pytest.raises(ValueError, match="states is on meta, projection on"):
        gates(projection, weight, states.to("meta"))
