"""The recurrence modules: cell and sequence, and training through the fused kernels."""

import subprocess
import sys

import pytest
import torch
from parity import LONG
from small import small_network

from r2n2.network import R2N2
from r2n2.network.recurrence import RECURRENCES, ConvGRU3D, ConvLSTM3D, ConvRNN3D

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.parametrize("module", [ConvGRU3D, ConvLSTM3D])
def test_a_cell_applied_step_by_step_equals_the_sequence(module: type[ConvRNN3D]) -> None:
    recurrence = module(features=6, channels=4, grid=(2, 3, 1))
    features = torch.randn(2, 3, 6)
    state = None
    for step in features.unbind(1):
        state = recurrence.cell(step, state)
    torch.testing.assert_close(state, recurrence(features)[1])


@pytest.mark.parametrize("kind", list(RECURRENCES))
def test_what_a_view_writes_is_the_gate_that_multiplies_the_candidate(kind: str) -> None:
    """Measured from outside: if the candidate c is 1 and h, s are known, the state after a step gives the gate."""
    recurrence = RECURRENCES[kind](features=6, channels=4, grid=(2, 3, 1), kernel_size=1).double()
    with torch.no_grad():
        recurrence.weight[2] = 0
        recurrence.bias[2] = 50  # its tanh is 1
    features, before = torch.randn(2, 1, 6).double(), torch.rand(2, 2, 3, 1, 4).double()
    if kind == "gru":  # h' = h + (1 - u) (1 - h)
        states, after = recurrence(features, state=before)
        gate, written = (after - before) / (1 - before), recurrence.written(features, states, before)
    else:  # s = 0: s' = i
        pair = (before, torch.zeros_like(before))
        states, (_, gate) = recurrence(features, state=pair)
        written = recurrence.written(features, states, pair)
    torch.testing.assert_close(written[:, 0], gate.mean(-1))


def test_under_autocast_the_projection_has_autocasts_dtype() -> None:
    """Adding a float32 bias afterwards would make it, and the gates saved for backward, float32."""
    recurrence = ConvGRU3D(features=6, channels=4, grid=(2, 3, 1)).to(DEVICE)
    features = torch.randn(2, 3, 6, device=DEVICE)
    exact = recurrence.project(features)
    with torch.autocast(DEVICE, torch.bfloat16):
        projection = recurrence.project(features)
    assert projection.dtype == torch.bfloat16
    torch.testing.assert_close(projection.float(), exact, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("kind", list(RECURRENCES))
def test_the_kernels_match_the_reference(kind: str) -> None:
    recurrence = RECURRENCES[kind](features=6, channels=4, grid=(2, 3, 1), backend="triton", recompute=True).to(DEVICE)
    features = torch.randn(2, 3, 6, device=DEVICE)
    mask = torch.tensor([[True, False, True], [True, True, False]], device=DEVICE)
    states = {}
    for recurrence.backend in ("triton", "reference"):
        states[recurrence.backend] = recurrence(features, mask)[0]
    torch.testing.assert_close(states["triton"], states["reference"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    ["3d-lstm-1", "3d-gru-1", "res3d-gru-3", *(pytest.param(name, marks=LONG) for name in ("3d-lstm-3", "3d-gru-3"))],
)
def test_training_with_the_kernels_gives_the_references_losses(name: str) -> None:
    views = torch.rand(2, 2, 3, 127, 127, device=DEVICE)
    target = (torch.rand(2, 32, 32, 32, device=DEVICE) > 0.7).long()
    losses = {}
    for backend in ("reference", "triton"):
        torch.manual_seed(0)
        model = R2N2(small_network(name)).to(DEVICE)
        model.recurrence.backend, model.recurrence.precision = backend, "ieee"
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        losses[backend] = []
        for _ in range(2):
            loss = torch.nn.functional.cross_entropy(model(views).logits, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[backend].append(loss.item())
    assert losses["reference"][0] != losses["reference"][-1]
    assert losses["triton"] == pytest.approx(losses["reference"], rel=1e-4)


def test_the_backward_pass_runs_where_triton_is_not_installed() -> None:
    program = """
import sys
sys.modules["triton"] = None
import torch
from r2n2 import NETWORKS, R2N2
R2N2(NETWORKS["compact"])(torch.rand(1, 1, 3, 127, 127)).logits.sum().backward()
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
