"""The plan covers all promised sizes, and settings do what their names say."""

import itertools

import pytest
import torch

from benchmarks.comparisons import plan
from benchmarks.comparisons.plan import on_cpu, on_gpu
from benchmarks.measuring import timing
from benchmarks.measuring.settings import cudnn_benchmark, float32_products, fresh_compiler
from benchmarks.networks.measure import NetworkProblem
from benchmarks.recurrence.problems import Problem
from r2n2.config import NETWORKS

CELLS, TYPES, BOTH = ("gru", "lstm"), ("fp32", "tf32", "bf16", "fp16"), (False, True)


def test_gpu_plan_measures_every_step_and_sequence() -> None:
    problems = {comparison.problem for comparison in on_gpu() if not comparison.cold}
    for cell, batch, steps, type_name, backward in itertools.product(
        CELLS, (1, 4, 16, 36, 64, 256), (1, 5, 24), TYPES, BOTH
    ):
        assert Problem(cell, batch, steps, 4, 128, type_name, backward) in problems
        if batch <= 36 or steps < 24:
            assert Problem(cell, batch, steps, 8, 64, type_name, backward) in problems


def test_gpu_plan_measures_inference_and_training_of_every_network() -> None:
    problems = {comparison.problem for comparison in on_gpu()}
    for network, batch, views, type_name in itertools.product(NETWORKS.values(), (1, 36), (1, 3, 5, 24), TYPES):
        assert NetworkProblem(network, batch, views, type_name) in problems
    for network, type_name in itertools.product(NETWORKS.values(), ("fp32", "tf32", "bf16")):
        assert NetworkProblem(network, 36, 5, type_name, training=True) in problems


def test_gpu_plan_compiles_every_step_and_has_the_chosen_cold_caches() -> None:
    compiled = {comparison.problem for comparison in on_gpu() if comparison.compilers}
    cold = {comparison.problem for comparison in on_gpu() if comparison.cold}
    for cell, batch, type_name in itertools.product(CELLS, (1, 4, 16, 36, 64, 256), TYPES):
        assert Problem(cell, batch, 1, 4, 128, type_name) in compiled
    assert {(problem.batch, problem.type_name) for problem in cold} == set(itertools.product((1, 36), ("bf16", "tf32")))


def test_cpu_plan_measures_every_network_and_both_cells() -> None:
    problems = [comparison.problem for comparison in on_cpu()]
    networks = {(p.network.name, p.training) for p in problems if isinstance(p, NetworkProblem)}
    assert networks == set(itertools.product(NETWORKS, BOTH))
    assert {(p.cell, p.backward) for p in problems if isinstance(p, Problem)} == set(itertools.product(CELLS, BOTH))


@pytest.mark.parametrize("able", BOTH)
def test_cpu_plan_has_bfloat16_only_if_the_cpu_has_instructions(monkeypatch: pytest.MonkeyPatch, able: bool) -> None:
    monkeypatch.setattr(plan, "has_bfloat16", lambda device: able)
    assert any(comparison.problem.type_name == "bf16" for comparison in on_cpu()) == able


@pytest.mark.parametrize("precision", ["tf32", "ieee"])
def test_float32_products_agrees_in_old_and_new_settings_and_restores_them(precision: str) -> None:
    matmul, conv = torch.backends.cuda.matmul, torch.backends.cudnn.conv
    before = matmul.fp32_precision, conv.fp32_precision
    with float32_products(precision):
        tf32 = precision == "tf32"
        assert (matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == (tf32, tf32)  # raises if old and new disagree
        assert torch.get_float32_matmul_precision() == ("high" if tf32 else "highest")
        assert (matmul.fp32_precision == "tf32", conv.fp32_precision == "tf32") == (tf32, tf32)
    assert (matmul.fp32_precision, conv.fp32_precision) == before


def test_cudnn_benchmark_tries_everything_and_ends_with_its_context() -> None:
    with cudnn_benchmark():
        assert torch.backends.cudnn.benchmark and torch.backends.cudnn.benchmark_limit == 0
    assert not torch.backends.cudnn.benchmark


def test_fresh_compiler_raises_at_the_recompile_limit() -> None:
    with fresh_compiler():
        from torch._dynamo import config

        assert config.fail_on_recompile_limit_hit


def test_a_cold_cache_is_flushed_before_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []

    class Flush(torch.Tensor):
        def zero_(self) -> torch.Tensor:
            flushed.append(1)
            return self

    monkeypatch.setattr(timing.torch, "empty", lambda *size, **kind: torch.zeros(1).as_subclass(Flush))
    functions = {name: lambda: None for name in "ab"}
    timing.interleaved(functions, torch.device("cpu"), seconds=0, cold=True)
    assert len(flushed) == 2 * (timing.FEWEST + 2)
    timing.interleaved(functions, torch.device("cpu"), seconds=0, cold=False)
    assert len(flushed) == 2 * (timing.FEWEST + 2)
