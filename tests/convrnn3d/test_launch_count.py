"""How much a call launches: kernels, and whatever else PyTorch would have to run."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from convrnn3d import gru, lstm
from convrnn3d.sequence import Sequence
from torch.utils._python_dispatch import TorchDispatchMode

STEPS, CHANNELS, GRID = 5, 16, (4, 4, 4)
A_STEP = {"gru": 2, "lstm": 1}
MORE = 3
LAUNCH_NOTHING = {"empty", "new_empty", "empty_like", "select", "unbind", "detach"}


class Counted(TorchDispatchMode):
    """Names of what would be launched within: kernels handed to `launch`, and PyTorch's operators."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def launch(self, kernel: Any, *rest: Any) -> None:
        self.names.append(kernel.__name__)

    def __torch_dispatch__(self, function: Any, types: Any, arguments: tuple = (), options: dict | None = None) -> Any:
        name = function.overloadpacket.__name__
        if name not in LAUNCH_NOTHING:
            self.names.append(name)
        return function(*arguments, **(options or {}))


def counted(function: Callable, sequence: Sequence, *arguments: Any) -> tuple[list[str], Any]:
    with Counted() as count:
        sequence.launch = count.launch
        results = function(sequence, *arguments)
    return count.names, results


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("batch", [9, 256])
@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize(
    ("operand", "precision"), [(torch.float32, "ieee"), (torch.float32, "tf32"), (torch.bfloat16, "ieee")]
)
def test_a_step_is_two_launches_or_one_and_a_call_three_more(
    cell: str, batch: int, state: bool, operand: torch.dtype, precision: str
) -> None:
    """Under autocast, too, where the states are float32 and the operands are not."""

    def empty(*shape: int) -> torch.Tensor:
        return torch.empty(shape, device="meta")

    projection, weight = empty(batch, STEPS, 3, *GRID, CHANNELS), empty(3, CHANNELS, CHANNELS, 3, 3, 3)
    mask = torch.empty(batch, STEPS, dtype=torch.uint8, device="meta")
    h = empty(batch, *GRID, CHANNELS) if state else None
    carried = torch.float32
    sequence = Sequence.of(projection, weight, operand, precision)
    module = gru if cell == "gru" else lstm
    first = h if cell == "gru" or h is None else (h, h)
    names, results = counted(module.forward, sequence, projection, weight, first, mask, carried, True, True)
    assert len(names) <= A_STEP[cell] * STEPS + MORE, names
    outputs, kept = results[: 2 + (cell == "lstm")], results[2 + (cell == "lstm") :]
    *grids, gates, packed = kept
    grids += [outputs[0], h] if cell == "gru" else []
    names, _ = counted(
        module.backward, sequence, *outputs, weight, packed, mask, *grids, gates, carried, False, state, True
    )
    assert len(names) <= A_STEP[cell] * STEPS + MORE, names
