"""Time launch choices on this machine's GPU and write the launch table anew.

    python -m benchmarks.tune [--kinds half,tf32] [--kernels gru_gates,...] [--minutes 60] [--jobs 16]
                              [--most 16] [--out kernels/convrnn3d/launches.sm_90.json] [--timings FILE]

For each kernel, kind of operand and bracket of batch sizes, the launch in use and the likeliest candidates
(`benchmarks.work.candidates`) run as they would in a training step at C = 128, G = 4, on random inputs, with a warm L2
cache, as weights and states are in a sequence; the fastest median wins. Launches wait behind a sleeping device until a
whole round is queued, so the host's time does not count. What is not timed keeps its choice. A candidate is skipped if
it does not compile, needs more than the device has, or computes something else than most of them. All are compiled
first, in several processes, into Triton's cache on disk.
"""

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch
from convrnn3d.tuning import FOLDER, architecture_of, table

from benchmarks.measuring.machine import Machine
from benchmarks.measuring.options import KINDS, amount, command, names, numbers, whole
from benchmarks.tune.ahead import all_worth_timing, compile_in_processes
from benchmarks.tune.calls import Call, recorded, sequence_of
from benchmarks.tune.choices import with_choice, written
from benchmarks.tune.timing import best
from benchmarks.work.candidates import steps_of
from benchmarks.work.outcomes import append

TELLING = (36, 256, 1, 16, 64, 8, 192)  # the table's brackets in the order in which they are timed


def tune(options: argparse.Namespace, device: torch.device, shared: int, out: Path) -> None:
    """Time launches and write the table to `out` after each kernel; shared: bytes of shared memory for a program."""
    deadline, machine, architecture = time.monotonic() + 60 * options.minutes, Machine.here(), architecture_of(device)
    launches = {kernel: {kind: list(of) for kind, of in kinds.items()} for kernel, kinds in table(architecture).items()}
    wanted = list(product(options.batches, options.kernels))
    for place, kind in enumerate(options.kinds):
        share = time.monotonic() + (deadline - time.monotonic()) / (len(options.kinds) - place)
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
                # Launch nothing: the step's other kernels were not compiled ahead, and `outcome` fills the tensors.
                calls = {batch: recorded(replace(sequence, launch=lambda *_: None), kind)}
            if found := best(kernel, kind, sequence, tried[batch, kernel], calls[batch], share):
                launches[kernel][kind] = with_choice(launches[kernel][kind], batch, found[0].launch, steps_of(kernel))
                if options.timings:
                    append(found, machine, options.timings)
                whole = out.with_suffix(".new")  # so that an interrupted run leaves a complete table
                whole.write_text(written(launches, machine.device), encoding="utf-8")
                whole.replace(out)


def shared_memory(device: torch.device) -> int:
    """Bytes of shared memory that one program can have."""
    properties = torch.cuda.get_device_properties(device)
    return getattr(properties, "shared_memory_per_block_optin", 0) or properties.shared_memory_per_block


def parser() -> argparse.ArgumentParser:
    found = command("tune", __doc__)
    found.add_argument("--kinds", type=names(KINDS), default=list(KINDS), help="kinds of operands, comma-separated")
    found.add_argument("--kernels", type=names(table()), default=list(table()), help="comma-separated")
    found.add_argument("--minutes", type=amount(), default=60, help="time limit; untimed launches keep their choice")
    found.add_argument("--jobs", type=whole(), default=min(14, os.cpu_count() or 1), help="processes that compile")
    found.add_argument("--batches", type=numbers(), default=list(TELLING), help="brackets to time, comma-separated")
    found.add_argument(
        "--most", type=whole(), default=16, help="candidates to time besides the launch in use, the likeliest first"
    )
    found.add_argument("--out", type=Path, help="table to write (default: that of this GPU's architecture)")
    found.add_argument("--timings", type=Path, help="file to append every candidate's time to")
    return found


def main() -> int:
    options = parser().parse_args()
    if not torch.cuda.is_available():
        parser().error("tune needs a GPU, and there is none here")
    device = torch.device("cuda")
    out = options.out or FOLDER / f"launches.{architecture_of(device)}.json"
    tune(options, device, shared_memory(device), out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
