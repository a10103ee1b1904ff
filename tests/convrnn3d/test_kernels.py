"""The Triton kernels against float64: natively on a GPU, without one in Triton's interpreter.

PyTorch sets the bar: in the same type, the kernels may be at most twice as far from float64 as PyTorch itself.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from convrnn3d import sequence
from convrnn3d.launcher import launch
from convrnn3d.places import Tile
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import LONGEST, Launch, choose
from convrnn3d.wgrad import shares_of
from parity import DEVICE, LONG, ONEDNN, SPARE, Problem, distance, distances, tf32, without_broken_onednn

BAR = 2

PROBLEMS = [
    problem
    for cell in ("gru", "lstm")
    for problem in (
        # Taps divided among programs (up to eight samples), whole grids and single voxels.
        Problem(cell),
        Problem(cell, batch=1, steps=3, grid=(2, 2, 2), channels=24, masked=True),
        Problem(cell, batch=8, steps=1, grid=(1, 1, 1), channels=7),  # with 15 numbers, chance alone would miss the bar
        Problem(cell, batch=2, steps=1, grid=(1, 3, 2), channels=40, dtype=torch.bfloat16),
        # By voxel: one block of samples, then two, the last of which is not full.
        Problem(cell, batch=9, grid=(3, 2, 1), channels=24, masked=True, state=False),
        Problem(cell, batch=37, steps=1, grid=(3, 3, 2), channels=16, dtype=torch.float16),
        Problem(cell, batch=70, steps=2, channels=7, masked=True, options={"precision": "tf32"}),
        Problem(cell, batch=66, steps=1, grid=(2, 2, 1), channels=40, options={"precision": "ieee"}),
        # 1x1x1 kernels.
        Problem(cell, batch=3, steps=24, channels=24, kernel_size=1, masked=True),
        Problem(cell, batch=37, steps=2, grid=(4, 1, 2), channels=24, kernel_size=1, state=False),
        Problem(cell, batch=3, steps=2, grid=(5, 1, 2), channels=33, kernel_size=1, dtype=torch.bfloat16),
        # Gates recomputed in the backward pass.
        Problem(cell, batch=3, steps=3, masked=True, options={"recompute": True}),
        Problem(cell, batch=9, steps=2, channels=6, state=False, options={"recompute": True}),
        Problem(cell, channels=24, kernel_size=1, state=False, options={"precision": "tf32", "recompute": True}),
    )
]

LONGER = [
    problem
    for cell in ("gru", "lstm")
    for problem in (
        Problem(cell, batch=2, steps=1, grid=(2, 4, 3), channels=96, dtype=torch.bfloat16),
        Problem(cell, batch=1, steps=2, grid=(2, 1, 3), channels=128, state=False, options={"precision": "ieee"}),
        Problem(cell, batch=130, steps=2, channels=7, masked=True, options={"precision": "tf32"}),
        Problem(cell, batch=70, steps=2, channels=70, grid=(1, 2, 1), dtype=torch.bfloat16),
        Problem(cell, batch=37, steps=2, grid=(4, 4, 4), channels=24, kernel_size=1, state=False),
    )
]
LONGEST_OF_ALL = [
    Problem(cell, batch=70, steps=2, channels=130, grid=(1, 2, 1), dtype=torch.bfloat16) for cell in ("gru", "lstm")
]
CASES = [
    *PROBLEMS,
    *(pytest.param(problem, marks=LONG) for problem in LONGER),
    *(pytest.param(problem, marks=SPARE) for problem in LONGEST_OF_ALL),
]


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("problem", CASES, ids=str)
def test_kernels_are_as_near_to_float64_as_pytorch(problem: Problem) -> None:
    for place, (ours, theirs) in enumerate(distances(problem)):
        assert ours <= BAR * theirs, f"result {place}: {ours:.1e} from float64, PyTorch {theirs:.1e}"
        if problem.options.get("precision") == "tf32":  # also in the interpreter, which would multiply all bits
            assert ours >= theirs / BAR, f"result {place}: factors are not rounded to tf32"


WAYS = {  # axes along which taps are divided, whether rows are lines, the grid
    "lines": (0, True, (1, 2, 4)),
    "lines of three": (0, True, (4, 1, 3)),
    "lines of seven": (0, True, (1, 1, 7)),
    "lines of two": (0, True, (1, 3, 2)),
    "lines of one": (0, True, (3, 1, 1)),
    "lines that are too long": (0, True, (1, 1, 9)),
    "a tap": (3, False, (1, 2, 3)),
    "taps along z": (2, False, (2, 1, 3)),
    "taps along z on lines": (2, True, (1, 2, 3)),
    "a plane of taps": (1, False, (2, 3, 2)),
    "a plane of taps on lines": (1, True, (2, 2, 4)),
}


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Launch]], list[Tile]]:
    """A function that makes its argument choose launches and returns the tiles launched from then on."""

    def chosen_by(choosing: Callable[..., Launch]) -> list[Tile]:
        of, tiles = Sequence.of, []

        def launch_and_tell(kernel: Any, blocks: int, arguments: tuple, constants: dict, options: dict) -> None:
            tiles.append(constants.get("TILE"))
            launch(kernel, blocks, arguments, constants, options)

        patched = {"choose": choosing, "launch": launch_and_tell}
        monkeypatch.setattr(Sequence, "of", lambda *arguments: replace(of(*arguments), **patched))
        return tiles

    return chosen_by


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("cell", ["gru", pytest.param("lstm", marks=LONG)])
@pytest.mark.parametrize("way", WAYS)
def test_any_division_of_taps_is_as_near_to_float64_as_pytorch(launched: Callable, cell: str, way: str) -> None:
    shared, lines, grid = WAYS[way]
    tiles = launched(lambda *asked: replace(choose(*asked), shared=shared, lines=lines, rows=16))
    for place, (ours, theirs) in enumerate(distances(Problem(cell, grid=grid, channels=20, masked=True))):
        assert ours <= BAR * theirs, f"result {place}: {ours:.1e} from float64, PyTorch {theirs:.1e}"
    lines_fit = lines and 1 < grid[2] <= LONGEST
    assert any(tile and (tile.rows, tile.shared, tile.lines) == (16, shared, lines_fit) for tile in tiles)


@pytest.mark.usefixtures("poisoned", "parts_as_on_a_gpu")
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_parts_added_up_by_many_programs_are_as_near_to_float64_as_pytorch(cell: str) -> None:
    for place, (ours, theirs) in enumerate(distances(Problem(cell, batch=3, steps=1, grid=(1, 1, 3), channels=7))):
        assert ours <= BAR * theirs, f"result {place}: {ours:.1e} from float64, PyTorch {theirs:.1e}"


@pytest.fixture
def weights_before_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed weights are followed by NaN in memory, so that a read beyond them shows."""

    def before_nan(packed: torch.Tensor) -> torch.Tensor:
        longer = torch.full((packed.numel() + 4096,), torch.nan, dtype=packed.dtype, device=packed.device)
        return longer[: packed.numel()].copy_(packed.flatten()).view_as(packed)

    for name in ("pack", "kept_or_packed"):
        packs = getattr(sequence, name)
        monkeypatch.setattr(sequence, name, lambda *arguments, packs=packs: before_nan(packs(*arguments)))


