"""Furniture libraries: the catalogue, its categories, and what is left out."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

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


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "test.sh3f"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", CATALOGUE)
        archive.writestr("test/stool.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    return path


def test_entries_come_with_their_origin(library: Path, tmp_path: Path) -> None:
    stool, note = read_library(library, tmp_path / "unpacked")
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


def test_excluded_entries_are_left_out(library: Path, tmp_path: Path) -> None:
    assert [source.name for source in read_library(library, tmp_path / "x", {"Test#stool"})] == [
        model_name("Test#note")
    ]


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
def test_names_tell_shapenet_categories(name: str, category: str) -> None:
    assert category_of(name, "Miscellaneous") == category


def test_entries_come_in_catalogue_order() -> None:
    general, entries = parse_catalogue(CATALOGUE)
    assert general["name"] == "Test library"
    assert [entry["id"] for entry in entries] == ["Test#stool", "Test#door", "Test#note"]


def test_model_names_are_distinct_and_safe() -> None:
    names = {model_name(identifier) for identifier in ("Blend Swap CC-0#chair", "Blend Swap CC-BY#chair", "a/../b#c")}
    assert len(names) == 3
    assert all("/" not in name and "." not in name and " " not in name for name in names)


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "bad.sh3f").write_bytes(b"no zip")
    with zipfile.ZipFile(tmp_path / "empty.sh3f", "w"):
        pass
    for name in ("bad", "empty", "missing"):
        with pytest.raises(UserError, match=f"{name}.sh3f"):
            read_library(tmp_path / f"{name}.sh3f", tmp_path)
