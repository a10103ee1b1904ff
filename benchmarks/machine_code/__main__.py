"""What the compiler makes of every kernel in the launch table, for GPUs that need not be there.

    python -m benchmarks.machine_code [--targets sm_90,gfx942] [--kinds half] [--batches 36] [--json FILE] [--jobs 2]
    python -m benchmarks.machine_code --record
    python -m benchmarks.machine_code --recorded [--triton 3.6.0]

One row for each kernel and target, at C = 128, G = 4; those that miss the bar (`bar`) are marked, and the exit code
is 1. They take an hour of a core: with --record only what was not recorded before is compiled, and kept beside the
results; with --recorded nothing is compiled, and a kernel that was not recorded counts as one that misses.
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
    parser.add_argument("--kinds", type=names(KINDS), default=list(KINDS), help="of operands, comma-separated")
    parser.add_argument("--batches", type=numbers(), default=(), help="if left out, one of each bracket of the table")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--jobs", type=whole(), default=2)
    arguments = parsed(parser, triton.__version__)
    if knobs.runtime.interpret:
        parser.error("TRITON_INTERPRET is set: kernels would be interpreted, not compiled")
    if arguments.record and arguments.batches:
        parser.error("--record is of all batch sizes: leave --batches out")
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
        sentence = f"{unknown} kernels are not recorded as they are: python -m benchmarks.machine_code --record"
        print(f"{sentence}, with Triton {arguments.triton}", file=sys.stderr)
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
