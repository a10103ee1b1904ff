"""binvox files: round trips, the published axis order, and damaged files."""

from pathlib import Path

import numpy as np
import pytest

from r2n2.data.binvox import VoxelGrid, read_binvox, write_binvox
from r2n2.errors import UserError


def file_of(path: Path, header: str, data: bytes) -> Path:
    path.write_bytes(header.encode() + data)
    return path


@pytest.mark.parametrize("shape", [(32, 32, 32), (2, 3, 5)])
@pytest.mark.parametrize("density", [0.0, 0.01, 0.5, 1.0])
def test_written_voxels_are_read_back_unchanged(tmp_path: Path, shape: tuple[int, int, int], density: float) -> None:
    voxels = np.random.default_rng(0).random(shape) < density
    write_binvox(tmp_path / "a.binvox", VoxelGrid(voxels, (-0.25, -0.5, 0.125), 0.75))
    grid = read_binvox(tmp_path / "a.binvox")
    np.testing.assert_array_equal(grid.voxels, voxels)
    assert grid.translate == (-0.25, -0.5, 0.125)
    assert grid.scale == 0.75


def test_runs_go_along_y_then_z_then_x(tmp_path: Path) -> None:
    header = "#binvox 1\ndim 2 2 2\ntranslate 0 0 0\nscale 1\ndata\n"
    path = file_of(tmp_path / "a.binvox", header, bytes([0, 1, 1, 1, 0, 6]))  # the second voxel of the file
    assert np.argwhere(read_binvox(path).voxels).tolist() == [[0, 1, 0]]


HEADER = "#binvox 1\ndim 2 2 2\ntranslate 0 0 0\nscale 1\ndata\n"


@pytest.mark.parametrize(
    ("header", "data", "says"),
    [
        ("", b"", "not a binvox"),
        ("PNG", b"1234", "not a binvox"),
        (HEADER, bytes([0, 7]), "header states 2x2x2 = 8 voxels, its data hold 7"),
        (HEADER, bytes([0, 9]), "its data hold 9"),
        (HEADER, bytes([0, 8, 1]), "middle of a pair"),
        (HEADER, bytes([2, 8]), "neither 0 nor 1"),
        (HEADER.replace("2 2 2", "2 2"), bytes([0, 4]), "cannot be parsed"),
        (HEADER.replace("2 2 2", "a b c"), bytes([0, 8]), "cannot be parsed"),
        (HEADER.replace("2 2 2", "100000 100000 100000"), bytes([0, 8]), "claims 100000x100000x100000"),
        (HEADER.replace("2 2 2", "-2 -2 2"), bytes([0, 8]), "claims"),
        (HEADER.replace("scale 1", "scale nan"), bytes([0, 8]), "cannot be parsed"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, header: str, data: bytes, says: str) -> None:
    path = file_of(tmp_path / "bad.binvox", header, data)
    with pytest.raises(UserError, match=says) as caught:
        read_binvox(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.binvox"):
        read_binvox(tmp_path / "none.binvox")
