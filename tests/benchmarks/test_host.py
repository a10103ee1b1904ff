"""The host's time in a call: compiled kernels are never launched, so no GPU is needed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPILED = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}


def test_every_call_of_both_cells_is_timed() -> None:
    command = [sys.executable, "-m", "benchmarks.host", "--rounds", "2"]
    process = subprocess.run(command, cwd=ROOT, env=COMPILED, capture_output=True, text=True, check=True)
    timed = [line.split()[:2] for line in process.stdout.splitlines()[1:]]
    whats = ["forward,", "forward", "backward", "nothing,", "nothing,"]
    assert timed == [[cell, what] for cell in ("gru", "lstm") for what in whats]
