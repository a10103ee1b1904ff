"""The contact sheet of a data folder: pictures, voxels and broken models."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from r2n2.commands.cli import app
from r2n2.data.shapenet import find_models
from r2n2.data.sheet import ARROW, CAPTION, COLUMNS, PAPER, SIDE, contact_sheet
from r2n2.errors import SkippedWarning, UserError


def test_each_object_has_its_picture_and_its_voxels_with_an_arrow(data_folder: Path) -> None:
    models = find_models(data_folder)[0]
    picture, count = contact_sheet(models, count=10)
    sheet = np.asarray(picture, int)
    assert count == 10
    assert sheet.shape == (2 * (SIDE + CAPTION), COLUMNS * 2 * SIDE, 3)
    picture, voxels = sheet[:SIDE, :SIDE], sheet[:SIDE, SIDE : 2 * SIDE]
    red = (voxels[..., 0] > 2 * voxels[..., 1]) & (voxels[..., 0] > ARROW[0] / 2)
    assert red.any()
    assert np.nonzero(red)[0].mean() > SIDE / 2  # towards the camera: below the middle
    assert (picture != sheet[0, 0]).any()
    assert (voxels[..., 2] > voxels[..., 0] + 40).any()


def test_the_place_of_a_broken_model_stays_empty(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder, tmp_path / "data")
    models = find_models(tmp_path / "data")[0][:3]
    models[1].binvox.write_bytes(b"")
    with pytest.warns(SkippedWarning, match=r"chair0~1.model\.binvox"):
        picture, count = contact_sheet(models)
    assert count == 2
    sheet = np.asarray(picture)
    drawn = [(sheet[:SIDE, 2 * SIDE * k : 2 * SIDE * (k + 1)] != PAPER).any() for k in range(3)]
    assert drawn == [True, False, True]
    with pytest.warns(SkippedWarning), pytest.raises(UserError, match="None of the 1 models"):
        contact_sheet(models[1:2])


def test_the_command_writes_a_sheet_and_refuses_bad_options(data_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    result = CliRunner().invoke(app, ["data", "sheet", str(data_folder), "-o", str(path), "--category", "lamp"])
    assert "20 of 20 models" in result.output or "10 of 10 models" in result.output
    with Image.open(path) as image:
        assert image.width == COLUMNS * 2 * SIDE
    for arguments in (["--count", "0"], ["--category", "cloud"], ["-o", str(tmp_path / "sheet.xyz")]):
        with pytest.raises(UserError):
            CliRunner().invoke(
                app, ["data", "sheet", str(data_folder), "-o", str(path), *arguments], catch_exceptions=False
            )
