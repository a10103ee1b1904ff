"""Without Triton: everything but backend="triton" works, and that says what to install."""

import os
import subprocess
import sys

import pytest

HIDE = "import sys; sys.modules['triton'] = None\n"
CALL = """
import torch
from convrnn3d import conv_gru, conv_lstm
p, w = torch.randn(1, 2, 3, 2, 2, 2, 4, requires_grad=True), torch.randn(3, 4, 4, 3, 3, 3)
"""


def without_triton(program: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"TRITON_INTERPRET": "0", "CONVRNN3D_BACKEND": ""}
    command = [sys.executable, "-c", HIDE + program]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize("cell", ["conv_gru", "conv_lstm"])
def test_a_sequence_runs_and_learns_without_triton(cell: str, backend: str) -> None:
    result = without_triton(f"{CALL}{cell}(p, w, backend={backend!r})[0].sum().backward(); print(p.grad.shape)")
    assert result.stdout == "torch.Size([1, 2, 3, 2, 2, 2, 4])\n", result.stderr


def test_asking_for_triton_says_what_to_install() -> None:
    message = without_triton(f"{CALL}conv_gru(p, w, backend='triton')").stderr.splitlines()[-1]
    assert message.startswith("RuntimeError: backend='triton' cannot run here: Triton is not installed")
    assert "pip install triton" in message
