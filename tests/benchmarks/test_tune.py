"""Timing launches: what can be said of it without a GPU."""

import json
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import torch
from convrnn3d.gru import gates_kernel
from convrnn3d.launcher import Slot
from convrnn3d.launcher import launch as launch_kernel
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import Launch, table, table_file

from benchmarks.machine_code.compiled import OPERANDS
from benchmarks.tune import (
    BATCHES,
    FOLDER,
    all_worth_timing,
    best,
    compile_ahead,
    launches_of,
    recorded,
    with_choice,
    worth_timing,
    written,
)
from benchmarks.work.agreement import agree, outcome
from benchmarks.work.candidates import candidates, predicted

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("architecture", [None, *(file.suffixes[0][1:] for file in FOLDER.glob("launches.*.json"))])
def test_the_table_is_written_as_it_is_read(architecture: str | None) -> None:
    stored = table_file(architecture).read_text(encoding="utf-8")
    kernels = table(architecture).items()
    launches = {kernel: {kind: list(choices) for kind, choices in kinds.items()} for kernel, kinds in kernels}
    assert written(launches, json.loads(stored)["device"]) == stored


def test_there_are_candidates_for_everything() -> None:
    for kernel in table():
        for kind in OPERANDS:
            for batch in BATCHES:
                found = candidates(kernel, kind, batch)
                assert found and len(found) == len(set(found))


def test_a_device_with_more_shared_memory_has_more_candidates() -> None:
    small, large = (candidates("gru_gates_back", "half", 256, shared << 10) for shared in (99, 227))
    assert set(small) < set(large)
    assert any(launch.lines and launch.inner == 64 for launch in set(large) - set(small))


@pytest.mark.parametrize("kernel", table())
def test_what_is_in_use_is_timed_and_then_the_likeliest(kernel: str) -> None:
    choices = list(table()[kernel]["half"])
    in_use, *others = worth_timing(36, kernel, "half", choices, 227 << 10, most=16)
    assert replace(in_use, batch=36) in [replace(choice, batch=36) for choice in choices]
    assert len(others) in (15, 16) and in_use not in others
    times = [predicted(kernel, "half", 36, launch) for launch in others]
    assert times == sorted(times) and times[0] > 0
    left_out = set(candidates(kernel, "half", 36, 227 << 10)) - {in_use, *others}
    assert all(predicted(kernel, "half", 36, launch) >= times[-1] for launch in left_out)


def test_what_is_worth_timing_is_found_in_other_processes() -> None:
    launches = {kernel: {"half": list(kinds["half"])} for kernel, kinds in table().items()}
    wanted = [(1, "gru_gates"), (8, "weight_gradient")]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = all_worth_timing(pool, wanted, "half", launches, 99 << 10, most=4)
    assert list(found) == wanted
    for batch, kernel in wanted:
        assert found[batch, kernel] == worth_timing(batch, kernel, "half", launches[kernel]["half"], 99 << 10, 4)


@pytest.mark.parametrize("shared", [0, 1, 3])
def test_the_fastest_of_the_candidates_wins_and_one_that_fails_is_passed_over(shared: int) -> None:
    sequence = Sequence(1, 2, (1, 1, 2), 4, 3, torch.bfloat16, "ieee", DEVICE)
    good, bad = Launch(None, 16, 16, 16, 4, 2, shared), Launch(None, 17, 16, 16, 4, 2, shared)
    (fastest,) = best("gru_gates", "half", sequence, [good, bad])
    assert fastest.launch == good and fastest.microseconds > 0


@pytest.mark.parametrize(
    ("kernel", "wrong"),
    [
        ("gru_gates", lambda blocks: [0]),
        ("gru_gates", lambda blocks: [blocks // 2]),
        ("gru_update_back", lambda blocks: [blocks, blocks]),  # it adds to what is there
        ("weight_gradient", lambda blocks: [blocks // 2]),
    ],
)
def test_a_candidate_that_computes_something_else_is_passed_over(
    kernel: str, wrong: Callable[[int], list[int]], capsys: pytest.CaptureFixture
) -> None:
    in_use, bad, good = (Launch(None, rows, 16, 16, 4, 2) for rows in (16, 32, 64))

    def launch(kernel: Any, blocks: int, arguments: tuple, constants: dict, options: dict) -> None:
        is_bad = "TILE" in constants and constants["TILE"].rows == bad.rows
        for number in wrong(blocks) if is_bad else [blocks]:
            if number:
                launch_kernel(kernel, number, arguments, constants, options)

    sequence = Sequence(1, 2, (1, 1, 2), 4, 3, torch.bfloat16, "ieee", DEVICE)
    calls = recorded(sequence, "half")
    found = best(kernel, "half", replace(sequence, launch=launch), [in_use, bad, good], calls)
    assert {one.launch for one in found} == {in_use, good}
    assert f"{bad}: passed over, ValueError it computes something else" in capsys.readouterr().out


def test_an_outcome_can_be_had_again_whatever_was_in_the_tensors() -> None:
    sequence = Sequence(1, 2, (1, 1, 2), 4, 3, torch.bfloat16, "ieee", DEVICE)
    calls = recorded(replace(sequence, launch=lambda *_: None), "half")
    launched = launches_of(calls["gru_update_back"], sequence, Launch(None, 16, 16, 16, 4, 2))
    tensors = [
        argument.tensor for argument in launched[0][2] if isinstance(argument, Slot) and argument.tensor is not None
    ]
    for tensor in tensors:
        tensor.fill_(torch.nan)
    first, second = (outcome(launched, sequence.launch) for _ in range(2))
    assert agree(first, second, "ieee") and not agree(first, [2 * tensor for tensor in first], "half")
    assert all(tensor.isfinite().all() for tensor in tensors)


def test_no_candidate_is_begun_when_the_time_is_over() -> None:
    sequence = Sequence(1, 2, (1, 1, 2), 4, 3, torch.bfloat16, "ieee", DEVICE)
    in_use, other = Launch(None, 16, 16, 16, 4, 2), Launch(None, 32, 16, 16, 4, 2)
    assert [one.launch for one in best("gru_gates", "half", sequence, [in_use, other], until=0)] == [in_use]


def test_compiling_ahead_launches_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    compiled: list[int] = []
    monkeypatch.setattr("benchmarks.tune.compile_kernel", lambda *arguments: compiled.append(1))
    monkeypatch.setattr(type(gates_kernel), "run", lambda self, *arguments, **constants: pytest.fail("launched"))
    tasks = [("gru_gates", "half", 16, launch) for launch in candidates("gru_gates", "half", 16)]
    compile_ahead(tasks, DEVICE, deadline=time.monotonic() + 1000)
    in_parts = sum(launch.shared > 0 for *_, launch in tasks)
    assert len(compiled) == len(tasks) + in_parts and not capsys.readouterr().out
    compile_ahead(tasks, DEVICE, deadline=0)
    assert len(compiled) == len(tasks) + in_parts


def test_a_choice_of_one_bracket_leaves_the_others_as_they_were() -> None:
    choices = list(table()["gru_gates"]["half"])
    other = Launch(None, 16, 32, 64, 8, 3)
    changed = with_choice(choices, 36, other)
    assert [launch.batch for launch in changed] == [*BATCHES[:-1], None]
    for batch in (1, 8, 16, 17, 36, 37, 64, 65, 256, 1000):
        now = next(launch for launch in changed if launch.batch is None or batch <= launch.batch)
        before = next(launch for launch in choices if launch.batch is None or batch <= launch.batch)
        expected = other if 16 < batch <= 36 else before
        assert replace(now, batch=None) == replace(expected, batch=None)
