"""Imports point down: a room of r2n2 imports only the rooms below it, and convrnn3d never imports r2n2."""

from pathlib import Path

import convrnn3d
import pytest
from imports import imported

import r2n2

# From the top down: what a room may import besides itself. Every room may import the modules directly in r2n2/ ("").
BELOW = {
    "commands": {"app", "export", "training", "evaluation", "shapes", "data", "network", "pictures", ""},
    "app": {"shapes", "data", "pictures", ""},
    "export": {"data", "network", "pictures", ""},
    "training": {"evaluation", "shapes", "data", "network", "pictures", ""},
    "evaluation": {"shapes", "data", "network", "pictures", ""},
    "shapes": {"data", "network", "pictures", ""},
    "data": {"pictures", ""},
    "network": {"convrnn3d", ""},
    "pictures": {""},
    "": set(),
}
DOORS = ("__init__", "__main__")  # of the whole package: they may import every room
R2N2 = Path(r2n2.__file__).parent
CONVRNN3D = Path(convrnn3d.__file__).parent


def room(module: str) -> str | None:
    """The room of a module of the two packages; None for any other module."""
    package, *parts = module.split(".")
    if package == "r2n2":
        return parts[0] if parts and (R2N2 / parts[0]).is_dir() else ""
    return "convrnn3d" if package == "convrnn3d" else None


def wrong(name: str, source: str) -> set[str]:
    """The modules that `source`, from the room `name`, imports but may not."""
    return {module for module in imported(source) if room(module) not in {None, name} | BELOW[name]}


@pytest.mark.parametrize("name", BELOW)
def test_a_room_imports_only_rooms_below_it(name: str) -> None:
    files = [file for file in (R2N2 / name).glob("**/*.py" if name else "*.py") if name or file.stem not in DOORS]
    assert files
    found = {file.name: wrong(name, file.read_text(encoding="utf-8")) for file in files}
    assert {file: modules for file, modules in found.items() if modules} == {}


def test_every_folder_with_code_is_a_room_and_a_package() -> None:
    folders = {file.parent for file in R2N2.glob("**/*.py")}
    assert {"".join(folder.relative_to(R2N2).parts[:1]) for folder in folders} == set(BELOW)
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_convrnn3d_never_imports_r2n2() -> None:
    files = list(CONVRNN3D.glob("**/*.py"))
    assert files
    for file in files:
        packages = {module.split(".")[0] for module in imported(file.read_text(encoding="utf-8"))}
        assert "r2n2" not in packages, file


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("network", "from r2n2.training.run import Run"),
        ("network", "def late():\n    import r2n2.commands.cli"),
        ("pictures", "from r2n2 import network"),
        ("", "import convrnn3d"),
    ],
)
def test_an_import_of_a_room_above_is_detected(name: str, source: str) -> None:
    assert wrong(name, source)