@pytest.mark.usefixtures("weights_before_nan")
@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("lines", [False, True])
def test_no_weight_is_read_beyond_the_last_channel(launched: Callable, cell: str, lines: bool) -> None:
    """A turn has 16 of 20 channels; on 2x2x2 the last tap has a source."""
    launched(lambda *asked: replace(choose(*asked), shared=0, lines=lines, rows=16, channels=16, inner=16))
    for place, (ours, theirs) in enumerate(distances(Problem(cell, steps=1, grid=(2, 2, 2), channels=20))):
        assert ours <= BAR * theirs, f"result {place}: {ours:.1e} from float64, PyTorch {theirs:.1e}"


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize(("batch", "kernel_size"), [(3, 1), (9, 1), (2, 3), (10, 3)])
def test_with_sm_90s_table_kernels_are_as_near_to_float64_as_pytorch(
    launched: Callable, cell: str, batch: int, kernel_size: int
) -> None:
    launched(lambda *asked: choose(*asked[:-1], "sm_90"))
    problem = Problem(cell, batch, steps=1, grid=(1, 2, 2), channels=20, kernel_size=kernel_size, dtype=torch.bfloat16)
    for place, (ours, theirs) in enumerate(distances(problem)):
        assert ours <= BAR * theirs, f"result {place}: {ours:.1e} from float64, PyTorch {theirs:.1e}"


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize(("shared", "kernel_size"), [(0, 3), (1, 3), (0, 1)])
def test_a_wide_tile_is_as_near_to_float64_as_pytorch(
    launched: Callable, cell: str, shared: int, kernel_size: int
) -> None:
    """70 channels do not fill a tile of 128."""
    tiles = launched(lambda *asked: replace(choose(*asked), shared=shared, rows=16, channels=128, inner=64))
    problem = Problem(cell, grid=(1, 2, 1), channels=70, masked=True, kernel_size=kernel_size)
    for place, (ours, theirs) in enumerate(distances(problem)):
        assert ours <= BAR * theirs, f"result {place}: {ours:.1e} from float64, PyTorch {theirs:.1e}"
    assert any(tile and tile.channels == 128 for tile in tiles)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("grid", [(3, 4, 5), pytest.param((8, 8, 8), marks=LONG)], ids=str)
