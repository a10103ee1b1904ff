"""A compiled kernel's resources, and the instructions of its main loop."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import triton

MATRIX = ("HGMMA", "HMMA", "UTCHMMA", "v_mfma")
WAITS = ("WARPGROUP.DEPBAR",)
ASYNCHRONOUS = ("LDGSTS", "UTMALDG", "UBLKCP", "global_load_lds_dword")
SPILLS = ("LDL", "STL", "scratch_load", "scratch_store")  # registers into memory, and back
ENDS = ("EXIT", "s_endpgm")
MULTIPLY_ADD = ("FFMA", "FFMA2", "v_fma", "v_fmac", "v_pk_fma", "v_mad", "v_dot2")


@dataclass(frozen=True)
class MachineCode:
    """Registers per thread, stack and shared memory in bytes, and the numbers of instructions in the main loop.

    unit: the name of the matrix instruction, or ""; matrix: matrix products; waits: for such products, counted for
    HGMMA; asynchronous: copies to shared memory that no thread waits for; narrow: those of 4 bytes, by NVIDIA's
    threads; products: scalar multiply-adds; comparisons: integer comparisons in each thread, such as masks need;
    spills: loads and stores of spilled registers; length: all instructions of the loop. before, after: the instructions
    before and after the loop.
    """

    unit: str
    registers: int
    stack: int
    shared: int
    matrix: int
    waits: int
    asynchronous: int
    narrow: int
    products: int
    comparisons: int
    spills: int
    length: int
    before: int
    after: int


def read(compiled: Any) -> MachineCode:
    """The machine code of a kernel that Triton compiled for a CUDA or HIP target."""
    return _read_cubin(compiled) if "cubin" in compiled.asm else _read_amdgcn(compiled)


def _read_cubin(compiled: Any) -> MachineCode:
    tools = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()
        usage = _output(tools / "cuobjdump", "--dump-resource-usage", file.name)
        listing = _output(tools / "nvdisasm", "-c", file.name)
    registers, stack = (int(re.search(rf"{name}:(\d+)", usage)[1]) for name in ("REG", "STACK"))
    instruction = re.compile(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?(LDGSTS[.A-Z0-9]*|[A-Z0-9_]+(?:\.DEPBAR)?)(.*?);")
    loop, around = _main_loop(listing, re.compile(r"\s*\.?(L_x_\d+):"), instruction, re.compile(r"BRA.*?(L_x_\d+)"))
    return MachineCode(_unit(loop), registers, stack, compiled.metadata.shared, **_count(loop, "ISETP"), **around)


def _read_amdgcn(compiled: Any) -> MachineCode:
    text = compiled.asm["amdgcn"]

    def metadata(name: str) -> int:
        return int(re.search(rf"\.{name}:\s*(\d+)", text)[1])

    spilled = 4 * (metadata("vgpr_spill_count") + metadata("sgpr_spill_count"))
    stack = max(metadata("private_segment_fixed_size"), spilled)
    instruction = re.compile(r"^\s+([a-z]\w+)(.*)$")
    loop, around = _main_loop(
        text, re.compile(r"(\.LBB\d+_\d+):"), instruction, re.compile(r"s_c?branch\w*\s+(\.LBB\d+_\d+)")
    )
    counted = _count(loop, "v_cmp") | around
    return MachineCode(_unit(loop), metadata("vgpr_count"), stack, compiled.metadata.shared, **counted)


def _output(*command: Any) -> str:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout


def _main_loop(
    listing: str, label: re.Pattern, instruction: re.Pattern, branch: re.Pattern
) -> tuple[list[str], dict[str, int]]:
    """The instructions of the loop with the most matrix products, else multiply-adds; the numbers before and after it.

    Without such a loop, as when a tap's few turns are unrolled, these are all instructions of the kernel.
    """
    names, labels, loops = [], {}, []
    for line in listing.splitlines():
        if found := label.match(line):
            labels[found[1]] = len(names)
        elif found := instruction.search(line):
            names.append(found[1])
            if (jump := branch.search(line)) and jump[1] in labels:
                loops.append((labels[jump[1]], len(names)))
    end = max((place + 1 for place, name in enumerate(names) if name in ENDS), default=len(names))
    names = names[:end]
    if _number(names, MATRIX):
        loops = [(start, stop) for start, stop in loops if _number(names[start:stop], MATRIX)]

    def work(loop: tuple[int, int]) -> tuple[int, int]:
        inside = names[slice(*loop)]
        return _number(inside, MATRIX) or _number(inside, MULTIPLY_ADD), -len(inside)

    start, stop = max((loop for loop in loops if loop[1] <= end), key=work, default=(0, end))
    return names[start:stop], {"before": start, "after": end - stop}


def _unit(loop: list[str]) -> str:
    return next((name for name in loop if name in MATRIX or name.startswith("v_mfma")), "")


def _count(loop: list[str], comparison: str) -> dict[str, int]:
    return {
        "matrix": _number(loop, MATRIX),
        "waits": _number(loop, WAITS),
        "asynchronous": sum(name.startswith(ASYNCHRONOUS) for name in loop),
        "narrow": sum(name.startswith("LDGSTS") and not {"64", "128"} & {*name.split(".")} for name in loop),
        "products": _number(loop, MULTIPLY_ADD),
        "comparisons": sum(name.startswith(comparison) for name in loop),
        "spills": sum(name.startswith(SPILLS) for name in loop),
        "length": len(loop),
    }


def _number(loop: list[str], sort: tuple[str, ...]) -> int:
    return sum(name in sort or name.startswith(tuple(part for part in sort if part[:2] == "v_")) for name in loop)
