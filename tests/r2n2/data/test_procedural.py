"""Parametric objects: repeatable, sound, facing +X, and not all alike."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from r2n2.commands.data import data
from r2n2.data.categories import FOLDERS
from r2n2.data.procedural import GENERATORS, generate, write_shapes
from r2n2.data.procedural.primitives import prism, rounded_box, triangulate
from r2n2.data.shards import Shard
from r2n2.data.surface import read_surface
from r2n2.data.voxelize import voxelize
from r2n2.errors import UserError


def voxels(category: str, number: int) -> np.ndarray:
    return voxelize(np.asarray(generate(category, number).triangles))


def extents(category: str, count: int) -> np.ndarray:
    return np.stack([np.ptp(generate(category, number).vertices, axis=0) for number in range(count)])


def test_every_category_of_the_paper_can_be_made() -> None:
    assert set(GENERATORS) == set(FOLDERS)


@pytest.mark.parametrize("category", GENERATORS)
def test_an_object_depends_only_on_seed_category_and_number(category: str) -> None:
    mesh, again = generate(category, 3), generate(category, 3)
    np.testing.assert_array_equal(mesh.vertices, again.vertices)
    np.testing.assert_array_equal(mesh.visual.face_colors, again.visual.face_colors)
    assert not np.array_equal(mesh.bounds, generate(category, 4).bounds)
    assert not np.array_equal(mesh.bounds, generate(category, 3, seed=1).bounds)


@pytest.mark.parametrize("category", GENERATORS)
def test_objects_are_finite_coloured_and_small_enough(category: str) -> None:
    colors = set()
    for number in range(12):
        mesh = generate(category, number)
        assert np.isfinite(mesh.vertices).all()
        assert np.ptp(mesh.vertices, axis=0).min() > 0
        assert (mesh.area_faces > 0).all()
        assert len(mesh.faces) < 20_000
        colors |= set(map(tuple, mesh.visual.face_colors))
    assert len(colors) > 12


@pytest.mark.parametrize("category", ["airplane", "car", "rifle", "watercraft"])
def test_vehicles_and_rifles_are_longer_along_x_than_along_z(category: str) -> None:
    size = extents(category, 40)
    share = {"airplane": 0.5, "watercraft": 0.9}.get(category, 1.0)  # wings and oars may reach further than the hull
    assert (size[:, 0] > size[:, 2]).mean() >= share


@pytest.mark.parametrize("category", ["bench", "cabinet", "display", "sofa", "table"])
def test_furniture_is_wide_along_z(category: str) -> None:
    size = extents(category, 40)
    assert np.median(size[:, 2] / size[:, 0]) > 1.2


@pytest.mark.parametrize("category", ["chair", "sofa", "bench"])
def test_backs_of_seats_are_at_minus_x(category: str) -> None:
    offsets = []
    for number in range(9):
        grid = voxels(category, number)
        levels = np.flatnonzero(grid.any(axis=(0, 2)))
        upper = grid[:, (levels[0] + 3 * levels[-1]) // 4 :]
        offsets.append(np.nonzero(upper)[0].mean() - np.nonzero(grid)[0].mean())
    assert np.median(offsets) < -1  # voxels; some have no back


def test_the_blunt_end_of_a_rifle_is_at_minus_x() -> None:
    for number in range(6):
        grid = voxels("rifle", number)
        assert grid[-6:].sum() < grid[:16].sum() / 2


@pytest.mark.parametrize(
    ("category", "bound"), {"airplane": 0.75, "chair": 0.65, "lamp": 0.65, "speaker": 0.85}.items()
)
def test_objects_of_a_category_differ(category: str, bound: float) -> None:
    flat = np.stack([voxels(category, number).ravel() for number in range(10)]).astype(float)
    both = flat @ flat.T
    overlap = both / (flat.sum(1)[:, None] + flat.sum(1) - both)
    np.fill_diagonal(overlap, 0)
    assert overlap.max(axis=1).mean() < bound
    assert flat.sum(1).min() > 60  # of 32768 voxels: no thin part is lost


def test_meshes_keep_colours_in_their_files_and_are_not_made_again(tmp_path: Path) -> None:
    assert write_shapes(["car"], tmp_path, 2) == 2
    first = tmp_path / "car" / "car-0000.ply"
    surface, mesh = read_surface(first), generate("car", 0)
    np.testing.assert_allclose(surface.triangles, mesh.triangles, atol=1e-5)
    np.testing.assert_array_equal(surface.colors, mesh.visual.face_colors[:, :3])
    content = first.read_bytes()
    first.write_bytes(b"kept")
    assert write_shapes(["car", "bench", "car"], tmp_path, 3) == 4
    assert first.read_bytes() == b"kept"
    assert write_shapes(["car"], tmp_path / "again", 1) == 1
    shards = [write_shapes(["bench"], tmp_path / "shards", 5, shard=Shard(number, 2)) for number in (1, 2)]
    assert sum(shards) == 5 > max(shards)
    assert (tmp_path / "again" / "car" / "car-0000.ply").read_bytes() == content


def test_the_command_numbers_files_from_the_given_first(tmp_path: Path) -> None:
    result = CliRunner().invoke(data, ["shapes", "bench", "-o", str(tmp_path), "--count", "2", "--first", "7"])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.rglob("*.ply")) == ["bench-0007.ply", "bench-0008.ply"]
    assert f"r2n2 data meshes {tmp_path} --front +x" in result.output  # otherwise their fronts point along -Z


def test_unknown_categories_and_a_count_of_0_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="category 'cloud'"):
        write_shapes(["bench", "cloud"], tmp_path, 1)
    with pytest.raises(UserError, match="count is 0"):
        write_shapes(["bench"], tmp_path, 0)
    assert isinstance(CliRunner().invoke(data, ["shapes", "cloud", "-o", str(tmp_path)]).exception, UserError)
    assert not list(tmp_path.iterdir())


def test_a_polygon_with_a_notch_is_triangulated_without_covering_the_notch() -> None:
    outline = np.array([[0, 0], [4, 0], [4, 3], [2, 1], [0, 3]], float)
    corners = outline[triangulate(outline)]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    assert (area > 0).all()
    assert area.sum() == pytest.approx(8)


@pytest.mark.parametrize("normal", ["x", "y", "z"])
def test_prisms_and_rounded_boxes_are_closed(normal: str) -> None:
    import trimesh

    outline = np.array([[0, 0], [4, 0], [4, 3], [2, 1], [0, 3]], float)
    part = prism(outline, 0.5, (1, 2, 3), normal)
    mesh = trimesh.Trimesh(part.vertices, part.faces)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4.0)
    part = rounded_box((1, 2, 3), (0, 0, 0), 0.2, (1, 2, 3))
    mesh = trimesh.Trimesh(part.vertices, part.faces)
    assert mesh.is_watertight
    assert 5 < abs(mesh.volume) < 6
