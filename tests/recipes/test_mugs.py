"""The mugs of docs/recipes/mugs.py: closed, hollow, all different, and repeatable."""

import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from r2n2.data.surface import read_surface
from r2n2.data.voxelize import voxelize

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
COUNT = 12


@pytest.fixture(autouse=True)
def recipes_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(RECIPES))
    monkeypatch.delitem(sys.modules, "mugs", raising=False)


def write(folder: Path, *options: str) -> list[Path]:
    from mugs import main

    main([str(folder), *options])
    return sorted((folder / "mug").iterdir())


def read(path: Path) -> list[trimesh.Trimesh]:
    """The body, and the handle if there is one."""
    parts = trimesh.load_scene(path, process=False).to_mesh().split(only_watertight=False)
    return sorted(parts, key=lambda part: -part.volume)


def test_mugs_are_closed_and_coloured(tmp_path: Path) -> None:
    paths = write(tmp_path, str(COUNT))
    assert [path.name for path in paths] == [f"mug-{number:04d}.glb" for number in range(COUNT)]
    for path in paths:
        parts = read(path)
        assert len(parts) <= 2, path
        assert all(part.is_watertight and part.is_winding_consistent and part.volume > 0 for part in parts), path
    assert len({read_surface(path).colors.round().tobytes() for path in paths}) == COUNT


def test_mugs_have_a_floor_a_wall_and_a_cavity(tmp_path: Path) -> None:
    for path in write(tmp_path, str(COUNT)):
        body = read(path)[0]
        centred = (body.triangles - body.bounds.mean(axis=0)) / body.extents.max()
        voxels = voxelize(centred)  # (x, y, z); only the body, so that its axis is the grid's
        low, high = np.flatnonzero(voxels.any(axis=(0, 2)))[[0, -1]]
        axis = np.flatnonzero(voxels[16, :, 16])
        assert low == axis[0] and axis[-1] < (low + high) / 2, path
        for level in range(axis[-1] + 1, high):
            walls = voxels[:16, level, 16], voxels[16:, level, 16], voxels[16, level, :16], voxels[16, level, 16:]
            assert all(wall.any() for wall in walls), (path, level)


def test_handles_end_in_the_wall_not_in_the_cavity(tmp_path: Path) -> None:
    from mugs import SIDES

    for path in write(tmp_path, str(COUNT)):
        body, *handle = read(path)
        rings = body.vertices[:-2].reshape(-1, SIDES, 3)[:, 0]  # at z = 0, towards the handle
        inside = rings[len(rings) // 2 + 1 :][::-1]  # from the floor up
        for part in handle:
            x, y, z = part.vertices.T
            assert (np.hypot(x, z) > np.interp(y, inside[:, 1], inside[:, 0])).all(), path
            assert (x > 0).all(), path


def test_mugs_differ_and_handles_point_to_the_front(tmp_path: Path) -> None:
    mugs = [read(path) for path in write(tmp_path, "30")]
    assert len({body.extents.round(4).tobytes() for body, *_ in mugs}) == 30
    assert 15 <= sum(len(parts) == 2 for parts in mugs) < 30
    for body, *handle in mugs:
        assert body.bounds[:, [0, 2]] == pytest.approx(np.array([[-1], [1]]) * body.bounds[1, [0, 2]])
        assert body.bounds[0, 1] == 0
        for part in handle:
            assert part.bounds[1, 0] > body.bounds[1, 0] + 0.1
            assert body.bounds[0, 1] < part.bounds[0, 1] and part.bounds[1, 1] < body.bounds[1, 1]


def test_a_mug_depends_only_on_its_number_and_seed(tmp_path: Path) -> None:
    few, more = write(tmp_path / "few", "2"), write(tmp_path / "more", "4")
    assert [path.read_bytes() for path in few] == [path.read_bytes() for path in more[:2]]
    others = write(tmp_path / "others", "2", "--seed", "1")
    assert not {path.read_bytes() for path in few} & {path.read_bytes() for path in others}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["mugs", "0"], "count must be at least 1"),
        (["mugs", "3", "--seed", "-1"], "seed at least 0"),
        (["mugs", "many"], "invalid int value: 'many'"),
        (["mugs"], "count"),
        (["taken/mugs", "3"], "the folder taken/mugs/mug cannot be created"),
    ],
)
def test_invalid_arguments_are_named(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from mugs import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    with pytest.raises(SystemExit) as stop:
        main(options)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "mugs").exists()
