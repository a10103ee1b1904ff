"""The public names: listed at once, imported when used."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import convrnn3d
import pytest

import r2n2

NAMES = ("NETWORKS", "R2N2", "NetworkConfig", "Reconstruction", "Reconstructor", "UserError", "load")


def test_dir_lists_the_public_names_without_importing_torch() -> None:
    program = "import sys, r2n2; print(*dir(r2n2)); assert 'torch' not in sys.modules"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {*NAMES, "__version__"} <= set(shown)
    assert len(shown) == len(set(shown))


def test_python_completes_load_and_reconstruction() -> None:
    program = (
        "import rlcompleter, r2n2; c = rlcompleter.Completer(); [print(c.complete('r2n2.', n)) for n in range(60)]"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert {"r2n2.load(", "r2n2.Reconstruction("} <= set(shown.split())


@pytest.mark.parametrize("name", NAMES)
def test_public_names_can_be_imported(name: str) -> None:
    assert name in r2n2.__all__
    assert getattr(r2n2, name) is not None
    exec(f"from r2n2 import {name}", {})


def test_the_error_for_an_unknown_name_names_it() -> None:
    with pytest.raises(AttributeError, match="'r2n2' has no attribute 'lod'"):
        r2n2.lod  # noqa: B018


def test_version_is_that_of_the_installed_package() -> None:
    assert r2n2.__version__ == version("r2n2")


@pytest.mark.parametrize("package", [r2n2, convrnn3d])
def test_packages_contain_a_py_typed_marker(package: object) -> None:
    assert Path(package.__file__).with_name("py.typed").is_file()
