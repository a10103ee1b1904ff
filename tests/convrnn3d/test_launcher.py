"""Launches through Triton's own driver, on a CUDA driver that accepts everything and prints what it gets."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import triton
from convrnn3d.launcher import to_compile

ROOT = Path(__file__).parents[2]
INCLUDE = Path(triton.__file__).parent / "backends" / "nvidia" / "include"
COMPILER = os.environ.get("CC") or shutil.which("gcc") or shutil.which("cc")

PROGRAM = """
import sys, torch, triton
from triton.backends.nvidia.driver import CudaDriver

class Driver(CudaDriver):
    def __init__(self):
        super().__init__()
        self.get_current_device = lambda: 0
        self.get_current_stream = lambda device: 0
        self.get_device_capability = lambda device=0: (9, 0)

triton.runtime.driver.set_active(Driver())
from convrnn3d.autograd import run
cell = sys.argv[1]
grid, batch, steps = (2, 2, 2, 16), 3, 2
state = [torch.randn(batch, *grid).bfloat16().requires_grad_() for _ in range(2 if cell == "lstm" else 1)]
projection = torch.randn(batch, steps, 3, *grid).bfloat16().requires_grad_()
weight = torch.randn(3, 16, 16, 3, 3, 3).bfloat16().requires_grad_()
for way in ("compiling", "compiled", "profiled"):
    print("call", way, flush=True)
    if way == "profiled":
        triton.knobs.runtime.launch_enter_hook = lambda metadata: print("hook", metadata.get()["name"], flush=True)
    types = torch.bfloat16, torch.bfloat16
    outputs = run(cell, projection, weight, *state, None, *types, "ieee", True, False, False)[:2]
    torch.autograd.grad(outputs, [projection, weight, *state], [torch.ones_like(output) for output in outputs])
print("weight", weight.data_ptr())
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment variables with which the stand-in for the driver is found."""
    if COMPILER is None:
        pytest.skip("the stand-in for the driver needs a C compiler, and there is none")
    folder = tmp_path_factory.mktemp("driver")
    make = [
        COMPILER,
        "-shared",
        "-fPIC",
        "-Wl,-soname,libcuda.so.1",
        f"-I{INCLUDE}",
        "-o",
        str(folder / "libcuda.so.1"),
    ]
    subprocess.run([*make, str(ROOT / "tests" / "helpers" / "libcuda.c")], check=True)
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment |= {"TRITON_LIBCUDA_PATH": str(folder), "LD_LIBRARY_PATH": str(folder)}
    return environment | {"TRITON_CACHE_DIR": str(folder / "cache")}


@pytest.mark.parametrize(("cell", "kernels"), [("gru", 2), ("lstm", 1)])
def test_launches_reach_the_driver(cell: str, kernels: int, driver: dict[str, str]) -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM, cell], cwd=ROOT, env=driver, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    calls: dict[str, list[list[str]]] = {}
    for word, *rest in map(str.split, run.stdout.splitlines()):
        if word == "call":
            calls[rest[0]] = []
        elif word == "weight":
            address = rest[0]
        else:
            calls[list(calls)[-1]].append([word, *rest])
    assert list(calls) == ["compiling", "compiled", "profiled"]
    for way, lines in calls.items():
        hooks, launched = ([line for line in lines if (line[0] == "hook") == hook] for hook in (True, False))
        assert len(hooks) == (len(launched) if way == "profiled" else 0)
        # Packing, then two for each of a step's kernels; backward one from zeros, two for each kernel, and two for dW.
        assert len(launched) == 1 + 2 * 2 * kernels + 1 + 2 * 2 * kernels + 2
        assert [line[3] for line in launched if line[0] == "pack_kernel"] == [address]


def test_a_kernels_key_on_disk_does_not_depend_on_what_was_used_before(tmp_path: Path) -> None:
    """Triton 3.6 would give it another key if the functions that it calls are not known yet."""
    (tmp_path / "kernels.py").write_text(
        "import triton.language as tl\n"
        "from triton.runtime.jit import JITFunction\n"
        "LENGTH = tl.constexpr(3)\n"
        "@JITFunction\n"
        "def called(x):\n    return x + LENGTH\n"
        "@JITFunction\n"
        "def kernel(x):\n    tl.store(x, called(1))\n"
    )
    keys = set()
    for order in (("called", "kernel"), ("kernel", "called")):
        kernels = runpy.run_path(str(tmp_path / "kernels.py"))
        for name in order:
            source = to_compile(kernels[name], ("i32",), {})
            assert kernels["called"].hash, "must be known before the kernel's own, which Triton 3.9 does by itself"
            if name == "kernel":
                keys.add(source.hash())
    assert len(keys) == 1
