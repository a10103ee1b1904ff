"""Meshes as users have them: formats, colours, textures, and files that are not meshes."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from r2n2.data.surface import read_surface
from r2n2.errors import UserError


@pytest.mark.parametrize("suffix", ["obj", "glb", "ply", "stl"])
def test_obj_glb_ply_and_stl_files_are_read_and_normalized(tmp_path: Path, suffix: str) -> None:
    mesh = trimesh.creation.box((1, 2, 3))
    mesh.export(tmp_path / f"box.{suffix}")
    surface = read_surface(tmp_path / f"box.{suffix}")
    assert surface.triangles.shape == (12, 3, 3)
    assert np.isclose(surface.longest_edge, 3)
    low, high = surface.normalized().triangles.min(axis=(0, 1)), surface.normalized().triangles.max(axis=(0, 1))
    np.testing.assert_allclose(low, -high)
    assert np.isclose(np.linalg.norm(high - low), 1)


def write_obj(folder: Path, material: str, texture: bool = False, place: str = "") -> Path:
    """Write a triangle with a material. place: the texture's folder, relative to the mesh's."""
    if texture:
        (folder / place).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2), (10, 200, 30)).save(folder / place / "paint.png")
    (folder / "a.mtl").write_text(f"newmtl m\n{material}\n" + (f"map_Kd {place}paint.png\n" if texture else ""))
    (folder / "a.obj").write_text(
        "mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl m\nf 1/1 2/2 3/3\n"
    )
    return folder / "a.obj"


def test_material_colours_are_kept(tmp_path: Path) -> None:
    surface = read_surface(write_obj(tmp_path, "Kd 1.0 0.5 0.0"))
    np.testing.assert_allclose(surface.colors[0], [255, 127, 0], atol=1)


def test_textures_are_kept(tmp_path: Path) -> None:
    surface = read_surface(write_obj(tmp_path, "Kd 1 1 1", texture=True))
    assert surface.texture[0] == 0
    assert surface.textures[0][0, 0].tolist() == [10, 200, 30]
    np.testing.assert_allclose(surface.uv[0], [[0, 0], [1, 0], [0, 1]])


@pytest.mark.parametrize(("place", "found"), [("../images/", True), ("maps/", True), ("../../elsewhere/", False)])
def test_textures_are_read_from_neighbouring_folders_but_no_further(tmp_path: Path, place: str, found: bool) -> None:
    """ShapeNetCore keeps its textures in a neighbouring folder."""
    folder = tmp_path / "1a6f" / "models"
    folder.mkdir(parents=True)
    surface = read_surface(write_obj(folder, "Kd 0 0 1", texture=True, place=place))
    assert [texture[0, 0].tolist() for texture in surface.textures] == [[10, 200, 30]] * found


def test_escaped_buffer_names_in_a_gltf_file_are_decoded(tmp_path: Path) -> None:
    files = trimesh.exchange.gltf.export_gltf(trimesh.Scene(trimesh.creation.box()))
    for name, content in files.items():
        path = tmp_path / name.replace("gltf_buffer", "the buffer")
        path.write_bytes(content.replace(b"gltf_buffer", b"the%20buffer"))
    assert len(read_surface(tmp_path / "model.gltf").triangles) == 12


def test_a_missing_texture_leaves_the_material_colour(tmp_path: Path) -> None:
    path = write_obj(tmp_path, "Kd 0 0 1", texture=True)
    (tmp_path / "paint.png").unlink()
    np.testing.assert_allclose(read_surface(path).colors[0], [0, 0, 255])


def test_a_mesh_of_only_invisible_materials_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no visible surface"):
        read_surface(write_obj(tmp_path, "Kd 1 1 1\nd 0.0"))


@pytest.mark.parametrize("content", [b"", b"not a mesh", b"v 0 0 0\n"])
@pytest.mark.parametrize("suffix", ["obj", "glb", "ply", "stl", "xyzzy"])
def test_a_file_that_is_not_a_mesh_is_refused_by_name(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"bad.{suffix}"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"bad.{suffix}"):
        read_surface(path)


def test_a_missing_mesh_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.obj"):
        read_surface(tmp_path / "none.obj")


def test_a_mesh_with_a_bad_material_face_or_texture_is_named(tmp_path: Path) -> None:
    """One file in thousands must not end a run, and NumPy or Pillow raises its own exception for each of these."""
    opacity = write_obj(tmp_path, "d none")
    header = "ply\nformat ascii 1.0\nelement vertex 3\n" + "".join(f"property float {axis}\n" for axis in "xyz")
    faces = "element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n"
    (tmp_path / "corner.ply").write_text(header + faces)
    (tmp_path / "cut").mkdir()
    picture = write_obj(tmp_path / "cut", "Kd 1 1 1", texture=True)
    Image.effect_noise((64, 64), 50).convert("RGB").save(tmp_path / "cut" / "paint.png")
    content = (tmp_path / "cut" / "paint.png").read_bytes()
    (tmp_path / "cut" / "paint.png").write_bytes(content[: len(content) // 2])
    for path in (opacity, tmp_path / "corner.ply", picture):
        with pytest.raises(UserError, match=f"{path.name} cannot be read"):
            read_surface(path)


@pytest.mark.filterwarnings("error")
def test_faces_with_corners_at_infinity_are_dropped_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text(
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nv inf 0 0\nv 1e200 0 1e200\nf 1 2 3\nf 1 2 4\nf 1 2 5\n"
    )
    assert len(read_surface(tmp_path / "a.obj").triangles) == 2
