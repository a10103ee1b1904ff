"""Which candidates are timed, and how they are compiled beforehand."""

import multiprocessing
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import pytest
import torch
from convrnn3d.gru import gates_kernel
from convrnn3d.tuning import table

from benchmarks.tune.ahead import all_worth_timing, compile_ahead, worth_timing
from benchmarks.work.candidates import PIPELINES, candidates, predicted

pytestmark = pytest.mark.usefixtures("parts_as_on_a_gpu")
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("kernel", table())
def test_the_launch_in_use_is_timed_first_and_then_the_likeliest(kernel: str) -> None:
    choices = list(table()[kernel]["half"])
    in_use, *others = worth_timing(36, kernel, "half", choices, 227 << 10, most=16)
    assert replace(in_use, batch=36) in [replace(choice, batch=36) for choice in choices]
    assert len(others) in (15, 16) and in_use not in others
    times = [predicted(kernel, "half", 36, launch) for launch in others]
    assert times == sorted(times) and times[0] > 0
    tiles = Counter(replace(launch, inner=0, stages=0) for launch in (in_use, *others))
    assert max(tiles.values()) <= PIPELINES + 1
    for launch in set(candidates(kernel, "half", 36, 227 << 10)) - {in_use, *others}:
        is_one_too_many = tiles[replace(launch, inner=0, stages=0)] >= PIPELINES
        assert is_one_too_many or predicted(kernel, "half", 36, launch) >= times[-1]


def test_other_processes_find_the_same_launches_worth_timing() -> None:
    launches = {kernel: {"half": list(kinds["half"])} for kernel, kinds in table().items()}
    wanted = [(1, "gru_gates"), (8, "weight_gradient")]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = all_worth_timing(pool, wanted, "half", launches, 99 << 10, most=4)
    assert list(found) == wanted
    for batch, kernel in wanted:
        assert found[batch, kernel] == worth_timing(batch, kernel, "half", launches[kernel]["half"], 99 << 10, 4)


def test_compiling_ahead_launches_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    compiled: list[int] = []
    monkeypatch.setattr("benchmarks.tune.ahead.compile_kernel", lambda *arguments: compiled.append(1))
    monkeypatch.setattr(type(gates_kernel), "run", lambda self, *arguments, **constants: pytest.fail("launched"))
    tasks = [("gru_gates", "half", 16, launch) for launch in candidates("gru_gates", "half", 16)]
    compile_ahead(tasks, DEVICE, deadline=time.monotonic() + 1000)
    in_parts = sum(launch.shared > 0 for *_, launch in tasks)
    assert len(compiled) == len(tasks) + in_parts and not capsys.readouterr().out
    compile_ahead(tasks, DEVICE, deadline=0)
    assert len(compiled) == len(tasks) + in_parts
