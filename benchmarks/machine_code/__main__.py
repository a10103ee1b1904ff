"""Compile every kernel in the launch table for GPUs that need not be present, and check its machine code.

    python -m benchmarks.machine_code [--targets sm_90,gfx942] [--kinds half] [--batches 36] [--json FILE] [--jobs 2]
    python -m benchmarks.machine_code --record
    python -m benchmarks.machine_code --recorded [--triton 3.6.0]

This prints one row for each kernel and target, at C = 128, G = 4. Kernels that miss the bar (`bar`) are marked, and the
exit code is then 1. Compiling all takes an hour of a core. --record compiles only what is not recorded yet and stores
it with the results. --recorded compiles nothing, and a kernel that is not recorded counts as a miss.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import triton
from triton import knobs

from benchmarks.machine_code.bar import misses
from benchmarks.machine_code.compiled import TARGETS, Kernel, every_kernel, machine_codes
from benchmarks.machine_code.disassembly import MachineCode
from benchmarks.machine_code.record import extend, recorded
from benchmarks.measuring.kept import parsed
from benchmarks.measuring.options import KINDS, command, names, numbers, whole


def main() -> int:
    parser = command("machine_code", __doc__)
    parser.add_argument("--targets", type=names(TARGETS), default=list(TARGETS), help="comma-separated")
    parser.add_argument("--kinds", type=names(KINDS), default=list(KINDS), help="kinds of operands, comma-separated")
    parser.add_argument("--batches", type=numbers(), default=(), help="batch sizes (default: one per table bracket)")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--jobs", type=whole(), default=2)
    arguments = parsed(parser, triton.__version__)
    if knobs.runtime.interpret:
        parser.error("TRITON_INTERPRET is set, so kernels would be interpreted, not compiled; unset it")
    if arguments.record and arguments.batches:
        parser.error("--record covers all batch sizes; omit --batches")
    kinds, batches = tuple(arguments.kinds), tuple(arguments.batches)
    kernels = [kernel for target in arguments.targets for kernel in every_kernel(target, kinds, batches)]
    if arguments.recorded:
        codes = recorded(arguments.triton)
    elif arguments.record:
        codes = extend(kernels, arguments.jobs)
    else:
        compiled = machine_codes(kernels, arguments.jobs)
        codes = {kernel.digest: code for kernel, code in zip(kernels, compiled, strict=True)}
    table = [_line(kernel, codes[kernel.digest]) for kernel in kernels if kernel.digest in codes]
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1), encoding="utf-8")
    _print(table)
    missed, unknown = sum(bool(line["misses"]) for line in table), len(kernels) - len(table)
    print(f"{len(table)} kernels, Triton {arguments.triton}, {missed} miss the bar")
    if unknown:
        sentence = f"{unknown} kernels are not recorded in their current form; run python -m benchmarks.machine_code"
        print(f"{sentence} --record with Triton {arguments.triton}", file=sys.stderr)
    return 1 if missed or unknown else 0


def _line(kernel: Kernel, code: MachineCode) -> dict[str, object]:
    return kernel.words() | asdict(code) | {"misses": misses(kernel, code)}


def _print(table: list[dict[str, object]]) -> None:
    columns = [name for name in (table or [{}])[0] if name != "misses"]
    widths = {name: max(len(name), *(len(str(line[name])) for line in table)) for name in columns}
    print("  ".join(name.ljust(widths[name]) for name in columns))
    for line in table:
        marks = "  <- " + ", ".join(line["misses"]) if line["misses"] else ""
        print("  ".join(str(line[name]).ljust(widths[name]) for name in columns) + marks)


if __name__ == "__main__":
    sys.exit(main())
