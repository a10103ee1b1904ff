"""Time launch choices on this machine's GPU and write the launch table anew.

    python -m benchmarks.tune [--kinds half,tf32] [--kernels gru_gates,...] [--minutes 60] [--jobs 16]
                              [--most 16] [--out kernels/convrnn3d/launches.sm_90.json] [--timings FILE]

For each kernel, kind of operand and bracket of batch sizes what is in use and the likeliest candidates
(`benchmarks.work.candidates`) run as they would in a training step at C = 128, G = 4, on random inputs, with a warm L2
cache, as weights and states are in a sequence; the fastest median wins. Launches wait behind a sleeping device until
all of a round are there: the host's time does not count. What is not timed keeps its choice. A candidate that does not
compile, needs more than the device has, or computes something else than what is in use is passed over. All are compiled
first, in several processes, into Triton's cache on disk.
"""

import argparse
import json
import math
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import asdict, fields, replace
from itertools import product, repeat
from pathlib import Path
from typing import Any

import torch
from convrnn3d import gru, lstm
from convrnn3d.launcher import Slot, compile_kernel
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import Launch, architecture_of, table

from benchmarks.machine_code.compiled import OPERANDS
from benchmarks.measuring.results import Machine
from benchmarks.measuring.side_by_side import first_line
from benchmarks.work.agreement import agree, outcome
from benchmarks.work.candidates import candidates, likeliest
from benchmarks.work.outcomes import Timed, append

BATCHES = (1, 8, 16, 36, 64, 192, 256)  # the brackets; the last is for all larger ones, too
TELLING = (36, 256, 1, 16, 64, 8, 192)  # the order in which they are timed
FOLDER = Path(__file__).parents[1] / "kernels" / "convrnn3d"
RUNS, ROUNDS = 20, 7  # of a candidate in a round
SLEEP = 5_000_000  # cycles, some 3 ms, in which the host launches a round
Launched = tuple[Any, int, tuple, dict, dict]  # kernel, blocks, arguments, constants, options
Call = Callable[[Sequence], object]  # makes the sequence launch a kernel as it was launched before


def shared_memory(device: torch.device) -> int:
    """Bytes that one program can have."""
    properties = torch.cuda.get_device_properties(device)
    return getattr(properties, "shared_memory_per_block_optin", 0) or properties.shared_memory_per_block


def training_step(sequence: Sequence, kind: str) -> None:
    """Both cells forward and backward, through whatever launches `sequence` is given."""
    dtype, device, batch, steps = OPERANDS[kind], sequence.device, sequence.batch, sequence.steps

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, dtype=dtype, device=device)

    grid = (*sequence.grid, sequence.channels)
    projection, weight = random(batch, steps, 3, *grid), random(3, sequence.channels, *grid[-1:], 3, 3, 3) / 60
    state = random(batch, *grid)
    states, last, *kept = gru.forward(sequence, projection, weight, state, None, dtype, True, True)
    sources, gates, packed = kept
    gru.backward(sequence, states, last, weight, packed, None, sources, None, None, gates, dtype, False, True, True)
    states, last, cell, *kept = lstm.forward(
        sequence, projection, weight, (state, state.clone()), None, dtype, True, True
    )
    sources, cells, gates, packed = kept
    lstm.backward(sequence, states, last, cell, weight, packed, None, sources, cells, gates, dtype, False, True, True)


def recorded(sequence: Sequence, kind: str) -> dict[str, Call]:
    """How a training step launches each kernel of the launch table, the first time that it convolves."""
    calls: dict[str, Call] = {}

    class Recorder(Sequence):
        def run(self, kernel: Any, name: str, phase: Any, source: Slot, *rest: Any, **constants: Any) -> None:
            if source.tensor is not None:
                calls.setdefault(name, lambda other: other.run(kernel, name, phase, source, *rest, **constants))
            super().run(kernel, name, phase, source, *rest, **constants)

        def weight_gradient(self, *arguments: torch.Tensor) -> torch.Tensor:
            calls.setdefault("weight_gradient", lambda other: other.weight_gradient(*arguments))
            return super().weight_gradient(*arguments)

    training_step(Recorder(**{field.name: getattr(sequence, field.name) for field in fields(sequence)}), kind)
    return calls


