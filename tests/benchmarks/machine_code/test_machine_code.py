"""The bar that the compiled kernels must meet on every target, checked without a GPU."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import triton
from convrnn3d.places import Phase, Tile
from convrnn3d.tuning import table

from benchmarks.machine_code.bar import misses
from benchmarks.machine_code.disassembly import MachineCode

ROOT = Path(__file__).parents[3]
SPARE = (pytest.mark.long, pytest.mark.spare)
SIX = ("sm_80", "sm_90", "sm_100", "sm_120", "gfx942", "gfx950")
KINDS = ("half", "tf32", "ieee")
RECORDED = ("3.6.0", "3.9.0")  # versions of Triton: the oldest supported and the newest
# Compiling them all takes an hour of a core, so all records are checked against the bar, and only some recompiled.
CASES = [("sm_90", "half", "36"), *(pytest.param(target, ",".join(KINDS), "", marks=SPARE) for target in SIX)]
COMPILED = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
ACCESSES = ("ld.global", "st.global", "cp.async")


@pytest.mark.parametrize("version", RECORDED)
def test_every_kernel_of_every_launch_table_is_recorded_and_meets_the_bar(version: str, tmp_path: Path) -> None:
    """If this fails, run python -m benchmarks.machine_code --record with that version of Triton."""
    rows = rows_of(tmp_path, "--recorded", "--triton", version)
    for target in SIX:
        assert launches_of_the_table(target, KINDS) <= {launch_of(row) for row in rows if row["target"] == target}


@pytest.mark.parametrize(("target", "kinds", "batches"), CASES)
def test_compiled_kernels_meet_the_bar_and_match_their_records(
    target: str, kinds: str, batches: str, tmp_path: Path
) -> None:
    jobs = 1 if "PYTEST_XDIST_WORKER" in os.environ else os.cpu_count()  # the other cores run other tests
    chosen = ["--targets", target, "--kinds", kinds, "--batches", batches]
    rows = rows_of(tmp_path, *chosen, "--jobs", str(jobs))
    if triton.__version__ in RECORDED:
        assert rows == rows_of(tmp_path, *chosen, "--recorded")
    if target == "sm_90":  # Hopper multiplies with wgmma, which needs at least 64 rows
        products = [row for row in rows if row["operands"] != "ieee" and row["matrix"]]
        tall = [row for row in products if int(row["tile"].split("x")[0]) >= 64]
        assert tall and all(row["unit"] == "HGMMA" and row["waits"] for row in tall)


def rows_of(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """The rows that `python -m benchmarks.machine_code` finds, after checking that none misses the bar."""
    command = [sys.executable, "-m", "benchmarks.machine_code", *arguments, "--json", str(folder / "rows.json")]
    process = subprocess.run(command, cwd=ROOT, env=COMPILED, capture_output=True, text=True)
    assert (folder / "rows.json").exists(), process.stderr
    rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    missed = [f"{row['kernel']} {row['operands']} {row['tile']}: {row['misses']}" for row in rows if row["misses"]]
    assert not missed, "\n".join(missed)
    assert process.returncode == 0, process.stderr
    return rows


def launch_of(row: dict[str, Any]) -> tuple[str, str, str, int, int]:
    return row["kernel"], row["operands"], row["tile"], row["num_warps"], row["num_stages"]


def missed_by(kind: str = "half", **counted: int) -> list[str]:
    """What a weight gradient on sm_90 misses if its loop has these instruction counts."""
    loop = {"matrix": 4, "waits": 1, "asynchronous": 8, "narrow": 0, "products": 0, "comparisons": 0, "spills": 0}
    around = {"before": 300, "after": 500}
    code = MachineCode("HGMMA", registers=128, stack=0, shared=98304, length=250, **loop | counted, **around)
    kernel = SimpleNamespace(function="wgrad.weight_gradient", kind=kind, target="sm_90", convolves=False)
    kernel.options = {"num_warps": 8}
    return misses(kernel, code)


@pytest.mark.parametrize(("matrix", "waits", "missed"), [(4, 4, True), (4, 1, False), (48, 5, False), (1, 1, False)])
def test_products_that_are_each_waited_for_miss_the_bar(matrix: int, waits: int, missed: bool) -> None:
    """ptxas makes them where it reports "serialized". Each turn's last product may be waited for, also if unrolled."""
    assert missed_by(matrix=matrix, waits=waits) == ["products one by one"] * missed


