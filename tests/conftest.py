"""What tests share: a small data folder made by the pipeline, and the kernels compiled once; see also `helpers/`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():  # before any test imports Triton
    os.environ.setdefault("TRITON_INTERPRET", "1")
ROOT = Path(__file__).parents[1]
Compilation = tuple[subprocess.Popen, Path] | None
sys.path.append(str(ROOT))  # the benchmarks, which are run from the checkout and not installed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The machine-code tests last: what they wait for is compiled meanwhile."""
    items.sort(key=lambda item: item.path.stem == "test_machine_code")


@pytest.fixture(scope="session", autouse=True)
def machine_code(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compilation]:
    """`python -m benchmarks.machine_code`, begun with the session if any test is about it.

    In a process of its own, since here kernels may be interpreted; it takes minutes, and most other tests use one
    core.
    """
    if not any(item.path.stem == "test_machine_code" for item in request.session.items):
        yield None
        return
    rows = tmp_path_factory.mktemp("machine_code") / "rows.json"
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "benchmarks.machine_code", "--jobs", "1", "--json", str(rows)]
    with rows.with_suffix(".txt").open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        yield process, rows
        process.kill()


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    torch.manual_seed(0)
    # On a GPU PyTorch convolves float32 in tf32 unless told otherwise: a test that means tf32 says so.
    before, torch.backends.cudnn.conv.fp32_precision = torch.backends.cudnn.conv.fp32_precision, "ieee"
    yield
    torch.backends.cudnn.conv.fp32_precision = before


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten boxes (as chairs) and ten capsules (as lamps), six views each, with one stretched variant of each."""
    import trimesh  # here, so that tests of the kernels need neither it nor what prepares data

    from r2n2.data.meshes import find_meshes
    from r2n2.data.prepare import PrepareConfig, prepare

    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for number in range(10):
        box = trimesh.creation.box(extents=rng.uniform(0.4, 1, 3))
        capsule = trimesh.creation.capsule(height=rng.uniform(0.5, 1), radius=0.2)
        for word, mesh in (("chair", box), ("lamp", capsule)):
            path = folder / "meshes" / word / f"{word}{number}.obj"
            path.parent.mkdir(parents=True, exist_ok=True)
            mesh.export(path)
    report = prepare(find_meshes([folder / "meshes"], None), folder, PrepareConfig(views=6, variants=1, workers=2))
    assert (report.new, report.failures) == (40, [])
    return folder
