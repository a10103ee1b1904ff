"""Every launch of the table in use, on a GPU, with C = 128 and G = 4, for which the table is made.

Only these tests show what the compiler makes of each tile: ptxas once miscompiled one of them, while tests of other
sizes, Triton's interpreter and its PTX as executed by `benchmarks.emulator` were right.
"""

import pytest
import torch
from convrnn3d.tuning import architecture_of, table
from parity import DEVICE, Problem, distances

BAR = 2
ARCHITECTURE = architecture_of(torch.device(DEVICE))
BATCHES = sorted(
    {
        launch.batch or 256
        for kernel, kinds in table(ARCHITECTURE).items()
        if kernel != "weight_gradient"  # two steps of these batches reach its brackets, which count B T
        for launches in kinds.values()
        for launch in launches
    }
)
OPERANDS = {
    "bf16": {"dtype": torch.bfloat16},
    "fp16": {"dtype": torch.float16},
    "tf32": {"options": {"precision": "tf32"}},
    "ieee": {},
}


pytestmark = [
    pytest.mark.skipif(DEVICE == "cpu", reason="there is no GPU, and the interpreter would take hours"),
    pytest.mark.parametrize("cell", ["gru", "lstm"]),
    pytest.mark.parametrize("operand", OPERANDS),
    pytest.mark.parametrize("batch", BATCHES),
]
SIZES = {"grid": (4, 4, 4), "channels": 128}


@pytest.mark.parametrize("state", [True, False])
def test_the_tables_tiles_are_as_near_to_float64_as_pytorch(batch: int, operand: str, cell: str, state: bool) -> None:
    """With a first state and a mask, and with neither; then the weight's gradient omits the first step."""
    steps = 2 if state else 3
    problem = Problem(cell, batch, steps, masked=state, state=state, **SIZES, **OPERANDS[operand])
    for place, (ours, theirs) in enumerate(distances(problem)):
        assert ours <= BAR * theirs, f"result {place}: {ours:.1e} from float64, PyTorch {theirs:.1e}"


@pytest.mark.parametrize("state", [True, False])
def test_without_gradients_the_results_are_the_same(batch: int, operand: str, cell: str, state: bool) -> None:
    """Less is stored then, and states are read as factors."""
    problem = Problem(cell, batch, steps=3, state=state, **SIZES, **OPERANDS[operand])
    arguments, _ = problem.arguments()
    with torch.no_grad():
        alone = problem.forward(arguments, None, backend="triton", **problem.options)
    kept = problem.forward([a.requires_grad_() for a in arguments], None, backend="triton", **problem.options)
    assert all(torch.equal(left, right) for left, right in zip(alone, kept, strict=True))
