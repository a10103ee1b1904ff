"""Mesh files hold what their standards require: the tests read the fields by hand and the meshes with trimesh."""

import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import trimesh

from r2n2.data.camera import voxel_centres
from r2n2.shapes.formats import CORE, linear, write_mesh
from r2n2.shapes.mesh import COLOR, STYLES, surface_mesh

TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}


def glb_parts(path: Path) -> tuple[dict, bytes]:
    """The JSON and the buffer of a GLB file, by the layout of the glTF 2.0 specification, section 4."""
    content = path.read_bytes()
    magic, version, length = np.frombuffer(content, "<u4", 3)
    assert (magic, version, length) == (0x46546C67, 2, len(content))
    size, kind = np.frombuffer(content, "<u4", 2, 12)
    assert (kind, size % 4) == (0x4E4F534A, 0)
    tree = json.loads(content[20 : 20 + size])
    binary, kind = np.frombuffer(content, "<u4", 2, 20 + size)
    assert (kind, binary % 4, 28 + size + binary) == (0x004E4942, 0, length)
    return tree, content[28 + size :]


def glb_array(tree: dict, buffer: bytes, accessor: dict) -> np.ndarray:
    view = tree["bufferViews"][accessor["bufferView"]]
    width = {"SCALAR": 1, "VEC3": 3}[accessor["type"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    assert start % 4 == 0
    count = accessor["count"] * width
    array = np.frombuffer(buffer, TYPES[accessor["componentType"]], count, start).reshape(-1, width)
    assert array.nbytes <= view["byteLength"]
    np.testing.assert_array_equal([array.min(axis=0), array.max(axis=0)], [accessor["min"], accessor["max"]])
    return array


@pytest.fixture(scope="module")
def occupancy() -> np.ndarray:
    """A pin: a ball of radius 0.2 on top of a foot, 0.7 high."""
    centres = voxel_centres(32)
    ball = 0.4 + (0.2 - np.linalg.norm(centres - [0, 0.1, 0], axis=-1)) * 4
    foot = (np.abs(centres) < [0.25, 0.4, 0.125]).all(axis=-1) & (centres[..., 1] < -0.3)
    return np.maximum(ball, foot).clip(0, 1).astype(np.float32)


@pytest.mark.parametrize("style", STYLES)
def test_a_glb_has_the_fields_that_the_standard_requires(tmp_path: Path, occupancy: np.ndarray, style: str) -> None:
    mesh = surface_mesh(occupancy, 0.4, style)
    write_mesh(mesh, tmp_path / "a.glb", smooth=style == "smooth")
    tree, buffer = glb_parts(tmp_path / "a.glb")
    assert tree["asset"]["version"] == "2.0"
    assert [node["mesh"] for node in tree["nodes"] if "mesh" in node] == [0]
    (primitive,) = tree["meshes"][0]["primitives"]
    assert primitive.get("mode", 4) == 4
    smooth = style == "smooth"  # without normals, a viewer must show the faces flat
    assert set(primitive["attributes"]) == ({"POSITION", "NORMAL"} if smooth else {"POSITION"})
    arrays = {name: glb_array(tree, buffer, tree["accessors"][i]) for name, i in primitive["attributes"].items()}
    indices = tree["accessors"][primitive["indices"]]
    faces = glb_array(tree, buffer, indices).reshape(-1, 3)
    assert indices["type"] == "SCALAR"
    assert faces.max() + 1 == len(arrays["POSITION"]) == len(mesh.vertices)
    targets = [view["target"] for view in tree["bufferViews"]]
    assert targets.pop(indices["bufferView"]) == 34963
    assert set(targets) == {34962}
    corners = arrays["POSITION"][faces]  # counterclockwise: their cross product points the way the normals point
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert np.einsum("fi,fi->", across, corners[:, 0]) / 6 > 0
    if smooth:
        np.testing.assert_allclose(np.linalg.norm(arrays["NORMAL"], axis=1), 1, atol=1e-5)
        normals = arrays["NORMAL"][faces]
        agreement = (across[:, None] * normals).sum(axis=2) / np.linalg.norm(across, axis=1, keepdims=True)
        assert (agreement > 0.2).all()


def test_a_glb_material_is_matte_and_has_a_linear_colour(tmp_path: Path, occupancy: np.ndarray) -> None:
    write_mesh(surface_mesh(occupancy, 0.4), tmp_path / "a.glb")
    (material,) = glb_parts(tmp_path / "a.glb")[0]["materials"]
    surface = material["pbrMetallicRoughness"]
    assert surface["metallicFactor"] == 0
    assert surface["roughnessFactor"] >= 0.8
    *color, alpha = surface["baseColorFactor"]
    assert alpha == 1
    np.testing.assert_allclose(color, linear(COLOR), atol=1 / 255)
    shown = np.where(np.array(color) < 0.0031308, np.multiply(color, 12.92), 1.055 * np.power(color, 1 / 2.4) - 0.055)
    np.testing.assert_allclose(shown * 255, COLOR, atol=2)


def test_linear_light_follows_the_srgb_curve() -> None:
    np.testing.assert_allclose(linear((0, 10, 128, 255)), [0, 0.003035, 0.215861, 1], atol=1e-6)


def test_a_ply_has_a_colour_and_a_normal_per_vertex(tmp_path: Path, occupancy: np.ndarray) -> None:
    write_mesh(surface_mesh(occupancy, 0.4), tmp_path / "a.ply")
    header = (tmp_path / "a.ply").read_bytes().split(b"end_header")[0].decode()
    vertex, face = header.split("element face")
    for name in ("red", "green", "blue", "nx", "ny", "nz"):
        assert f" {name}\n" in vertex
        assert f" {name}\n" not in face
    loaded = trimesh.load_mesh(tmp_path / "a.ply")
    assert loaded.visual.kind == "vertex"
    assert (loaded.visual.vertex_colors == [*COLOR, 255]).all()


def test_an_obj_has_normals_only_if_the_surface_is_smooth(tmp_path: Path, occupancy: np.ndarray) -> None:
    for style in STYLES:
        write_mesh(surface_mesh(occupancy, 0.4, style), tmp_path / "a.obj", smooth=style == "smooth")
        assert ("\nvn " in (tmp_path / "a.obj").read_text()) == (style == "smooth")


@pytest.mark.parametrize(("suffix", "up", "unit"), [(".stl", 2, 1), (".obj", 2, 1), (".ply", 2, 1), (".glb", 1, 1e-3)])
def test_size_is_in_mm_and_z_is_up_unless_the_format_fixes_unit_and_axis(
    tmp_path: Path, occupancy: np.ndarray, suffix: str, up: int, unit: float
) -> None:
    mesh = surface_mesh(occupancy, 0.4)
    write_mesh(mesh, tmp_path / f"a{suffix}", size=70, up="z")
    loaded = trimesh.load_mesh(tmp_path / f"a{suffix}")
    assert loaded.is_watertight
    assert np.isclose(loaded.extents[up], 70 * unit)
    assert loaded.extents.argmax() == up
    assert np.isclose(loaded.bounds[0, up], 0, atol=1e-4 * unit)
    assert loaded.center_mass[up] > loaded.extents[up] / 2  # the ball is on top
    assert np.isclose(loaded.volume, mesh.volume * (70 * unit / mesh.extents.max()) ** 3, rtol=1e-4)


def test_a_3mf_print_is_100_mm_by_default_and_stands_upright(tmp_path: Path, occupancy: np.ndarray) -> None:
    mesh = surface_mesh(occupancy, 0.4)
    for name, size in (("a", None), ("b", 35)):
        write_mesh(mesh, tmp_path / f"{name}.3mf", size)
    with zipfile.ZipFile(tmp_path / "a.3mf") as file:
        assert file.namelist() == ["[Content_Types].xml", "_rels/.rels", "3D/3dmodel.model"]
        for name in file.namelist():
            ElementTree.fromstring(file.read(name))
    first, small = read_3mf(tmp_path / "a.3mf"), read_3mf(tmp_path / "b.3mf")
    assert np.isclose(first.extents.max(), 100)
    np.testing.assert_allclose(first.extents[[0, 2, 1]] / 100, mesh.extents / mesh.extents.max(), atol=1e-6)
    np.testing.assert_allclose(first.bounds[0], 0, atol=1e-6)
    np.testing.assert_allclose(small.extents, first.extents * 0.35, atol=1e-5)
    assert first.center_mass[2] > 50
    assert first.is_watertight
    assert first.volume > 0
    content = (tmp_path / "a.3mf").read_bytes()
    write_mesh(mesh, tmp_path / "a.3mf")
    assert (tmp_path / "a.3mf").read_bytes() == content


def read_3mf(path: Path) -> trimesh.Trimesh:
    """The only mesh of a 3MF file, read by the core specification."""
    with zipfile.ZipFile(path) as file:
        model = ElementTree.fromstring(file.read("3D/3dmodel.model"))
    name = {"": CORE}
    assert model.get("unit") == "millimeter"
    (item,) = model.findall("build/item", name)
    (body,) = model.findall("resources/object", name)
    assert item.get("objectid") == body.get("id")
    assert body.get("pid") == model.find("resources/basematerials", name).get("id")
    vertices = [[float(point.get(axis)) for axis in "xyz"] for point in body.findall("mesh/vertices/vertex", name)]
    faces = [
        [int(one.get(corner)) for corner in ("v1", "v2", "v3")] for one in body.findall("mesh/triangles/triangle", name)
    ]
    return trimesh.Trimesh(vertices, faces)
