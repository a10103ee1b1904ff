"""The times of a step's launches: which launches are timed."""

import pytest
import torch
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import table

from benchmarks.step_times import lines
from benchmarks.tune import calls

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def test_every_launch_of_a_step_has_a_line() -> None:
    found = list(lines(Sequence(1, 1, (1, 1, 2), 4, 3, torch.float32, "ieee", DEVICE), "ieee"))
    kernels = [line.split()[2] for line in found[:-1]]
    # Each cell packs, runs forward in parts and sums, backward from zeros and in parts and sums, and ends with dW.
    gru = ["pack_kernel", *["conv_parts", "gates_kernel", "conv_parts", "update_kernel"], "gates_back_kernel"]
    gru += ["conv_parts", "update_back_kernel", "conv_parts", "gates_back_kernel"]
    lstm = ["pack_kernel", "conv_parts", "step_kernel", "step_back_kernel", "conv_parts", "step_back_kernel"]
    ends = ["weight_gradient_kernel", "add_shares_kernel"]
    assert kernels == [*gru, *ends, *lstm, *ends]
    total = sum(float(line.split()[0]) for line in found[:-1])
    assert abs(float(found[-1].split()[0]) - total) < 0.01 * len(found)


def test_a_step_uses_the_launch_table_of_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "architecture_of", lambda device: "sm_90")
    asked: list[tuple] = []
    sequence = calls.sequence_of("half", 36, DEVICE)
    sequence.choose = lambda *key: asked.append(key) or table("sm_90")["gru_gates"]["half"][0]
    sequence._chosen("gru_gates", 36)
    assert asked == [("gru_gates", "half", 36, 128, "sm_90")]
