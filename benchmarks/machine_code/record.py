"""Stored counts of compiled kernels: one file per version of Triton, a row for each kernel of the launch tables.

Compiling them all takes an hour of a core; kernels that a change does not affect need not be compiled again. Rows are
found by `Kernel.digest`. They hold counts, so that the current bar applies to them.
"""

from dataclasses import asdict, fields
from pathlib import Path

import triton

from benchmarks.machine_code.compiled import Kernel, machine_codes
from benchmarks.machine_code.disassembly import MachineCode
from benchmarks.measuring.kept import Row, read_table, write_table

FOLDER = Path(__file__).parents[1] / "results" / "machine_code"
WORDS = ("target", "operands", "kernel", "batch", "tile", "num_warps", "num_stages", "digest")
COLUMNS = (*WORDS, *(field.name for field in fields(MachineCode)))


def file_of(version: str) -> Path:
    return FOLDER / f"triton-{version}.csv"


def recorded(version: str) -> dict[str, MachineCode]:
    """The machine code recorded with a version of Triton, by digest."""
    return {digest: _machine_code(row) for digest, row in _read(version).items()}


def extend(kernels: list[Kernel], jobs: int) -> dict[str, MachineCode]:
    """Compile what is not recorded yet with this version of Triton, and store each kernel as soon as it is compiled.

    kernels: all kernels of some targets and kinds; other recorded kernels of these targets and kinds are dropped.
    """
    rows = _read(triton.__version__)
    today = {kernel.digest: kernel for kernel in kernels}
    whole = {(kernel.target, kernel.kind) for kernel in kernels}
    rows = {
        digest: row for digest, row in rows.items() if digest in today or (row["target"], row["operands"]) not in whole
    }
    missing = [kernel for digest, kernel in today.items() if digest not in rows]
    for kernel, code in zip(missing, machine_codes(missing, jobs), strict=True):
        rows[kernel.digest] = _row(kernel, code)
        _write(triton.__version__, rows)
    _write(triton.__version__, rows)
    return recorded(triton.__version__)


def _row(kernel: Kernel, code: MachineCode) -> Row:
    words = kernel.words() | {"digest": kernel.digest} | asdict(code)
    return {name: str(words[name]) for name in COLUMNS}


def _machine_code(row: Row) -> MachineCode:
    counts = {field.name: int(row[field.name]) for field in fields(MachineCode) if field.type is int}
    return MachineCode(unit=row["unit"], **counts)


def _read(version: str) -> dict[str, Row]:
    return {row["digest"]: row for row in read_table(file_of(version))}


def _write(version: str, rows: dict[str, Row]) -> None:
    write_table(file_of(version), COLUMNS, sorted(rows.values(), key=lambda row: [row[name] for name in WORDS]))
