"""The ShapeNet layout: split by model, axis order, and folders with missing parts."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from r2n2.data.binvox import VoxelGrid, write_binvox
from r2n2.data.check import check_model
from r2n2.data.shapenet import find_models, read_voxels, select, view_paths
from r2n2.errors import UserError


@pytest.fixture
def copy(data_folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(data_folder, tmp_path / "copy")
    return tmp_path / "copy"


def test_models_are_found_with_their_category_words(data_folder: Path) -> None:
    models, problems = find_models(data_folder)
    assert problems == []
    assert len(models) == 40
    assert {model.word for model in models} == {"chair", "lamp"}


def test_splits_are_by_model_within_each_category(data_folder: Path) -> None:
    models, _ = find_models(data_folder)
    splits = {split: select(models, split) for split in ("train", "val", "test", "all")}
    names = {
        split: {(model.category, model.name.split("~")[0]) for model in chosen} for split, chosen in splits.items()
    }
    assert len(names["train"] & names["test"]) == len(names["train"] & names["val"]) == 0
    assert names["train"] | names["val"] | names["test"] == names["all"]
    assert [len(splits[split]) for split in ("train", "val", "test", "all")] == [28, 2, 4, 20]
    assert {model.name for model in splits["test"]} == {"chair8", "chair9", "lamp8", "lamp9"}


def empty_models(folder: Path, count: int) -> Path:
    for number in range(count):
        for part in ("ShapeNetRendering", "ShapeNetVox32"):
            (folder / part / "c" / f"{number:03d}").mkdir(parents=True)
    return folder


def test_the_test_split_matches_the_program_of_2016(tmp_path: Path) -> None:
    """The last 20 % of the sorted names, with the boundary rounded down as in the original."""
    models, _ = find_models(empty_models(tmp_path, 13))
    assert [model.name for model in select(models, "test")] == ["010", "011", "012"]
    assert len(select(models, "train")) + len(select(models, "val")) == 10


def test_missing_models_move_no_other_model_to_another_split(tmp_path: Path) -> None:
    before = {model.name: model.split for model in find_models(empty_models(tmp_path, 13))[0]}
    for name in ("001", "004", "005"):
        (tmp_path / "ShapeNetVox32" / "c" / name).rmdir()
    after = {model.name: model.split for model in find_models(tmp_path)[0]}
    assert len(after) == 10
    assert after.items() <= before.items()


def test_hidden_folders_are_ignored(tmp_path: Path) -> None:
    empty_models(tmp_path, 3)
    (tmp_path / "ShapeNetRendering" / ".cache" / "a").mkdir(parents=True)
    (tmp_path / "ShapeNetRendering" / "c" / ".DS_Store").mkdir()
    assert find_models(tmp_path)[1] == []


def test_variants_are_in_the_training_split_only(data_folder: Path) -> None:
    models, _ = find_models(data_folder)
    assert any("~" in model.name for model in select(models, "train"))
    for split in ("val", "test", "all"):
        assert not any("~" in model.name for model in select(models, split))


def test_variants_move_no_object_to_another_split(tmp_path: Path) -> None:
    before = {model.name: model.split for model in find_models(empty_models(tmp_path, 13))[0]}
    for part in ("ShapeNetRendering", "ShapeNetVox32"):
        for number in range(1, 20):
            (tmp_path / part / "c" / f"000~{number}").mkdir()
    after = {model.name: model.split for model in find_models(tmp_path)[0]}
    assert before.items() <= after.items()
    assert all(split == "train" for name, split in after.items() if name not in before)


def test_missing_parts_are_reported_by_path(copy: Path) -> None:
    shutil.rmtree(copy / "ShapeNetVox32" / "03001627" / "chair3")
    shutil.rmtree(copy / "ShapeNetRendering" / "03636649" / "lamp2")
    models, problems = find_models(copy)
    assert len(models) == 38
    assert len(problems) == 2
    assert any("ShapeNetVox32/03001627/chair3" in sentence for sentence in problems)
    assert any("ShapeNetRendering/03636649/lamp2" in sentence for sentence in problems)


def test_every_broken_file_of_a_model_is_listed(copy: Path) -> None:
    model = next(model for model in find_models(copy)[0] if model.name == "chair5")
    assert check_model(model) == []
    (model.rendering / "02.png").write_bytes((model.rendering / "02.png").read_bytes()[:200])
    (model.rendering / "04.png").unlink()
    model.binvox.write_bytes(b"")
    Image.new("RGBA", (64, 300)).save(model.rendering / "03.png")
    metadata = model.rendering / "rendering_metadata.txt"
    metadata.write_text("".join(metadata.read_text().splitlines(keepends=True)[:-1]))
    problems = check_model(model)
    assert len(problems) == 5
    for name in ("02.png", "03.png has 64x300", "04.png", "model.binvox", "6 pictures and 5 cameras"):
        assert any(name in sentence for sentence in problems)
    metadata.write_text("hello")
    assert any("rendering_metadata.txt" in sentence for sentence in check_model(model))
    write_binvox(model.binvox, VoxelGrid(np.zeros((32, 32, 32), bool)))
    assert any("model.binvox has no occupied voxel" in sentence for sentence in check_model(model))


def test_a_folder_without_models_and_an_unknown_split_are_refused(tmp_path: Path, data_folder: Path) -> None:
    with pytest.raises(UserError, match=r"There is no folder .*nowhere; check the name"):
        find_models(tmp_path / "nowhere")
    with pytest.raises(UserError, match="ShapeNetRendering"):
        find_models(tmp_path)
    (tmp_path / "ShapeNetRendering").mkdir()
    (tmp_path / "ShapeNetVox32").mkdir()
    with pytest.raises(UserError, match="holds no model"):
        find_models(tmp_path)
    with pytest.raises(UserError, match="no split"):
        select(find_models(data_folder)[0], "tset")


def test_a_listing_without_pictures_is_refused(copy: Path) -> None:
    model = find_models(copy)[0][0]
    (model.rendering / "renderings.txt").write_text("\n")
    with pytest.raises(UserError, match="lists no picture"):
        view_paths(model)


def test_voxels_of_another_size_are_refused(copy: Path) -> None:
    model = find_models(copy)[0][0]
    model.binvox.write_bytes(b"#binvox 1\ndim 2 2 2\ntranslate 0 0 0\nscale 1\ndata\n" + bytes([0, 8]))
    with pytest.raises(UserError, match="2x2x2"):
        read_voxels(model)