def test_copies_of_4_bytes_miss_the_bar() -> None:
    assert missed_by(narrow=1) == ["copies of 4 bytes"]
    assert missed_by("tf32", narrow=8) == []  # see `bar`


@pytest.mark.parametrize(
    ("phase", "tile", "missed"),
    [
        (Phase.of(0, 2), Tile(64, 16, 128, "ieee", lines=True, shared=2), False),
        (Phase.of(2, 1, True), Tile(64, 32, 128, "ieee", shared=3), False),
        (Phase.of(0, 2, True), Tile(64, 16, 128, "ieee", lines=True, shared=2), True),  # a turn for each gate
        (Phase.of(0, 2), Tile(64, 16, 64, "ieee", lines=True, shared=2), True),
        (Phase.of(0, 2), Tile(64, 16, 128, "ieee", lines=True, shared=1), True),
        (Phase.of(0, 2), Tile(64, 16, 128, "ieee", shared=2), True),
    ],
)
def test_only_parts_of_a_single_turn_may_copy_through_registers(phase: Phase, tile: Tile, missed: bool) -> None:
    code = MachineCode("HGMMA", 128, 0, 98304, 4, 1, 0, 0, 0, 0, 0, length=250, before=300, after=500)
    kernel = SimpleNamespace(function="parts.conv_parts", kind="half", target="sm_90", convolves=False)
    kernel.options, kernel.phase, kernel.tile = {"num_warps": 4}, phase, tile
    assert misses(kernel, code) == ["no asynchronous copies"] * missed


def launches_of_the_table(target: str, kinds: Sequence[str]) -> set[tuple[str, str, str, int, int]]:
    """Kernel, operand type, tile, warps and stages of each launch, written as in a row."""
    launches = set()
    for kernel, by_kind in table(target).items():
        name = "wgrad.weight_gradient" if kernel == "weight_gradient" else kernel.replace("_", ".", 1)
        for kind in kinds:
            for choice in by_kind[kind]:
                function = "parts.conv_parts" if choice.shared else name
                rows, inner = choice.rows, choice.inner
                if kernel == "weight_gradient":
                    rows, inner = choice.channels, choice.rows
                launches.add((function, kind, f"{rows}x{choice.channels}x{inner}", choice.warps, choice.stages))
    return launches


