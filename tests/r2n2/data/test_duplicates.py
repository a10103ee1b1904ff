"""Near-duplicates are in the same split."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from r2n2.commands.cli import app
from r2n2.data.duplicates import group, nearest, read_duplicates, write_duplicates
from r2n2.data.fingerprint import fingerprint
from r2n2.data.shapenet import find_duplicates, find_models, originals
from r2n2.errors import SkippedWarning, StaleWarning, UserError


def test_a_chain_of_near_pairs_is_one_group() -> None:
    voxels = np.zeros((4, 10, 10, 10), bool)
    voxels[0, :5], voxels[1, :6], voxels[2, :7], voxels[3, 9:] = True, True, True, True
    assert group(voxels, 0.8).tolist() == [0, 0, 0, 3]  # 0 and 2 overlap by only 5/7, but 1 is near both
    assert group(voxels, 0.9).tolist() == [0, 1, 2, 3]
    assert group(np.zeros((2, 4, 4, 4), bool)).tolist() == [0, 1]  # two empty grids are not the same object


def test_a_copy_follows_its_original_into_its_split(data_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data_folder, folder)
    models = {model.name: model for model in find_models(folder)[0]}
    assert (models["chair0"].split, models["chair9"].split) == ("train", "test")
    for part in ("ShapeNetRendering", "ShapeNetVox32"):
        shutil.rmtree(folder / part / "03001627" / "chair9")
        shutil.copytree(folder / part / "03001627" / "chair0", folder / part / "03001627" / "chair9")
    found = find_duplicates(originals(find_models(folder)[0]))
    assert found["03001627/chair9"] == "03001627/chair0"
    write_duplicates(folder, found, fingerprint(originals(find_models(folder)[0])))
    assert {model.name: model for model in find_models(folder)[0]}["chair9"].split == "train"


def test_a_list_written_before_objects_were_added_causes_a_warning(data_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data_folder, folder)
    result = CliRunner().invoke(app, ["data", "duplicates", str(folder)])
    assert result.exit_code == 0
    assert "among 20 objects" in result.stdout
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models = find_models(folder)[0]
        (models[0].rendering / "01.png").touch()
        find_models(folder)
    for part in ("ShapeNetRendering", "ShapeNetVox32"):
        shutil.copytree(folder / part / "03001627" / "chair0", folder / part / "03001627" / "another")
    with pytest.warns(StaleWarning, match=r"duplicates\.json was written for 20 objects"):
        find_models(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert CliRunner().invoke(app, ["data", "duplicates", str(folder)], catch_exceptions=False).exit_code == 0
        find_models(folder)


def test_a_broken_model_is_named_and_the_others_are_compared(data_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data_folder, folder)
    models = find_models(folder)[0]
    models[0].binvox.write_bytes(b"")
    with pytest.warns(SkippedWarning, match=r"chair0.model\.binvox"):
        found = find_duplicates(originals(models))
    assert "03001627/chair0" not in [*found, *found.values()]
    with pytest.warns(SkippedWarning, match=r"chair0.model\.binvox"):
        result = CliRunner().invoke(app, ["data", "duplicates", str(data_folder), "--against", str(folder)])
    assert result.exit_code == 0
    assert "chair1  chair/chair1" in result.output


def test_the_nearest_grid_is_found_with_its_overlap() -> None:
    voxels, others = np.zeros((1, 4, 4, 4), bool), np.zeros((3, 4, 4, 4), bool)
    voxels[0, :2], others[0, 2:], others[1, :3], others[2, :1] = True, True, True, True
    number, iou = nearest(voxels, others)
    assert number.tolist() == [1]
    assert iou.tolist() == pytest.approx([2 / 3])


def test_comparing_with_another_folder_prints_overlaps_and_writes_no_list(data_folder: Path) -> None:
    result = CliRunner().invoke(app, ["data", "duplicates", str(data_folder), "--against", str(data_folder)])
    assert result.exit_code == 0
    assert "1.000  chair/chair0  chair/chair0" in result.output
    assert not (data_folder / "duplicates.json").exists()


def test_a_damaged_list_is_named(tmp_path: Path) -> None:
    assert read_duplicates(tmp_path) == ({}, None)
    for text in (
        "{",
        "[]",
        '{"a/b": 1}',
        '{"compared": {}, "first": {}}',
        '{"compared": {"x": 1}, "first": {}}',
        '{"compared": 1}',
    ):
        (tmp_path / "duplicates.json").write_text(text)
        with pytest.raises(UserError, match=r"duplicates\.json is damaged"):
            read_duplicates(tmp_path)
