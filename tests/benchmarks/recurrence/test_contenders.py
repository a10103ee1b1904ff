"""Contenders compute the same thing: otherwise a comparison of their times would mean nothing."""

import itertools
import math
import os
from dataclasses import replace

import pytest
import torch
from convrnn3d.frozen import promise_of
from convrnn3d.tuning import SMALL_BATCH
from torch.nn import functional as F

from benchmarks.measuring.peaks import peaks
from benchmarks.measuring.tables import printed
from benchmarks.recurrence import measure as recurrence
from benchmarks.recurrence import runs
from benchmarks.recurrence.contenders import (
    COMPILED_FROZEN,
    ONE_BY_ONE,
    ONEDNN_PACKING,
    OWN,
    PACKING,
    PYTORCH_PACKING,
    contenders,
)
from benchmarks.recurrence.measure import able, errors, measure, prepared, runner
from benchmarks.recurrence.problems import Problem

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    ("cell", "steps"),
    [("gru", 1), ("lstm", 2), *(pytest.param(*case, marks=pytest.mark.long) for case in (("gru", 2), ("lstm", 1)))],
)
def test_every_contender_computes_the_right_result(cell: str, steps: int) -> None:
    problem = Problem(cell, batch=2, steps=steps, grid=2, channels=3, backward=True)
    chosen = {name: contender for name, contender in contenders().items() if not contender.compiled}
    found = errors(chosen, problem, problem.inputs(DEVICE, seed=0))
    others = {"reference", "eager NCDHW", "merged NDHWC", PYTORCH_PACKING, "unfolded", "z in channels"}
    assert set(found) >= {"kernels", PACKING, "onednn", ONEDNN_PACKING} | others
    assert max(found.values()) < 1e-6


@pytest.mark.parametrize("sizes", [{"grid": 1}, {"grid": 4}, {"grid": 5}, {"grid": 3, "kernel_size": 1}])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_in_float64_every_layout_matches_the_reference_and_its_gradients(cell: str, sizes: dict[str, int]) -> None:
    problem = Problem(cell, batch=2, steps=2, channels=3, type_name="fp64", backward=True, **sizes)
    plain = {name: one for name, one in contenders().items() if not one.compiled and not name.startswith(OWN)}
    found = errors(plain, problem, problem.inputs(DEVICE))
    assert set(found) == set(plain) and max(found.values()) < 1e-14


def test_rows_carry_error_work_memory_and_spread() -> None:
    problem = Problem("gru", batch=2, steps=2, grid=2, channels=4, backward=True)
    names = able(DEVICE, problem, compilers=False)
    rows = measure(problem, names, DEVICE, seconds=0.01)
    assert {row.contender for row in rows} == set(names)
    for row in rows:
        assert row.timing.p20 <= row.timing.median <= row.timing.p80
        assert 0 < row.error < 1e-6 and row.efficiency > 0 and row.peak_mib > 0
        assert (row.peak_tflops, row.peak_gbytes) == tuple(vars(peaks(DEVICE, "fp32")).values())
    assert rows[0].useful_mflop < rows[0].nominal_mflop
    assert "forward and backward, B 2, T 2" in printed(rows)


def test_inputs_have_no_zeros_and_only_the_weight_is_the_same_in_all_sets() -> None:
    first, second = (Problem("lstm", 2, 2, grid=2, channels=3).inputs(DEVICE, seed) for seed in range(2))
    assert all(tensor.count_nonzero() == tensor.numel() for tensor in first)
    same = [torch.equal(a, b) for a, b in zip(first, second, strict=True)]
    assert same == [False, True, False, False]


def test_all_sets_share_the_weights_memory() -> None:
    problem, seen = Problem("gru", 1, 2, grid=2, channels=3), []
    contender = contenders()["merged NDHWC"]
    spy = replace(contender, run=lambda problem, inputs: seen.append(inputs) or contender.run(problem, inputs))
    run = runner(spy, problem, [problem.inputs(DEVICE, seed) for seed in range(2)])
    for number in range(2):
        run(number)
    shared = [a.data_ptr() == b.data_ptr() for a, b in zip(*seen, strict=True)]
    assert shared == [False] * 4 + [True, False]  # for each of two steps, the projections of u and r, and of c


def test_a_nan_result_has_an_infinite_error() -> None:
    problem = Problem("gru", 1, 1, grid=2, channels=3)
    merged = contenders()["merged NCDHW"]
    broken = replace(merged, run=lambda problem, inputs: [merged.run(problem, inputs)[0] * torch.nan])
    found = errors({"merged": merged, "broken": broken}, problem, problem.inputs(DEVICE, 0))
    assert found["broken"] == math.inf and found["merged"] < 1e-6


