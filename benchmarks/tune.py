"""Time launch choices on this machine's GPU and write the launch table anew.

    python -m benchmarks.tune [--kinds half,tf32] [--kernels gru_gates,...] [--minutes 60] [--jobs 16]
                              [--out kernels/convrnn3d/launches.json]

For each kernel, kind of operand and bracket of batch sizes every candidate runs as it would in a training step at
C = 128, G = 4, on random inputs; the fastest median wins. What is not timed keeps its choice. A candidate that does
not compile, or needs more than the device has, is passed over. All are compiled first, in several processes, into
Triton's cache on disk.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
import triton
from convrnn3d import gru, lstm
from convrnn3d.launcher import Slot, compile_kernel, launch
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import Launch, choose, table

from benchmarks.compiled import OPERANDS
from benchmarks.side_by_side import first_line

BATCHES = (1, 8, 16, 36, 64, 256)  # the brackets; the last is for all larger ones, too
TELLING = (1, 36, 256, 8, 16, 64)  # the order in which they are timed
OUT = Path(__file__).parents[1] / "kernels" / "convrnn3d" / "launches.json"
SMALLEST_SHARED = 64 << 10  # bytes, of the targets' (gfx942)
SUMS = 192  # registers of a thread for sums, of 255
LINE = 4  # voxels along z, all of a 4x4x4 grid's
Launched = tuple[Any, int, tuple, dict, dict]  # kernel, blocks, arguments, constants, options


def candidates(kernel: str, kind: str, batch: int, shared: int = SMALLEST_SHARED) -> list[Launch]:
    """What is worth timing on a device whose programs have `shared` bytes of shared memory.

    Wider tiles read less, narrower ones give more programs; `inner` fills 64 or 128 bytes.
    """
    inner = {"half": (64, 128), "tf32": (32, 64), "ieee": (16, 32)}[kind]
    stages = {"half": (3, 4), "tf32": (3, 4), "ieee": (2,)}[kind]
    if kernel == "weight_gradient":
        rows = (32, 64) if kind == "half" else (16, 32)
        found = [Launch(None, r, n, r, w, s) for r in rows for n in (64, 128) for w in (4, 8) for s in stages]
        return [launch for launch in found if fits(kernel, kind, launch, shared)]
    tiles = {1: ((16, 32), (16, 64)), 8: ((16, 32), (16, 64)), 16: ((16, 32), (16, 64), (16, 128))}
    tiles |= {36: ((16, 64), (16, 128), (32, 64), (64, 32), (64, 64)), 64: ((64, 32), (64, 64), (32, 64))}
    tiles |= {256: ((128, 32), (128, 64), (64, 64), (64, 128), (128, 128))}
    found = [Launch(None, r, n, i, w, s) for r, n in tiles[batch] for i in inner for w in (4, 8) for s in stages]
    if batch <= 16:
        found += [Launch(None, 64, n, i, 4, s, shared=3) for n in (16, 32, 64) for i in inner for s in stages]
    elif kind != "ieee":
        halves = (inner[0] // 2, inner[0])
        lines = itertools.product((32, 64), (32, 64), halves, (4, 8), (2, 3))
        found += [Launch(None, r, n, i, w, s, line=LINE) for r, n, i, w, s in lines]
    return [launch for launch in found if fits(kernel, kind, launch, shared)]


def fits(kernel: str, kind: str, launch: Launch, shared: int) -> bool:
    """Whether shared memory holds a launch's tiles, and registers its sums, with some to spare."""
    gates = {"gru_gates": 2, "lstm_step": 3}.get(kernel, 1)
    if kernel == "weight_gradient":
        rows, columns, inner = launch.channels, launch.channels, launch.rows
    else:
        # A line reads each of its sources once, and the weights of three dz.
        rows, columns = launch.line * launch.rows, gates * launch.channels * (3 if launch.line > 1 else 1)
        inner = launch.inner
    held = launch.stages * (rows + columns) * inner * (2 if kind == "half" else 4)
    sums = rows * gates * launch.channels
    return held <= shared and sums <= SUMS * 32 * launch.warps


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


def launches_of(
    kernel: str, kind: str, sequence: Sequence, candidate: Launch, run: Callable[..., None] = launch
) -> list[Launched]:
    """What `kernel` launches for one step as `candidate`, one launch or, by tap, two; `run` takes all of a step's."""
    named: list[Launched] = []
    chosen: list[str] = []

    def pick(name: str, operands: str, batch: int, channels: int) -> Launch:
        chosen.append(name)
        return (candidate if name == kernel else choose(name, operands, batch, channels)).fitted(channels)

    def take_down(function: Any, blocks: int, arguments: tuple, *how: dict[str, Any]) -> None:
        run(function, blocks, arguments, *how)
        from_zeros = isinstance(arguments[0], Slot) and arguments[0].tensor is None
        if chosen and chosen[-1] == kernel and not from_zeros:
            named.append((function, blocks, arguments, *how))

    training_step(replace(sequence, launch=take_down, choose=pick), kind)
    return named[: 2 if named[0][0].__name__ == "conv_parts" else 1]


