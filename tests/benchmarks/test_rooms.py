"""Imports in benchmarks/ point down, too: a room imports only rooms below it, and none imports a command."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from imports import imported

# From the top down: the other rooms that a room may import. Loose files in benchmarks/ ("") are commands.
BELOW = {
    "": {"tune", "machine_code", "recurrence", "work", "measuring"},
    "gpu_run": {"comparisons", "measuring"},
    "report": {"recurrence", "measuring"},
    "comparisons": {"networks", "recurrence", "measuring"},
    "tune": {"machine_code", "work", "measuring"},
    "emulator": {"machine_code", "measuring"},
    "networks": {"work", "measuring"},
    "recurrence": {"work", "measuring"},
    "machine_code": {"measuring"},
    "work": {"measuring"},
    "measuring": set(),
}
# As README, docs, notes and CI call them.
COMMANDS = {
    "emulator", "gpu_run", "host", "loading", "machine_code", "networks", "peaks", "pictures", "recurrence",
    "rendering", "report", "results", "step_times", "tune", "work",
}  # fmt: skip
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
BY_PYTEST = {file.name for pattern in ("conftest.py", "test_*.py") for file in BENCHMARKS.glob(pattern)}


def room(module: str) -> str | None:
    """The room of a module of benchmarks/, also for `from benchmarks import x`; None for other modules."""
    package, *parts = module.split(".")
    if package != "benchmarks":
        return None
    return parts[0] if parts[0] in BELOW else ""


def wrong(name: str, source: str) -> set[str]:
    """The modules that a source of the room `name` imports and should not."""
    return {module for module in imported(source) if room(module) not in {None, name} | BELOW[name]}


@pytest.mark.parametrize("name", BELOW)
def test_a_room_imports_only_rooms_below_it(name: str) -> None:
    files = [file for file in (BENCHMARKS / name).glob("*.py") if name or file.name not in BY_PYTEST]
    assert files
    found = {file.name: wrong(name, file.read_text(encoding="utf-8")) for file in files}
    assert {file: modules for file, modules in found.items() if modules} == {}


def test_every_folder_with_code_is_a_room_with_a_docstring() -> None:
    folders = {file.parent.name for file in BENCHMARKS.glob("*/*.py")}
    assert folders == set(BELOW) - {""}
    for folder in folders:
        assert (BENCHMARKS / folder / "__init__.py").read_text(encoding="utf-8").startswith('"""')


def test_every_command_is_where_its_name_says() -> None:
    loose = {file.stem for file in BENCHMARKS.glob("*.py") if file.name not in BY_PYTEST}
    rooms = {file.parent.name for file in BENCHMARKS.glob("*/__main__.py")}
    assert loose | rooms == COMMANDS
    for name in COMMANDS:
        assert find_spec(f"benchmarks.{name}.__main__" if name in rooms else f"benchmarks.{name}")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("work", "from benchmarks.recurrence.measure import able"),
        ("measuring", "def late():\n    from benchmarks import peaks"),
        ("recurrence", "import benchmarks.report.stored"),
        ("gpu_run", "from benchmarks.step_times import main"),
    ],
)
def test_an_import_that_points_up_is_detected(name: str, source: str) -> None:
    assert wrong(name, source)
