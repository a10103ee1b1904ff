"""Without Triton, everything except backend="triton" works, and its error says what to install."""

import os
import subprocess
import sys

CALL = """
import sys
sys.modules["triton"] = None
import torch
from convrnn3d import conv_gru, conv_lstm
p, w = torch.randn(1, 2, 3, 2, 2, 2, 4, requires_grad=True), torch.randn(3, 4, 4, 3, 3, 3)
"""
LEARN = """
for call in (conv_gru, conv_lstm):
    for backend in ("auto", "reference"):
        p.grad = None
        call(p, w, backend=backend)[0].square().sum().backward()
        assert p.grad.isfinite().all() and p.grad.any()
"""


def without_triton(program: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"TRITON_INTERPRET": "0", "CONVRNN3D_BACKEND": ""}
    return subprocess.run([sys.executable, "-c", CALL + program], env=environment, capture_output=True, text=True)


def test_both_cells_run_and_learn_without_triton() -> None:
    result = without_triton(LEARN)
    assert result.returncode == 0, result.stderr


def test_asking_for_triton_says_what_to_install() -> None:
    message = without_triton("conv_gru(p, w, backend='triton')").stderr.splitlines()[-1]
    assert message.startswith("RuntimeError: backend='triton' cannot run here: Triton is not installed")
    assert "pip install triton" in message