def test_a_dependent_launch_waits_before_it_reads_or_writes() -> None:
    """Every kernel of a step of few samples, for both cells."""
    program = """
from benchmarks.machine_code.compiled import TARGETS, taken_down
from convrnn3d.launcher import FUSION, to_compile
import triton
for function, kinds, constants, options in taken_down("half", 1) + taken_down("half", 8):
    if "launch_pdl" in options:
        ptx = triton.compile(to_compile(function, kinds, constants), target=TARGETS["sm_90"], options=options | FUSION)
        print(function.__name__, ptx.asm["ptx"], "next kernel")
"""
    output = subprocess.run(
        [sys.executable, "-c", program], env=COMPILED, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    found, kernels = set(), output.split("next kernel")[:-1]
    for name in ("conv_parts", "gates", "update", "update_back", "gates_back", "step", "step_back"):
        assert any(kernel.strip().startswith(name) for kernel in kernels)
    for ptx in kernels:
        before, wait, after = ptx.partition("griddepcontrol.wait")
        assert wait and not any(access in before for access in ACCESSES)
        found |= {access for access in ACCESSES if access in after}
    assert found == set(ACCESSES)


@pytest.mark.parametrize(("batch", "early"), [(36, False), (8, False), (8, True)])
def test_a_dependent_launch_lets_the_next_one_start_after_its_loop_or_early(batch: int, early: bool) -> None:
    """For gates by line, and for parts."""
    program = f"""
from benchmarks.machine_code.compiled import TARGETS, taken_down
from convrnn3d.launcher import FUSION, to_compile
import triton
function, kinds, constants, options = taken_down("half", {batch})[1]
constants = constants | {{"TILE": constants["TILE"]._replace(dependent=True, early={early})}}
ptx = triton.compile(to_compile(function, kinds, constants), target=TARGETS["sm_90"], options=options | FUSION)
print(function.__name__, ptx.asm["ptx"])
"""
    ptx = subprocess.run(
        [sys.executable, "-c", program], env=COMPILED, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert ptx.startswith("conv_parts" if batch == 8 else "gates_kernel")
    let_begin, wait = ptx.index("griddepcontrol.launch_dependents"), ptx.index("griddepcontrol.wait")
    products = ptx.index("wgmma.mma_async"), ptx.rindex("wgmma.mma_async")
    places = [let_begin, wait, *products] if early else [wait, *products, let_begin]
    places.append(ptx.index("st.global"))
    assert places == sorted(places)


def test_a_tanh_is_one_instruction_if_its_result_is_stored_in_bfloat16() -> None:
    """An LSTM step stores c in the projection's type, and h = tanh(s) in the type of the carried state."""
    program = """
from dataclasses import replace
import torch
from convrnn3d import lstm, lstm_steps
from convrnn3d.launcher import FUSION, argument_kind, to_compile
from convrnn3d.sequence import Sequence
from benchmarks.machine_code.compiled import TARGETS
import triton

def launch(function, blocks, arguments, constants, options):
    if function is lstm.step_kernel:
        what = to_compile(function, tuple(map(argument_kind, arguments)), constants)
        ptx = triton.compile(what, target=TARGETS["sm_90"], options=options | FUSION).asm["ptx"]
        print(*(ptx.count(instruction) for instruction in ("tanh.approx", "ex2.approx")))

grid, weight = (2, 2, 2, 16), torch.empty(3, 16, 16, 1, 1, 1, dtype=torch.bfloat16, device="meta")
for kept in (torch.bfloat16, torch.float16, torch.float32):
    for carried in (torch.bfloat16, torch.float32):
        projection = torch.empty(2, 1, 3, *grid, dtype=kept, device="meta")
        sequence = replace(Sequence.of(projection, weight, torch.bfloat16, "ieee"), launch=launch, architecture="sm_90")
        lstm_steps.forward(sequence, projection, weight, None, None, carried, True, True)
"""
    output = subprocess.run(
        [sys.executable, "-c", program], env=COMPILED, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    counts = [[int(count) for count in line.split()] for line in output.splitlines()]
    tanhs = [tanh for tanh, _ in counts]
    number = tanhs[0] // 2  # results of a thread
    assert tanhs == [2 * number, number, number, 0, number, 0]
    assert [exponentials for _, exponentials in counts] == [4 * number - tanh for tanh in tanhs]


def test_gates_are_exact_if_the_products_are() -> None:
    """In ieee they use an exponential that first reduces its argument, and a division that rounds to nearest; in half
    precision a reciprocal.
    """
    program = """
from benchmarks.machine_code.compiled import every_kernel
for kind in ("ieee", "tf32", "half"):
    gates = next(kernel for kernel in every_kernel("sm_90", (kind,)) if kernel.function == "gru.gates")
    ptx = gates.compile().asm["ptx"]
    print(*(instruction in ptx for instruction in ("fma.rm", "div.rn", "div.full", "rcp.approx")))
"""
    output = subprocess.run(
        [sys.executable, "-c", program], env=COMPILED, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert output.splitlines() == [
        "True True False False", "False False True False", "False False False True"
    ]  # fmt: skip


def test_ieee_sums_the_products_of_a_turn_before_adding_them_to_the_total() -> None:
    """Triton would otherwise merge such a sum with the one that it is added to."""
    program = """
import re
from benchmarks.machine_code.compiled import every_kernel
found = every_kernel("sm_90", ("ieee",), (36,))
kernels = {one.function: one for one in found if one.convolves or one.function == "wgrad.weight_gradient"}
for name in ("lstm.step", "wgrad.weight_gradient"):
    ttir = kernels[name].compile().asm["ttir"]
    products = re.findall(r"(%\\S+) = tt.dot", ttir)
    added = {operand for pair in re.findall(r"arith.addf (%\\S+), (%\\S+)", ttir) for operand in pair}
    print(len(products), sum(product in added for product in products))
"""
    output = subprocess.run(
        [sys.executable, "-c", program], env=COMPILED, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert output.splitlines() == ["2 2", "1 1"]
