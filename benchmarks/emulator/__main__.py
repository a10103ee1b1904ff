"""Execute every kernel of the launch table, compiled for an NVIDIA GPU, without a GPU, and compare it with float64.

    python -m benchmarks.emulator [--architecture sm_90] [--kinds half] [--brackets 1,64,...] [--cells gru,lstm]
                                  [--from-zeros]
    python -m benchmarks.emulator --record | --recorded [--triton 3.9.0]

Triton's interpreter does not test what the compiler makes of a kernel. This executes the kernel's PTX, instruction by
instruction, including matrix products and asynchronous copies, for a training step of two samples with the launches
that the table has for each bracket of batch sizes (C = 128, G = 4, two steps, of which one sample has one; from zeros
three steps, of which the weight gradient skips the first, and one sample has two). These errors end the run:

- an access beyond a tensor
- a program that reads or writes what another program of its launch writes
- shared memory that is read before a copy has arrived, or written while a product reads it
- a register that is used while a product writes it
- memory that is used by a launch that has begun early and not waited

A result that is more than twice as far from float64 as PyTorch's own (for tf32 and ieee, also beyond `check.ALLOWED`)
is reported as wrong. What ptxas makes of the PTX is not tested, nor is anything timed. The emulator supports sm_80 and
sm_90; later architectures have instructions that it does not know.

--record executes only what is not recorded in its current form, and stores it with the results; --recorded executes
nothing.
"""

import os
import sys
import time
from collections.abc import Callable
from itertools import product

import triton

from benchmarks.emulator.check import Problem, distances
from benchmarks.emulator.record import keep, recorded
from benchmarks.machine_code.compiled import brackets
from benchmarks.measuring.kept import parsed
from benchmarks.measuring.options import CELLS, KINDS, command, names, numbers


def main() -> int:
    parser = command("emulator", __doc__)
    parser.add_argument("--architecture", default="sm_90", choices=("sm_80", "sm_90"))
    parser.add_argument("--kinds", type=names(KINDS), default="half", help="half, tf32, ieee; comma-separated")
    parser.add_argument("--cells", type=names(CELLS), default="gru,lstm", help="comma-separated")
    parser.add_argument("--brackets", type=numbers(), help="batch sizes (default: one of each bracket)")
    parser.add_argument("--from-zeros", action="store_true", help="without a first state; this is never recorded")
    options = parsed(parser, triton.__version__)
    if os.environ.get("TRITON_INTERPRET") == "1":
        parser.error("TRITON_INTERPRET=1 is set, so nothing would be compiled; unset it")
    asked = options.brackets or brackets(options.architecture)
    if options.from_zeros and (options.record or options.recorded):
        parser.error("--from-zeros is never recorded; omit --record and --recorded")
    wrong = 0
    for kind, bracket, cell in product(options.kinds, asked, options.cells):
        print(f"{cell}, {kind}, {options.architecture}, launches for {bracket}", flush=True)
        steps = 3 if options.from_zeros else 2
        problem = Problem(cell, kind, options.architecture, bracket, steps=steps, from_zeros=options.from_zeros)
        found = recorded(options.triton, problem) if options.record or options.recorded else []
        if not found and options.recorded:
            print(f"  not recorded: run python -m benchmarks.emulator --record with Triton {options.triton}")
            wrong += 1
        elif not found:
            found = list(distances(problem, _teller()))
            if options.record:
                keep(problem, found)
        for one in found:
            verdict = "" if one.right else "   WRONG"
            print(f"  {one.what:14} {one.ours:.1e} from float64, PyTorch {one.theirs:.1e}{verdict}", flush=True)
            wrong += not one.right
    return 1 if wrong else 0


def _teller() -> Callable[[str, int, int], None]:
    """A function that prints each launch, with the time since now."""
    start = time.monotonic()

    def tell(kernel: str, programs: int, instructions: int) -> None:
        spent = time.monotonic() - start
        print(f"  {spent:6.1f} s  {kernel:24} {programs:5} programs {instructions:9} instructions", flush=True)

    return tell


if __name__ == "__main__":
    sys.exit(main())
