"""A packed data set equals the folder it was made from, bit for bit."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from r2n2.commands.cli import app
from r2n2.data.augmentation import AUGMENTATIONS
from r2n2.data.dataset import Draw, TrainingBatches, TrainingSet, read_batches
from r2n2.data.fingerprint import fingerprint
from r2n2.data.meshes import find_meshes
from r2n2.data.packed import is_pack, read_pack, write_pack, write_split
from r2n2.data.prepare import PrepareConfig, prepare
from r2n2.data.shapenet import find_models, select, view_paths
from r2n2.data.splits import SPLITS
from r2n2.errors import UserError


@pytest.fixture(scope="module")
def pack(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack") / "pack"
    result = CliRunner().invoke(app, ["data", "pack", str(data_folder), "-o", str(folder)], catch_exceptions=False)
    assert result.output == f"{folder}: 28 models in train, 2 models in val, 4 models in test\n"
    return folder


def test_a_pack_has_the_models_of_its_folder_in_the_same_order(data_folder: Path, pack: Path) -> None:
    assert is_pack(pack)
    assert not is_pack(data_folder)
    for split in SPLITS:
        models, packed = select(find_models(data_folder)[0], split), read_pack(pack, split)
        assert fingerprint(packed) == fingerprint(models)
        for model, other in zip(models, packed, strict=True):
            assert (model.word, model.name, model.split) == (other.word, other.name, other.split)
            np.testing.assert_array_equal(model.read_voxels(), other.read_voxels())
            assert model.count_views() == other.count_views() == 6
            pictures = zip(model.read_views(range(6)), other.read_views(range(6)), strict=True)
            assert all(first.tobytes() == second.tobytes() for first, second in pictures)


def test_evaluating_a_pack_prints_the_same_table_as_its_folder(data_folder: Path, pack: Path) -> None:
    tables = [
        CliRunner().invoke(app, ["evaluate", "--data", str(data), "--mean-shape", str(data), "--split", "test"])
        for data in (data_folder, pack)
    ]
    assert tables[0].exit_code == 0
    assert tables[0].stdout == tables[1].stdout
    with pytest.raises(UserError, match="no split 'half'"):
        read_pack(pack, "half")


def test_samples_equal_those_of_the_folder_also_in_worker_processes(data_folder: Path, pack: Path) -> None:
    sets = [select(find_models(data_folder)[0], "train"), read_pack(pack, "train")]
    first, second = (TrainingSet(models, AUGMENTATIONS["compact"])[Draw(3, 2, (0, 1))] for models in sets)
    assert all(map(torch.equal, first, second))
    data, batches = TrainingSet(sets[1], AUGMENTATIONS["compact"]), TrainingBatches(28, 4, 2, seed=0)
    alone, read = (next(read_batches(data, batches, workers)) for workers in (0, 1))
    assert all(map(torch.equal, alone, read))


def test_colours_of_transparent_pixels_are_kept(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder, tmp_path / "copy")
    model = select(find_models(tmp_path / "copy")[0], "test")[0]
    pixels = np.array(model.read_views([0])[0])
    pixels[0, 0] = (9, 8, 7, 0)
    Image.fromarray(pixels).save(view_paths(model)[0])
    write_split([model], tmp_path / "pack", "test")
    np.testing.assert_array_equal(read_pack(tmp_path / "pack", "test")[0].read_views([0])[0], pixels)


def test_a_pickled_model_is_small_and_maps_the_pack_again(pack: Path) -> None:
    model = read_pack(pack, "val")[0]
    picture = model.read_views([3])[0].tobytes()
    stored = pickle.dumps(model)
    assert len(stored) < 50_000
    assert pickle.loads(stored).read_views([3])[0].tobytes() == picture


def test_a_broken_model_is_named_and_the_others_are_packed(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder, tmp_path / "data")
    models = select(find_models(tmp_path / "data")[0], "val")
    (models[0].rendering / "03.png").write_bytes(b"")
    counts, problems = write_pack(tmp_path / "data", tmp_path / "pack")
    assert (counts["val"], len(problems)) == (1, 1)
    assert "03.png" in problems[0]


def test_a_failed_pack_leaves_the_previous_one_unchanged(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder, tmp_path / "data")
    write_pack(tmp_path / "data", tmp_path / "pack")
    before = {path.name: path.read_bytes() for path in (tmp_path / "pack").iterdir()}
    models = find_models(tmp_path / "data")[0]
    for model in select(models, "test"):  # the last split
        view_paths(model)[0].write_bytes(b"")
    for model in select(models, "train"):
        view_paths(model)[0].write_bytes(view_paths(model)[1].read_bytes())  # what would be packed has changed
    with pytest.raises(UserError, match="in the test split can be read"):
        write_pack(tmp_path / "data", tmp_path / "pack")
    assert {path.name: path.read_bytes() for path in (tmp_path / "pack").iterdir()} == before


def test_a_damaged_pack_is_named(pack: Path, tmp_path: Path) -> None:
    assert read_pack(tmp_path, "train") == []
    for damaged, content in (("train.index", b"x"), ("train.pixels", b"x")):
        shutil.copytree(pack, tmp_path / damaged)
        (tmp_path / damaged / damaged).write_bytes(content)
        with pytest.raises(UserError, match=r"train\.index is damaged"):
            read_pack(tmp_path / damaged, "train")


def test_a_pack_written_over_another_keeps_nothing_of_the_old_one(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = select(find_models(data_folder)[0], "test")
    write_split(tests, tmp_path, "val")
    monkeypatch.setattr("r2n2.data.packed.find_models", lambda _: (tests, []))
    assert write_pack(data_folder, tmp_path)[0] == {"test": len(tests)}
    assert read_pack(tmp_path, "val") == []


def test_a_data_folder_and_a_pack_cannot_be_the_same_folder(data_folder: Path, pack: Path, tmp_path: Path) -> None:
    """It would be unclear which of the two is meant: new models of the folder would be missing without a warning."""
    before = sorted(data_folder.rglob("*"))
    with pytest.raises(UserError, match="is a data folder, which a pack would hide"):
        write_pack(data_folder, data_folder)
    assert sorted(data_folder.rglob("*")) == before
    with pytest.raises(UserError, match="is a pack"):
        prepare(find_meshes([data_folder / "meshes"], None), pack, PrepareConfig(views=1))
    shutil.copytree(pack, tmp_path / "both")
    (tmp_path / "both" / "ShapeNetRendering").mkdir()
    with pytest.raises(UserError, match="holds both a pack and ShapeNetRendering"):
        is_pack(tmp_path / "both")
