"""The readers and the table of docs/recipes/collect_meshes.py."""

import csv
import gzip
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"

AC3D = """AC3Db
MATERIAL "red paint" rgb 1 0 0 amb 0 0 0 emis 0 0 0 spec 0 0 0 shi 1 trans 0.25
OBJECT world
kids 2
OBJECT group
rot 0 1 0 -1 0 0 0 0 1
loc 10 0 0
kids 1
OBJECT poly
name "wing"
texture "paint.png" base
texture "paint.png" tiled
loc 0 0 5
numvert 4
0 0 0 0 0 1
1 0 0 0 0 1
1 1 0 0 0 1
0 1 0 0 0 1
numsurf 2
SURF 0x10
mat 0
refs 4
0 0 0
1 1 0
2 1 1
3 0 1
SURF 0x14
mat 0
refs 4
0 0 0 0 0
1 1 0 1 0
3 0 1 0 1
2 1 1 1 1
kids 0
OBJECT poly
name "helper"
hidden
numvert 3
0 0 0
1 0 0
0 1 0
numsurf 1
SURF 0x10
mat 0
refs 3
0 0 0
1 0 0
2 0 0
kids 0
"""


@pytest.fixture(autouse=True)
def recipes_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(RECIPES))
    for name in ("parts", "ac3d", "md2", "max3ds", "collect_meshes"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def area(triangles: np.ndarray) -> float:
    first, second = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    return float(np.linalg.norm(np.cross(first, second), axis=1).sum() / 2)


def test_a_polygon_with_a_notch_is_cut_without_filling_the_notch() -> None:
    from parts import triangulate

    arrow = np.array([[0, 0, 0], [2, 2, 0], [0, 1, 0], [-2, 2, 0]], float)  # its area is 2, its hull's 4
    for corners in (arrow, arrow[::-1], np.roll(arrow, 1, axis=0), arrow[:, [2, 0, 1]]):
        assert area(corners[triangulate(corners)]) == pytest.approx(2)


def test_ac3d_places_objects_in_their_parents_frames_and_skips_hidden_ones(tmp_path: Path) -> None:
    from ac3d import read_ac3d

    path = tmp_path / "plane.ac"
    path.write_text(AC3D)
    (part,) = read_ac3d(path)
    assert (part.name, part.texture, part.opacity) == ("wing", "paint.png", 0.75)
    assert part.color.tolist() == [255, 0, 0]
    assert area(part.triangles) == pytest.approx(2)  # the unit square as a polygon and once more as a strip
    assert part.triangles.min(axis=(0, 1)).tolist() == [9, 0, 5]  # x turned to y, y to -x, then moved
    assert part.triangles.max(axis=(0, 1)).tolist() == [10, 1, 5]
    assert part.uv.shape == (4, 3, 2)


def test_md2_unpacks_the_first_frame_and_turns_v_upwards(tmp_path: Path) -> None:
    from md2 import read_md2

    skin, coordinates = b".car".ljust(64, b"\0"), struct.pack("<6h", 0, 0, 8, 0, 0, 4)
    triangle = struct.pack("<6H", 0, 1, 2, 0, 1, 2)
    frame = struct.pack("<6f16s", 2, 2, 2, 1, 0, 0, b"stand") + bytes([0, 0, 0, 0, 5, 0, 0, 0, 0, 5, 0, 0])
    at = [68, 68 + 64, 68 + 64 + 12, 68 + 64 + 24]
    header = struct.pack("<4s16i", b"IDP2", 8, 8, 4, len(frame), 1, 3, 3, 1, 0, 1, *at, 0, 0)
    path = tmp_path / "car.md2"
    path.write_bytes(header + skin + coordinates + triangle + frame)
    (part,) = read_md2(path)
    assert part.texture == ".car"
    assert part.triangles.tolist() == [[[1, 0, 0], [11, 0, 0], [1, 10, 0]]]
    assert part.uv.tolist() == [[[0, 1], [1, 1], [0, 0]]]


def test_an_object_is_turned_to_the_projects_frame_without_its_shadow(tmp_path: Path) -> None:
    import collect_meshes

    (tmp_path / "usr/share").mkdir(parents=True)
    (tmp_path / "usr/share/plane.ac").write_text(AC3D.replace('"helper"\nhidden', '"shadow"'))
    row = {"path": "plane.ac", "axes": "-z +y", "textures": "", "drop": ""}
    (tmp_path / "plane.glb").write_bytes(collect_meshes.convert(tmp_path, row))
    low, high = trimesh.load_scene(tmp_path / "plane.glb").bounds
    assert low.tolist() == pytest.approx([-5, 0, 9])  # new x is -z, new z is x
    assert high.tolist() == pytest.approx([-5, 1, 10])
    with pytest.raises(ValueError, match="no visible part"):
        collect_meshes.convert(tmp_path, row | {"drop": "wing"})


def test_a_truncated_file_is_named_and_the_others_are_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    import collect_meshes

    share = tmp_path / "usr/share"
    (share / "doc/plane").mkdir(parents=True)
    with gzip.open(share / "doc/plane/changelog.Debian.gz", "wt") as file:
        file.write("plane (1.0) unstable\n")
    (share / "plane.ac").write_text(AC3D)
    (share / "cut.ac").write_text(AC3D[: AC3D.index("numsurf")].rsplit("\n", 2)[0])  # StopIteration
    (share / "cut.md2").write_bytes(b"IDP2")  # struct.error
    (share / "cut.zip").write_bytes(b"PK")  # BadZipFile
    names = ["cut.ac", "cut.md2", "cut.zip:model.ac", "plane.ac"]
    table = tmp_path / "collect_meshes.csv"
    fields = ["package", "path", "category", "name", "axes", "textures", "drop", "license", "author"]
    rows = [["plane", name, "airplane", str(k), "-z +y", "", "", "MIT", "me"] for k, name in enumerate(names)]
    table.write_text("\n".join(",".join(row) for row in [fields, *rows]) + "\n")
    monkeypatch.setattr(collect_meshes, "__file__", str(table.with_suffix(".py")))
    collect_meshes.main(tmp_path, tmp_path / "out")
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said] == ["failed"] * 3 + [f"1 of 4 objects are in {tmp_path / 'out'}"]
    assert [path.name for path in (tmp_path / "out").rglob("*.glb")] == ["3.glb"]


def test_the_table_has_no_object_reserved_for_evaluation_and_no_name_twice() -> None:
    with (RECIPES / "collect_meshes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    reserved = {"738", "747", "A310", "A6M2", "F-15", "Fokker-S-11", "MiG-21bis", "bf109"}
    assert not [row["path"] for row in rows if reserved & set(Path(row["path"]).parts)]
    assert not [row["path"] for row in rows if "F-15" in row["path"]]
    assert len({(row["category"], row["name"]) for row in rows}) == len(rows)
    assert all(row["license"] for row in rows)