def test_larger_grids_forward_are_as_near_to_float64_as_pytorch(cell: str, grid: tuple[int, int, int]) -> None:
    problem = Problem(cell, batch=2, steps=1, grid=grid, channels=4)
    arguments, mask = problem.arguments()
    truth = problem.forward([a.double() for a in arguments], mask, backend="reference")
    theirs = problem.forward(arguments, mask, backend="reference")
    ours = problem.forward(arguments, mask, backend="triton")
    for o, r, t in zip(ours, theirs, truth, strict=True):
        assert distance(o, t) <= BAR * distance(r, t)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("small", [1, 1e-2, 1e-5])
@pytest.mark.parametrize(
    "operand", [{"dtype": torch.bfloat16}, {"dtype": torch.float16}, {"options": {"precision": "tf32"}}, {}], ids=str
)
def test_results_of_small_numbers_are_as_near_to_float64_as_pytorch(operand: dict, small: float, cell: str) -> None:
    """A step from zeros multiplies nothing, so that all of the error comes from the gates."""
    problem = Problem(cell, batch=9, steps=1, state=False, **operand)
    (projection, weight), _ = problem.arguments()
    arguments = [projection * small, weight]
    truth = problem.forward([a.double() for a in arguments], None, backend="reference")
    with without_broken_onednn(problem):
        theirs = problem.forward(arguments, None, backend="reference")
    ours = problem.forward(arguments, None, backend="triton", **problem.options)
    for o, r, t in zip(ours, theirs, truth, strict=True):
        assert distance(o, t) <= BAR * distance(r, t)


@pytest.mark.parametrize("inner", [5, 135, 3456])
def test_truncating_tf32_factors_would_miss_the_bar(inner: int) -> None:
    """This is why the kernels round: the matrix units read ten bits of the mantissa and drop the rest."""

    def cut(x: torch.Tensor) -> torch.Tensor:
        return (x.view(torch.int32) & -0x2000).view(torch.float32)

    left, right = torch.randn(64, inner), torch.randn(inner, 64)
    truth = left.double() @ right.double()
    rounded, cut_off = (distance(f(left).double() @ f(right).double(), truth) for f in (tf32, cut))
    assert cut_off > BAR * rounded


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize(("batch", "kernel_size", "shares"), [(3, 3, 1), (9, 3, 1), (48, 1, 2)])
def test_results_and_gradients_repeat_bit_for_bit(cell: str, batch: int, kernel_size: int, shares: int) -> None:
    """shares: how many the weight's gradient has."""
    problem = Problem(cell, batch=batch, kernel_size=kernel_size)
    assert shares_of(batch * problem.steps * math.prod(problem.grid), batch * problem.steps) == shares
    arguments, mask = problem.arguments()
    upstream = [torch.randn_like(output) for output in problem.forward(arguments, mask, backend="reference")]
    first, second = (problem.solve(arguments, mask, upstream, backend="triton") for _ in range(2))
    assert all(torch.equal(left, right) for left, right in zip(first, second, strict=True))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_recompute_changes_no_result_and_no_gradient(cell: str) -> None:
    problem = Problem(cell, masked=True)
    arguments, mask = problem.arguments()
    upstream = [torch.randn_like(output) for output in problem.forward(arguments, mask, backend="reference")]
    kept, again = (problem.solve(arguments, mask, upstream, backend="triton", recompute=flag) for flag in (False, True))
    assert all(torch.equal(left, right) for left, right in zip(kept, again, strict=True))


