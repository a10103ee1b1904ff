"""What the compiler makes of every kernel in the launch table, for GPUs that need not be there.

    python -m benchmarks.machine_code [--targets sm_90,gfx942] [--kinds half] [--batches 36] [--json FILE] [--jobs 2]

One row for each kernel and target, at C = 128, G = 4; those that miss the bar (`bar`) are marked, and the exit code
is 1.
"""

import argparse
import json
import sys
from pathlib import Path

from triton import knobs

from benchmarks.machine_code.bar import rows
from benchmarks.machine_code.compiled import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.machine_code", description=__doc__.splitlines()[0])
    parser.add_argument("--targets", default=",".join(TARGETS), help="comma-separated")
    parser.add_argument("--kinds", default="half,tf32,ieee", help="of operands, comma-separated")
    parser.add_argument("--batches", default="", help="comma-separated; if left out, one of each bracket of the table")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    if knobs.runtime.interpret:
        parser.error("TRITON_INTERPRET is set: kernels would be interpreted, not compiled")
    batches = tuple(int(batch) for batch in arguments.batches.split(",") if batch)
    table = rows(arguments.targets.split(","), tuple(arguments.kinds.split(",")), arguments.jobs, batches)
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1), encoding="utf-8")
    columns = [name for name in table[0] if name != "misses"]
    widths = {name: max(len(name), *(len(str(line[name])) for line in table)) for name in columns}
    print("  ".join(name.ljust(widths[name]) for name in columns))
    for line in table:
        marks = "  <- " + ", ".join(line["misses"]) if line["misses"] else ""
        print("  ".join(str(line[name]).ljust(widths[name]) for name in columns) + marks)
    missed = sum(bool(line["misses"]) for line in table)
    print(f"{len(table)} kernels, Triton {sys.modules['triton'].__version__}, {missed} miss the bar")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