def test_layouts_and_backends_are_what_their_names_say(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem("gru", 2, 1, grid=2, channels=3)
    conv3d, convolved = torch.nn.functional.conv3d, []

    def spy(grid: torch.Tensor, *rest: object, **named: object) -> torch.Tensor:
        convolved.append(grid)
        return conv3d(grid, *rest, **named)

    monkeypatch.setattr(torch.nn.functional, "conv3d", spy)
    for layout, memory_format in (("NCDHW", torch.contiguous_format), ("NDHWC", torch.channels_last_3d)):
        for gates, calls in (("eager", 3), ("merged", 2)):
            convolved.clear()
            contender = contenders()[f"{gates} {layout}"]
            contender.run(problem, contender.prepared(problem, problem.inputs(DEVICE, 0)))
            assert len(convolved) == calls
            assert all(grid.is_contiguous(memory_format=memory_format) for grid in convolved)
    backends: list[str] = []
    monkeypatch.setattr(runs, "conv_gru", lambda *inputs, backend, precision: backends.append(backend) or (0, 0))
    for name in ("kernels", "onednn", "reference"):
        contenders()[name].run(problem, problem.inputs(DEVICE, 0))
    assert backends == ["triton", "onednn", "reference"]


def test_the_floor_of_a_row_agrees_with_a_count_by_hand() -> None:
    """B = 2, T = 2, G = 2, C = 4: 64 pairs of voxel and tap, all 8 taps of 8 voxels inside."""
    problem = Problem("gru", batch=2, steps=2, grid=2, channels=4)
    (row,) = measure(problem, ["merged NCDHW"], DEVICE, seconds=0.01)
    useful, moved = 2 * 2 * 2 * 64 * 4 * 4 * 3, (2 * 2 * 3 * 32 + 3 * 4 * 4 * 27 + 2 * 2 * 32) * 4
    assert (row.useful_mflop, row.bytes) == (useful / 1e6, moved)
    assert row.nominal_mflop == useful * 216 / 64 / 1e6
    floor = max(useful / row.peak_tflops / 1e6, moved / row.peak_gbytes / 1e3)
    assert row.efficiency == pytest.approx(floor / row.timing.median)
    (both,) = measure(replace(problem, backward=True), ["merged NCDHW"], DEVICE, seconds=0.01)
    assert both.useful_mflop == pytest.approx(3 * row.useful_mflop)
    assert both.bytes == moved + (2 * 2 * 3 * 32 + 3 * 4 * 4 * 27 + 2 * 2 * 32) * 4


def test_z_in_channels_is_one_2d_convolution_of_all_gates_channels_innermost(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a 4x4x4 grid of 128 channels: from 512 to 4 N channels, 1.33 times a padded convolution's operations."""
    problem, conv2d, seen = Problem("lstm", 2, 1), torch.nn.functional.conv2d, []

    def spy(grid: torch.Tensor, weight: torch.Tensor, **named: object) -> torch.Tensor:
        seen.append((grid, weight))
        return conv2d(grid, weight, **named)

    monkeypatch.setattr(torch.nn.functional, "conv2d", spy)
    contender = contenders()["z in channels"]
    contender.run(problem, contender.prepared(problem, problem.inputs(DEVICE)))
    ((grid, weight),) = seen
    assert (tuple(grid.shape), tuple(weight.shape)) == ((2, 512, 4, 4), (4 * 384, 512, 3, 3))
    assert all(tensor.is_contiguous(memory_format=torch.channels_last) for tensor in (grid, weight))
    assert weight.numel() * 16 / (27 * 64 * 3 * 128 * 128) == pytest.approx(1.33, abs=0.01)


def test_merged_gates_take_one_chain_of_pointwise_calls() -> None:
    """GRU: two additions, two convolutions, one sigmoid for both gates, tanh, r . h and one interpolation."""
    problem, contender = Problem("gru", 2, 1, grid=2, channels=3), contenders()["merged NDHWC"]
    inputs = contender.prepared(problem, problem.inputs(DEVICE))
    with torch.profiler.profile() as profiled:
        contender.run(problem, inputs)
    called = {event.key.removeprefix("aten::"): event.count for event in profiled.key_averages()}
    pointwise = ("add", "sigmoid", "tanh", "mul", "rsub", "sub", "lerp", "addcmul")
    found = {name: called[name] for name in pointwise if name in called}
    assert found == {"add": 2, "sigmoid": 1, "tanh": 1, "mul": 1, "lerp": 1} and called["conv3d"] == 2


def test_errors_are_computed_with_the_cudnn_settings_of_the_timing() -> None:
    problem, contender, seen = Problem("gru", 1, 1, grid=2, channels=3), contenders()["merged NDHWC"], []

    def run(problem: Problem, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        seen.append((torch.backends.cudnn.benchmark, torch.backends.cudnn.benchmark_limit))
        return contender.run(problem, inputs)

    errors({"spy": replace(contender, run=run)}, problem, problem.inputs(DEVICE))
    assert [benchmark for benchmark, _ in seen] == [True] and seen[0][1] in (0, None)  # None without cuDNN


def test_packing_is_timed_separately_only_in_a_forward_step(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem("gru", 1, 1, grid=2, channels=3)
    inputs, found, frozen = problem.inputs(DEVICE), contenders(), []
    monkeypatch.setattr(runs, "conv_gru", lambda p, w, h, **named: frozen.append(promise_of(w) is not None) or (0, 0))
    for name in ("kernels", PACKING, "onednn", ONEDNN_PACKING, "kernels"):
        found[name].run(problem, prepared(found[name], problem, inputs))
    assert frozen == [True, False, True, False, True]
    monkeypatch.setattr(recurrence, "TRITON_IS_THERE", True)
    monkeypatch.setattr(recurrence, "dependent_launch", lambda device, batch: batch <= SMALL_BATCH)
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    ours = {gpu: {"kernels", PACKING, ONE_BY_ONE}, cpu: {"onednn", ONEDNN_PACKING}}
    for device, names in ours.items():
        assert set(able(device, problem)) & set.union(*ours.values()) == names
        for other in (replace(problem, steps=2), replace(problem, backward=True)):
            (alone,) = set(able(device, other)) & set.union(*ours.values())
            assert alone in OWN
    assert not ours[cpu] & set(able(cpu, replace(problem, type_name="bf16")))
    many = replace(problem, batch=SMALL_BATCH + 1)
    assert PACKING in able(gpu, many) and ONE_BY_ONE not in able(gpu, many)


def test_compiled_frozen_runs_only_forward_on_a_cpu_with_compilers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "TRITON_IS_THERE", False)
    forward = Problem("gru", 1, 1, grid=2, channels=3)
    for device, problem, there in (
        ("cpu", forward, True),
        ("cpu", replace(forward, backward=True), False),
        ("cuda", forward, False),
    ):
        assert (COMPILED_FROZEN in able(torch.device(device), problem)) == there
        assert COMPILED_FROZEN not in able(torch.device(device), problem, compilers=False)


def test_pytorchs_packing_packs_the_weight_and_unpacks_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, conv3d, seen = Problem("lstm", 1, 1, grid=2, channels=3, backward=True), F.conv3d, []

    def spy(grid: torch.Tensor, weight: torch.Tensor, **named: object) -> torch.Tensor:
        seen.append(weight)
        return conv3d(grid, weight, **named)

    monkeypatch.setattr(F, "conv3d", spy)
    contender = contenders()[PYTORCH_PACKING]
    inputs = prepared(contender, problem, problem.inputs(DEVICE))
    _, weight, _ = problem.split(inputs)
    assert weight.shape == problem.weight_shape and weight.is_contiguous()
    contender.run(problem, inputs)
    (laid_out,) = seen
    gradient = torch.ones_like(laid_out)  # as cuDNN returns it
    assert all(one.is_contiguous(memory_format=torch.channels_last_3d) for one in (laid_out, gradient))
    (back,) = torch.autograd.grad(laid_out, weight, gradient)
    assert back.shape == problem.weight_shape and back.is_contiguous()


def test_pytorchs_packing_is_timed_in_single_steps_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "TRITON_IS_THERE", False)
    for device, backward in itertools.product(("cpu", "cuda"), (False, True)):
        step = Problem("gru", 36, 1, backward=backward)
        assert PYTORCH_PACKING in able(torch.device(device), step)
        assert PYTORCH_PACKING not in able(torch.device(device), replace(step, steps=5))


@pytest.mark.parametrize("before", [None, "1"])
def test_only_one_contender_turns_dependent_launches_off(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    switch, seen = "CONVRNN3D_DEPENDENT_LAUNCH", []
    monkeypatch.delenv(switch, raising=False) if before is None else monkeypatch.setenv(switch, before)
    monkeypatch.setattr(runs, "conv_gru", lambda *_, **named: seen.append(os.environ.get(switch)) or (0, 0))
    problem, inputs = Problem("gru", 1, 1, grid=2, channels=3), [torch.zeros(1)] * 3
    for name in ("kernels", ONE_BY_ONE, "kernels"):
        contenders()[name].run(problem, inputs)
    assert seen == [before, "0", before]