@pytest.mark.parametrize("backend", ["triton", ONEDNN, "reference"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_an_absent_step_may_hold_nan(cell: str, backend: str) -> None:
    problem = Problem(cell, kernel_size=1, masked=True)
    (projection, *others), _ = problem.arguments()
    mask = torch.tensor([[True, False], [False, True], [True, True]], device=DEVICE)
    upstream = [torch.ones_like(output) for output in problem.forward([projection, *others], mask)]
    zeros, nans = (projection.masked_fill(~mask[:, :, None, None, None, None, None], x) for x in (0, torch.nan))
    expected, actual = (problem.solve([p, *others], mask, upstream, backend=backend) for p in (zeros, nans))
    assert all(torch.equal(left, right) for left, right in zip(expected, actual, strict=True))


@pytest.mark.filterwarnings("ignore:overflow encountered in exp")  # from the interpreter
@pytest.mark.parametrize("precision", ["ieee", "tf32"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gates_may_be_wide_open_or_shut(cell: str, precision: str) -> None:
    """exp(-a) is infinite where a gate is shut, natively and in every precision."""
    problem = Problem(cell, batch=9, grid=(1, 1, 2), kernel_size=1)
    (projection, *others), mask = problem.arguments()
    arguments = [projection.sign() * 200, *others]
    upstream = [torch.ones_like(output) for output in problem.forward(arguments, mask)]
    truth = problem.solve(arguments, mask, upstream, backend="reference")
    ours = problem.solve(arguments, mask, upstream, backend="triton", precision=precision)
    for actual, expected in zip(ours, truth, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("recompute", [False, True])
def test_autocast_gradients_stay_accurate_where_h_is_near_c(recompute: bool) -> None:
    """h - c cancels: the backward pass must take h as it was carried, not rounded to the products' type."""
    problem = Problem("gru", batch=9, steps=8, grid=(1, 1, 1), channels=16, kernel_size=1)
    (projection, weight, state), _ = problem.arguments()
    projection = projection[:, :1].repeat(1, problem.steps, 1, 1, 1, 1, 1)
    projection[:, :, 0] -= 1
    arguments = [projection, weight / 20, state]
    exact = [argument.double() for argument in arguments]
    upstream = [torch.randn_like(output) for output in problem.forward(arguments, None, backend="reference")]
    truth = problem.solve(exact, None, upstream, backend="reference")[2]
    with torch.autocast(DEVICE, torch.bfloat16):
        ours = problem.solve(arguments, None, upstream, backend="triton", recompute=recompute)[2]
        theirs = problem.solve(arguments, None, upstream, backend="reference")[2]
    for gate in range(3):
        here = (slice(None), slice(None), gate)
        assert distance(ours[here], truth[here]) <= BAR * distance(theirs[here], truth[here]), f"gate {gate}"


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("output", [0, 1])
def test_a_loss_may_use_only_one_output(cell: str, output: int) -> None:
    problem = Problem(cell, channels=3, kernel_size=1)
    arguments, mask = problem.arguments()
    gradients = []
    for backend in ("reference", "triton"):
        leaves = [a.detach().requires_grad_() for a in arguments]
        chosen = problem.forward(leaves, mask, backend=backend)[output]
        gradients.append(torch.autograd.grad(chosen.square().sum(), leaves))
    for expected, actual in zip(*gradients, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("inner", [torch.bfloat16, torch.float16])
def test_autocast_carries_float32_states(cell: str, inner: torch.dtype) -> None:
    problem = Problem(cell, batch=9, steps=3, channels=24)
    arguments, mask = problem.arguments()
    exact = problem.forward([a.double() for a in arguments], mask, backend="reference")
    upstream = [torch.randn_like(output).float() for output in exact]
    truth = problem.solve([a.double() for a in arguments], mask, upstream, backend="reference")
    with torch.autocast(DEVICE, inner):
        ours = problem.solve(arguments, mask, upstream, backend="triton")
        with without_broken_onednn(replace(problem, dtype=inner)):
            theirs = problem.solve(arguments, mask, upstream, backend="reference")
    for o, r, t in zip(ours, theirs, truth, strict=True):
        assert o.dtype == torch.float32
        assert distance(o, t) <= BAR * distance(r, t)
