"""What Triton 3.6, the oldest supported version, cannot do, which no newer version would show."""

import ast
from collections.abc import Iterator
from pathlib import Path

import convrnn3d
import pytest
from convrnn3d.launcher import Slot
from convrnn3d.places import Phase, Shape, Tile
from convrnn3d.wgrad import GradientTile

FIELDS = {field for named in (Shape, Phase, Tile, GradientTile, Slot) for field in named._fields}
FILES = sorted(Path(convrnn3d.__file__).parent.glob("*.py"))


def constants_functions(file: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and "constexpr_function" in "".join(map(ast.unparse, node.decorator_list)):
            yield node


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_constexpr_functions_read_no_named_fields_of_their_arguments(file: Path) -> None:
    """Triton 3.6's interpreter passes them a named tuple as a plain one."""
    for function in constants_functions(file):
        assert not FIELDS & {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}


def test_constexpr_functions_are_found() -> None:
    assert sum(len(list(constants_functions(file))) for file in FILES) > 5
