"""What several processes do before a device is timed: predict which candidates are worth it, and compile them."""

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
    """`worth_timing` of each wanted (batch, kernel), in the processes of `pool`: the model takes half a second of one.

    launches: by kernel and kind, as they are in use.
    """
    batches, kernels = zip(*wanted, strict=True)
    choices = [launches[kernel][kind] for kernel in kernels]
    found = pool.map(worth_timing, batches, kernels, repeat(kind), choices, repeat(shared), repeat(most))
    return dict(zip(wanted, found, strict=True))


def worth_timing(batch: int, kernel: str, kind: str, choices: list[Launch], shared: int, most: int) -> list[Launch]:
    """What is chosen at `batch`, then the likeliest others."""
    likely = likeliest(kernel, kind, batch, candidates(kernel, kind, batch, shared), most)
    return list(dict.fromkeys([replace(chosen(choices, batch * steps_of(kernel)), batch=None), *likely]))


def compile_in_processes(
    pool: Executor, tasks: list[tuple[str, str, int, Launch]], device: torch.device, jobs: int, deadline: float
) -> None:
    """`compile_ahead` in `jobs` processes. One that dies is not missed: what it had to compile is compiled later."""
    # A share takes every so-manieth task: neighbours cost alike.
    done = [pool.submit(compile_ahead, tasks[first::jobs], device, deadline) for first in range(jobs)]
    for share in done:
        if error := share.exception():
            print(f"compiling ahead: {type(error).__name__} {first_line(error)}", flush=True)


def compile_ahead(tasks: list[tuple[str, str, int, Launch]], device: torch.device, deadline: float) -> None:
    """Compile what candidates of kernel, kind and batch launch, launching nothing; until `deadline` (monotonic)."""
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
        except Exception as error:  # timing it will say so, too
            print(f"{kernel} {kind} B {batch} {candidate}: {type(error).__name__} while compiling", flush=True)
