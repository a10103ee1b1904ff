"""Furniture libraries: the catalogue, its categories, and excluded entries."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from r2n2.commands.cli import app
from r2n2.data.sweethome import category_of, model_name, parse_catalogue, read_library
from r2n2.errors import UserError

CATALOGUE = """# comment
name=Test library
license=CC0 \\
  1.0
id#1=Test#stool
name#1=Bar stool
category#1=Kitchen
model#1=/test/stool.obj
modelRotation#1=1 0 0 0 0 1 0 -1 0
creator#1=A. Carpenter
id#2=Test#door
name#2=Door
category#2=Doors and windows
model#2=/test/door.obj
doorOrWindow#2=true
id#10=Test#note
name#10=Bill 10\\u20ac
category#10=Miscellaneous
model#10=/test/note.obj
"""


def write_library(path: Path, catalogue: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", catalogue)
        for name in ("stool", "note"):
            archive.writestr(f"test/{name}.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    return path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return write_library(tmp_path / "test.sh3f", CATALOGUE)


def test_entries_have_a_mesh_a_category_a_source_record_and_a_rotation(library: Path, tmp_path: Path) -> None:
    (stool, note), problems = read_library(library, tmp_path / "unpacked")
    assert problems == []
    assert stool.mesh.is_file()
    assert stool.category == "chair"
    assert note.category == "miscellaneous"
    assert note.record["title"] == "Bill 10€"
    assert stool.record == {
        "entry": "Test#stool",
        "title": "Bar stool",
        "author": "A. Carpenter",
        "library": "Test library",
        "license": "CC0 1.0",
    }
    np.testing.assert_array_equal(stool.rotation @ [0, 0, 1], [0, 1, 0])  # z up becomes y up
    np.testing.assert_array_equal(stool.rotation @ [0, -1, 0], [1, 0, 0])  # and what faced +z then faces +x


def test_excluded_entries_are_left_out(library: Path, tmp_path: Path) -> None:
    sources, _ = read_library(library, tmp_path / "x", {"Test#stool"})
    assert [source.name for source in sources] == [model_name("Test#note")]


def test_only_the_categories_asked_for_are_prepared(library: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    options = ["--only", "miscellaneous", "--views", "1", "--workers", "1"]
    result = CliRunner().invoke(app, ["data", "sweethome", str(library), "-o", str(folder), *options])
    assert result.exit_code == 0
    assert [path.name for path in (folder / "ShapeNetVox32").iterdir()] == ["miscellaneous"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("modelRotation#1=1 0 0 0 0 1 0 -1 0", "modelRotation#1=1 0 0 0", "Test#stool is damaged"),
        ("modelRotation#1=1 0 0", "modelRotation#1=one 0 0", "Test#stool is damaged"),
        ("modelRotation#1=1 0 0", "modelRotation#1=nan 0 0", "is not a rotation"),
        ("modelRotation#1=1 0 0", "modelRotation#1=0 0 0", "is not a rotation"),
        ("model#1=/test/stool.obj", "model#1=/../outside.obj", r"its model /\.\./outside\.obj is missing"),
        ("/test/stool.obj", "/test/gone.obj", r"its model /test/gone\.obj is missing"),
        ("id#1=Test#stool", "nothing#1=x", "no id"),
    ],
)
def test_a_damaged_entry_is_named_and_the_others_are_read(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = write_library(tmp_path / "test.sh3f", CATALOGUE.replace(old, new))
    (tmp_path / "outside.obj").touch()
    sources, problems = read_library(path, tmp_path / "unpacked")
    assert [source.name for source in sources] == [model_name("Test#note")]
    assert len(problems) == 1
    assert re.search(says, problems[0])
    assert "test.sh3f" in problems[0]


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("Winchester armchair", "chair"),
        ("Desk lamp", "lamp"),
        ("Desk", "table"),
        ("Table tennis", "miscellaneous"),
        ("Tablet", "miscellaneous"),
        ("Futon couch", "sofa"),
        ("Bunk bed", "bed"),
        ("Television cabinet", "cabinet"),
        ("Full bookcase", "bookshelf"),
        ("VW new beetle", "car"),
        ("Wheelchair", "miscellaneous"),
    ],
)
def test_names_determine_the_shapenet_category(name: str, category: str) -> None:
    assert category_of(name, "Miscellaneous") == category


def test_entries_come_in_catalogue_order() -> None:
    general, entries = parse_catalogue(CATALOGUE)
    assert general["name"] == "Test library"
    assert [entry["id"] for entry in entries] == ["Test#stool", "Test#door", "Test#note"]


def test_model_names_are_distinct_and_safe() -> None:
    names = {model_name(identifier) for identifier in ("Blend Swap CC-0#chair", "Blend Swap CC-BY#chair", "a/../b#c")}
    assert len(names) == 3
    assert all("/" not in name and "." not in name and " " not in name for name in names)


def test_damaged_and_missing_libraries_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "bad.sh3f").write_bytes(b"no zip")
    with zipfile.ZipFile(tmp_path / "empty.sh3f", "w"):
        pass
    with zipfile.ZipFile(tmp_path / "torn.sh3f", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("PluginFurnitureCatalog.properties", CATALOGUE)
    content = bytearray((tmp_path / "torn.sh3f").read_bytes())
    content[70:90] = b"\xff" * 20  # in the middle of the deflated data
    (tmp_path / "torn.sh3f").write_bytes(content)
    for name in ("bad", "empty", "missing", "torn"):
        with pytest.raises(UserError, match=f"{name}.sh3f"):
            read_library(tmp_path / f"{name}.sh3f", tmp_path)
