"""The bar that the compiled kernels are held to, on every target, without a GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = ("sm_80", "sm_90", "sm_100", "sm_120", "gfx942", "gfx950")


@pytest.fixture(scope="module")
def rows(machine_code: tuple[subprocess.Popen, Path]) -> list[dict]:
    """The rows of `python -m benchmarks.machine_code`, once it has ended."""
    process, file = machine_code
    process.wait()
    assert file.exists(), file.with_suffix(".txt").read_text(encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("target", TARGETS)
def test_no_kernel_misses_the_bar(rows: list[dict], target: str) -> None:
    of_target = [row for row in rows if row["target"] == target]
    assert of_target
    missed = [f"{row['kernel']} {row['operands']} {row['tile']}: {row['misses']}" for row in of_target if row["misses"]]
    assert not missed, "\n".join(missed)


def test_every_kernel_of_the_table_is_compiled(rows: list[dict]) -> None:
    from convrnn3d.tuning import table

    names = {kernel: kernel.replace("_", ".", 1) for kernel in table()} | {"weight_gradient": "wgrad.weight_gradient"}
    for kernel, kinds in table().items():
        for kind, launches in kinds.items():
            for launch in launches:
                function = "convolution.conv_parts" if launch.shared else names[kernel]
                inner = launch.rows if kernel == "weight_gradient" else launch.inner
                rows_of_tile = launch.channels if kernel == "weight_gradient" else launch.rows
                tile = f"{rows_of_tile}x{launch.channels}x{inner}"
                for target in TARGETS:
                    assert any(
                        (row["kernel"], row["operands"], row["tile"], row["target"]) == (function, kind, tile, target)
                        and (row["num_warps"], row["num_stages"]) == (launch.warps, launch.stages)
                        for row in rows
                    ), f"{kernel} {kind} {launch} {target}"


def test_hopper_multiplies_with_wgmma(rows: list[dict]) -> None:
    products = [row for row in rows if row["target"] == "sm_90" and row["operands"] != "ieee" and row["matrix"]]
    tall = [row for row in products if int(row["tile"].split("x")[0]) >= 64]  # which has 64 rows at least
    assert tall and all(row["unit"] == "HGMMA" for row in tall)


def test_a_dependent_launch_waits_before_it_reads_or_writes() -> None:
    program = """
from benchmarks.compiled import TARGETS, taken_down
from convrnn3d.launcher import FUSION, source
import triton
function, kinds, constants, options = next(found for found in taken_down("half", 64) if "TILE" in found[2])
constants = constants | {"TILE": constants["TILE"]._replace(dependent=True)}
options = options | {"launch_pdl": True} | FUSION
print(triton.compile(source(function, kinds, constants), target=TARGETS["sm_90"], options=options).asm["ptx"])
"""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    ptx = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    wait = ptx.index("griddepcontrol.wait")
    assert all(wait < ptx.index(access) for access in ("ld.global", "st.global", "cp.async"))
