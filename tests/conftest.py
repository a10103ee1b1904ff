"""Shared by all tests: fixtures, a small data folder made by the pipeline, and parallel runs; see also `helpers/`."""

import fcntl
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():  # before any test imports Triton
    os.environ.setdefault("TRITON_INTERPRET", "1")
ROOT = Path(__file__).parents[1]
CORES = os.cpu_count() or 1
sys.path.append(str(ROOT))  # the benchmarks, which are run from the checkout and not installed


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run plain `pytest`, which runs everything, in a process per core, four at most, if pytest-xdist is installed.

    The processes share the cores: on two cores, two processes of two threads each took 300 s for a test of 1 s
    (`OMP_NUM_THREADS=2 pytest -n 2 tests/convrnn3d/test_manual.py`).
    """
    if not config.pluginmanager.hasplugin("xdist") or hasattr(config, "workerinput"):
        return
    options = config.option
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if everything and options.numprocesses is None and not (options.usepdb or options.collectonly) and CORES > 1:
        options.numprocesses, options.dist = min(CORES, 4), "worksteal"
    if options.numprocesses:  # or a word that means one per core
        processes = options.numprocesses if isinstance(options.numprocesses, int) else CORES
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, CORES // processes)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run long tests first, so that short ones keep every process busy until the end."""
    items.sort(key=lambda item: (item.path.stem != "test_machine_code", item.get_closest_marker("long") is None))


@pytest.fixture(scope="session", autouse=True)
def interpreter() -> Iterator[None]:
    if os.environ.get("TRITON_INTERPRET") != "1" or importlib.util.find_spec("triton") is None:
        yield
        return
    from interpreter import hastened

    with hastened():
        yield


@pytest.fixture
def parts_as_on_a_gpu() -> Iterator[None]:
    """Add parts up in as many programs as on a GPU, for tests that count programs or compare with other processes."""
    from interpreter import AS_ON_A_GPU, parts_added_up

    with parts_added_up(AS_ON_A_GPU):
        yield


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    torch.manual_seed(0)
    # On a GPU, PyTorch convolves float32 in tf32 by default; a test that needs tf32 sets it.
    before, torch.backends.cudnn.conv.fp32_precision = torch.backends.cudnn.conv.fp32_precision, "ieee"
    yield
    torch.backends.cudnn.conv.fp32_precision = before


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill the memory that `torch.empty` returns with NaN, so that values that a kernel does not write show."""
    empty = torch.empty

    def full_of_nan(*size: object, **options: object) -> torch.Tensor:
        tensor = empty(*size, **options)
        return tensor.fill_(torch.nan) if tensor.is_floating_point() and tensor.device.type != "meta" else tensor

    monkeypatch.setattr(torch, "empty", full_of_nan)


@pytest.fixture
def packings(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The recurrent weights that the kernels packed, in order."""
    from convrnn3d import packing

    packed: list[torch.Tensor] = []
    pack = packing.pack
    monkeypatch.setattr(packing, "pack", lambda w, *rest: (packed.append(w), pack(w, *rest))[1])
    return packed


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten boxes (as chairs) and ten capsules (as lamps), six views each, with one stretched variant of each.

    The first process that asks makes the folder; all processes read it.
    """
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    with (place / "data.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "data").is_dir():
            make_data(place / "unfinished")
            (place / "unfinished").rename(place / "data")
    return place / "data"


def make_data(folder: Path) -> None:
    import trimesh  # imported here, so that tests of the kernels need neither it nor r2n2.data

    from r2n2.data.meshes import find_meshes
    from r2n2.data.prepare import PrepareConfig, prepare

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