def launches_of(call: Call, sequence: Sequence, candidate: Launch) -> list[Launched]:
    """What `call` launches as `candidate`: one launch, or two where another adds parts up."""
    launched: list[Launched] = []
    fitted = candidate.fitted(sequence.channels)
    call(replace(sequence, launch=lambda *one: launched.append(one), choose=lambda *_: fitted))
    return launched


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


def sequence_of(kind: str, batch: int, device: torch.device) -> Sequence:
    """C = 128, G = 4, three steps; launched by the table of the device's architecture."""
    precision, architecture = "tf32" if kind == "tf32" else "ieee", architecture_of(device)
    return Sequence(batch, 3, (4, 4, 4), 128, 3, OPERANDS[kind], precision, device, architecture=architecture)


def median_microseconds(function: Callable[[], None], device: torch.device) -> float:
    if device.type != "cuda":
        start = time.perf_counter()
        function()
        return 1e6 * (time.perf_counter() - start)
    function()
    taken = []
    for _ in range(1 + ROUNDS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda._sleep(SLEEP)
        start.record()
        for _ in range(RUNS):
            function()
        end.record()
        end.synchronize()
        taken.append(1e3 * start.elapsed_time(end) / RUNS)
    return statistics.median(taken[1:])


def best(
    kernel: str,
    kind: str,
    sequence: Sequence,
    tried: list[Launch],
    calls: dict[str, Call] | None = None,
    until: float = math.inf,
) -> list[Timed]:
    """Those of `tried` that run and compute what the first does, the fastest first, each printed.

    calls: as `recorded` gives them. until: no further one is begun then (monotonic), for it may have to be compiled.
    """
    times, right = {}, None
    call = (calls or recorded(sequence, kind))[kernel]

    def run(launched: list[Launched]) -> None:
        for one in launched:
            sequence.launch(*one)

    for candidate in tried:
        if times and time.monotonic() > until:
            break
        try:
            launched = launches_of(call, sequence, candidate)
            found = outcome(launched, sequence.launch)
            right = right or found
            if not agree(found, right, kind):
                raise ValueError("it computes something else than what is in use")
            times[candidate] = median_microseconds(lambda launched=launched: run(launched), sequence.device)
        except Exception as error:  # whatever a compiler or a device may say to a tile that is too large
            if sequence.device.type == "cuda":
                torch.cuda.synchronize()  # raises, if the device itself has failed: nothing more can be timed then
            reason = f"{type(error).__name__} {first_line(error)}"
            print(f"{kernel} {kind} B {sequence.batch} {candidate}: passed over, {reason}", flush=True)
            continue
        print(f"{kernel} {kind} B {sequence.batch} {candidate}: {times[candidate]:.2f} us", flush=True)
    return [Timed(kernel, kind, sequence.batch, one, times[one]) for one in sorted(times, key=times.get)]


def written(launches: dict[str, dict[str, list[Launch]]], device: str | None) -> str:
    """The table as JSON with a line for each launch."""

    def line(launch: Launch) -> str:
        unsaid = {"shared": 0, "lines": False}
        return json.dumps({name: value for name, value in asdict(launch).items() if unsaid.get(name, ...) != value})

    kinds = {
        kernel: ",\n".join(
            f'   "{kind}": [\n' + ",\n".join(f"    {line(launch)}" for launch in choices) + "\n   ]"
            for kind, choices in by_kind.items()
        )
        for kernel, by_kind in launches.items()
    }
    body = ",\n".join(f'  "{kernel}": {{\n{text}\n  }}' for kernel, text in kinds.items())
    return f'{{\n "device": {json.dumps(device)},\n "launches": {{\n{body}\n }}\n}}\n'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", default="half,tf32,ieee", help="of operands, comma-separated")
    parser.add_argument("--kernels", default=",".join(table()), help="comma-separated")
    parser.add_argument("--minutes", type=float, default=60, help="stop timing after this long; keep the rest")
    parser.add_argument("--jobs", type=int, default=min(14, os.cpu_count() or 1), help="processes that compile")
    parser.add_argument("--batches", default=",".join(map(str, TELLING)), help="of the brackets, comma-separated")
    parser.add_argument("--most", type=int, default=16, help="candidates, the likeliest first")
    parser.add_argument("--out", type=Path, help="the table of this GPU's architecture, if nothing is said")
    parser.add_argument("--timings", type=Path, help="a file to add every candidate's time to")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("there is no GPU to time on")
    deadline, device = time.monotonic() + 60 * options.minutes, torch.device("cuda")
    architecture, shared, machine = architecture_of(device), shared_memory(device), Machine.here()
    out = options.out or FOLDER / f"launches.{architecture}.json"
    launches = {kernel: {kind: list(of) for kind, of in kinds.items()} for kernel, kinds in table(architecture).items()}
    batches, kernels, kinds = map(int, options.batches.split(",")), options.kernels.split(","), options.kinds.split(",")
    wanted = list(product(batches, kernels))
    for place, kind in enumerate(kinds):
        share = time.monotonic() + (deadline - time.monotonic()) / (len(kinds) - place)
        with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
            tried = all_worth_timing(pool, wanted, kind, launches, shared, options.most)
            tasks = [(kernel, kind, batch, one) for (batch, kernel), every in tried.items() for one in every]
            compile_until = time.monotonic() + (share - time.monotonic()) * 0.6
            compile_in_processes(pool, tasks, device, options.jobs, compile_until)
        print(f"{kind}: compiled; {share - time.monotonic():.0f} s left", flush=True)
        calls: dict[int, dict[str, Call]] = {}
        for batch, kernel in wanted:
            if time.monotonic() > share:
                break
            sequence = sequence_of(kind, batch, device)
            if batch not in calls:
                # Launching nothing: the step's other kernels were not compiled ahead, and `outcome` fills the tensors.
                calls = {batch: recorded(replace(sequence, launch=lambda *_: None), kind)}
            if found := best(kernel, kind, sequence, tried[batch, kernel], calls[batch], share):
                launches[kernel][kind] = with_choice(launches[kernel][kind], batch, found[0].launch)
                if options.timings:
                    append(found, machine, options.timings)
                whole = out.with_suffix(".new")  # whoever stops this in the midst finds a table to read
                whole.write_text(written(launches, torch.cuda.get_device_name()), encoding="utf-8")
                whole.replace(out)
    return 0


def worth_timing(batch: int, kernel: str, kind: str, choices: list[Launch], shared: int, most: int) -> list[Launch]:
    """What is chosen at `batch`, then the likeliest others."""
    likely = likeliest(kernel, kind, batch, candidates(kernel, kind, batch, shared), most)
    return list(dict.fromkeys([replace(chosen(choices, batch), batch=None), *likely]))


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


def chosen(choices: list[Launch], batch: int) -> Launch:
    return next(launch for launch in choices if launch.batch is None or batch <= launch.batch)


def compile_in_processes(
    pool: Executor, tasks: list[tuple[str, str, int, Launch]], device: torch.device, jobs: int, deadline: float
) -> None:
    """`compile_ahead` in `jobs` processes. One that dies is not missed: what it had to compile is compiled later."""
    # A share takes every so-manieth task: neighbours cost alike.
    done = [pool.submit(compile_ahead, tasks[first::jobs], device, deadline) for first in range(jobs)]
    for share in done:
        if error := share.exception():
            print(f"compiling ahead: {type(error).__name__} {first_line(error)}", flush=True)


def with_choice(choices: list[Launch], batch: int, choice: Launch) -> list[Launch]:
    """`choices` of a kernel with another one for the bracket that ends at `batch`; the others stay as they are."""
    picked = {end: choice if end == batch else chosen(choices, end) for end in BATCHES}
    return [replace(launch, batch=None if end == BATCHES[-1] else end) for end, launch in picked.items()]


if __name__ == "__main__":
    sys.exit(main())