def time_launch(kernel: str, kind: str, sequence: Sequence, candidate: Launch) -> float:
    """Microseconds of `kernel` launched as `candidate`, of one step; the sum over its parts if it is by tap."""
    launched = launches_of(kernel, kind, sequence, candidate)

    def again() -> None:
        for launched_one in launched:
            launch(*launched_one)

    return median_microseconds(again, sequence.device)


def compile_ahead(tasks: list[tuple[str, str, int, Launch]], device: torch.device, deadline: float) -> None:
    """Compile what candidates of kernel, kind and batch launch, launching nothing; until `deadline` (monotonic)."""
    for kernel, kind, batch, candidate in tasks:
        if time.monotonic() > deadline:
            return
        try:
            launched = launches_of(kernel, kind, sequence_of(kind, batch, device), candidate, run=lambda *_: None)
            for function, _, *rest in launched:
                compile_kernel(function, *rest)
        except Exception as error:  # timing it will say so, too
            print(f"{kernel} {kind} B {batch} {candidate}: {type(error).__name__} while compiling", flush=True)


def sequence_of(kind: str, batch: int, device: torch.device) -> Sequence:
    """C = 128, G = 4, three steps."""
    return Sequence(batch, 3, (4, 4, 4), 128, 3, OPERANDS[kind], "tf32" if kind == "tf32" else "ieee", device)


def median_microseconds(function: Callable[[], None], device: torch.device) -> float:
    if device.type == "cuda":
        # Replayed from a graph with the L2 cache warm, as weights and states are in a sequence.
        with torch.cuda.stream(torch.cuda.Stream()):
            return 1e3 * triton.testing.do_bench_cudagraph(function, rep=5, return_mode="median")
    start = time.perf_counter()
    function()
    return 1e6 * (time.perf_counter() - start)


def best(kernel: str, kind: str, sequence: Sequence, tried: list[Launch]) -> tuple[Launch, float] | None:
    """The fastest of `tried` and its microseconds, each printed; None if none runs."""
    times = {}
    for candidate in tried:
        try:
            times[candidate] = time_launch(kernel, kind, sequence, candidate)
        except Exception as error:  # whatever a compiler or a device may say to a tile that is too large
            if sequence.device.type == "cuda":
                torch.cuda.synchronize()  # raises, if the device itself has failed: nothing more can be timed then
            reason = f"{type(error).__name__} {first_line(error)}"
            print(f"{kernel} {kind} B {sequence.batch} {candidate}: passed over, {reason}", flush=True)
            continue
        print(f"{kernel} {kind} B {sequence.batch} {candidate}: {times[candidate]:.1f} us", flush=True)
    fastest = min(times, key=times.get, default=None)
    return None if fastest is None else (fastest, times[fastest])


def written(launches: dict[str, dict[str, list[Launch]]], device: str | None) -> str:
    """The table as JSON with a line for each launch."""

    def line(launch: Launch) -> str:
        unsaid = {"shared": 0, "line": 1}
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
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("there is no GPU to time on")
    deadline, device = time.monotonic() + 60 * options.minutes, torch.device("cuda")
    launches = {kernel: {kind: list(choices) for kind, choices in kinds.items()} for kernel, kinds in table().items()}
    for kind in options.kinds.split(","):
        kernels = options.kernels.split(",")
        shared = shared_memory(device)
        tasks = [
            (kernel, kind, batch, tried)
            for batch, kernel in itertools.product(TELLING, kernels)
            for tried in candidates(kernel, kind, batch, shared)
        ]
        compile_in_processes(tasks, device, options.jobs, (time.monotonic() + deadline) / 2)
        print(f"{kind}: compiled; {deadline - time.monotonic():.0f} s left", flush=True)
        for batch, kernel in itertools.product(TELLING, kernels):
            if time.monotonic() > deadline:
                break
            if found := best(kernel, kind, sequence_of(kind, batch, device), candidates(kernel, kind, batch, shared)):
                launches[kernel][kind] = with_choice(launches[kernel][kind], batch, found[0])
                text = written(launches, torch.cuda.get_device_name())
                options.out.write_text(text, encoding="utf-8")
    return 0


def compile_in_processes(
    tasks: list[tuple[str, str, int, Launch]], device: torch.device, jobs: int, deadline: float
) -> None:
    """`compile_ahead` in `jobs` processes. One that dies is not missed: what it had to compile is compiled later."""
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        # A share takes every so-manieth task: neighbours cost alike.
        done = [pool.submit(compile_ahead, tasks[first::jobs], device, deadline) for first in range(jobs)]
    for share in done:
        if error := share.exception():
            print(f"compiling ahead: {type(error).__name__} {first_line(error)}", flush=True)


def with_choice(choices: list[Launch], batch: int, choice: Launch) -> list[Launch]:
    """`choices` of a kernel with another one for the bracket that ends at `batch`; the others stay as they are."""

    def now(end: int) -> Launch:
        return next(launch for launch in choices if launch.batch is None or end <= launch.batch)

    picked = {end: choice if end == batch else now(end) for end in BATCHES}
    return [replace(launch, batch=None if end == BATCHES[-1] else end) for end, launch in picked.items()]


if __name__ == "__main__":
    sys.exit(main())
