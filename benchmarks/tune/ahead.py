"""Work for several processes before timing: predict which candidates are worth timing, and compile them."""

import time
from concurrent.futures import Executor
from dataclasses import replace
from itertools import repeat

import torch
from convrnn3d.launcher import compile_kernel
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import Launch

from benchmarks.measuring.side_by_side import first_line
from benchmarks.tune.calls import Call, launches_of, recorded, sequence_of
from benchmarks.tune.choices import chosen
from benchmarks.work.candidates import candidates, likeliest, steps_of


def all_worth_timing(
    pool: Executor,
    wanted: list[tuple[int, str]],
    kind: str,
    launches: dict[str, dict[str, list[Launch]]],
    shared: int,
    most: int,
) -> dict[tuple[int, str], list[Launch]]:
    """`worth_timing` of each wanted (batch, kernel), in the processes of `pool`: the model takes half a second for one.

    launches: those in use, by kernel and kind.
    """
    batches, kernels = zip(*wanted, strict=True)
    choices = [launches[kernel][kind] for kernel in kernels]
    found = pool.map(worth_timing, batches, kernels, repeat(kind), choices, repeat(shared), repeat(most))
    return dict(zip(wanted, found, strict=True))


def worth_timing(batch: int, kernel: str, kind: str, choices: list[Launch], shared: int, most: int) -> list[Launch]:
    """The launch chosen at `batch`, then the likeliest others."""
    likely = likeliest(kernel, kind, batch, candidates(kernel, kind, batch, shared), most)
    return list(dict.fromkeys([replace(chosen(choices, batch * steps_of(kernel)), batch=None), *likely]))


def compile_in_processes(
    pool: Executor, tasks: list[tuple[str, str, int, Launch]], device: torch.device, jobs: int, deadline: float
) -> None:
    """Run `compile_ahead` in `jobs` processes. If one dies, its share is compiled later."""
    # Each share takes every `jobs`-th task, because neighbours cost about the same.
    done = [pool.submit(compile_ahead, tasks[first::jobs], device, deadline) for first in range(jobs)]
    for share in done:
        if error := share.exception():
            print(f"compiling ahead: {type(error).__name__} {first_line(error)}", flush=True)


def compile_ahead(tasks: list[tuple[str, str, int, Launch]], device: torch.device, deadline: float) -> None:
    """Compile the launches of candidates (kernel, kind, batch, launch) until `deadline` (monotonic); launch nothing."""
    known: dict[tuple[str, int], tuple[Sequence, dict[str, Call]]] = {}
    for kernel, kind, batch, candidate in tasks:
        if time.monotonic() > deadline:
            return
        try:
            if (kind, batch) not in known:
                sequence = sequence_of(kind, batch, device)
                known[kind, batch] = sequence, recorded(replace(sequence, launch=lambda *_: None), kind)
            sequence, calls = known[kind, batch]
            for function, _, *rest in launches_of(calls[kernel], sequence, candidate):
                compile_kernel(function, *rest)
        except Exception as error:  # timing it will report the error, too
            print(f"{kernel} {kind} B {batch} {candidate}: {type(error).__name__} while compiling", flush=True)
