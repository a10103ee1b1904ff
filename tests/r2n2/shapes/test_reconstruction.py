"""Pictures to shapes in Python, with small random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from small import small_network

from r2n2.data.binvox import read_binvox
from r2n2.data.sample import sample_folder
from r2n2.errors import UserError
from r2n2.network import R2N2
from r2n2.network.checkpoint import load_weights, save_weights
from r2n2.shapes.reconstruction import SUFFIXES, Reconstructor, load


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    save_weights(tmp_path / "small.safetensors", R2N2(small_network("3d-gru-3")))
    return tmp_path / "small.safetensors"


@pytest.fixture
def pictures(data_folder: Path) -> list[Path]:
    return sorted((data_folder / "ShapeNetRendering" / "03001627" / "chair0" / "rendering").glob("*.png"))


def test_pictures_may_be_paths_folders_patterns_and_images(weights: Path, pictures: list[Path]) -> None:
    model = load(weights)
    shapes = [
        model.reconstruct(pictures),
        model.reconstruct(str(pictures[0].parent)),
        model.reconstruct([pictures[0].parent / "*.png"]),
        model.reconstruct([Image.open(path) for path in pictures]),
        model.reconstruct([np.asarray(Image.open(path)) for path in pictures]),
        model.reconstruct(np.stack([np.asarray(Image.open(path)) for path in pictures])),
        model.reconstruct([torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1) / 255 for path in pictures]),
    ]
    for shape in shapes:
        np.testing.assert_array_equal(shape.occupancy, shapes[0].occupancy)
        assert shape.views.shape == (6, 3, 127, 127)
    assert shapes[0].occupancy.shape == (32, 32, 32)
    assert shapes[0].occupancy.dtype == np.float32


def test_a_view_can_be_added_later(weights: Path, pictures: list[Path]) -> None:
    model = load(weights)
    first = model.reconstruct(pictures[:2])
    both = model.reconstruct(pictures[2], state=first.state)
    np.testing.assert_allclose(both.occupancy, model.reconstruct(pictures[:3]).occupancy, atol=1e-5)


def test_every_suffix_is_written_and_read_back(weights: Path, pictures: list[Path], tmp_path: Path) -> None:
    model = load(weights)
    threshold = float(np.median(model.reconstruct(pictures[:2]).occupancy))
    shape = model.reconstruct(pictures[:2], threshold=threshold)
    assert 0 < shape.voxels.mean() < 1
    for suffix in SUFFIXES:
        shape.save(tmp_path / "out" / f"shape{suffix}")
        shape.save(tmp_path / "upper" / f"SHAPE{suffix.upper()}")
    for suffix in (".obj", ".ply", ".glb", ".stl"):
        assert trimesh.load_mesh(tmp_path / "out" / f"shape{suffix}").is_watertight
    np.testing.assert_array_equal(read_binvox(tmp_path / "out" / "shape.binvox").voxels, shape.voxels)
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "shape.npy"), shape.occupancy)
    with Image.open(tmp_path / "out" / "shape.png") as sheet:
        assert sheet.width > 2 * sheet.height
    for folder in ("out", "upper"):  # nothing left beside
        assert {path.suffix.lower() for path in (tmp_path / folder).iterdir()} == set(SUFFIXES)
        assert len(list((tmp_path / folder).iterdir())) == len(SUFFIXES)
    assert (tmp_path / "upper" / "SHAPE.PLY").stat().st_size == (tmp_path / "out" / "shape.ply").stat().st_size


def test_nothing_half_written_is_left(weights: Path, pictures: list[Path], tmp_path: Path) -> None:
    shape = load(weights).reconstruct(pictures[:1], threshold=0.999)
    (tmp_path / "old.obj").write_text("old")
    with pytest.raises(UserError, match="No voxel"):
        shape.save(tmp_path / "old.obj")
    assert shape.picture().width > shape.picture().height  # what the network saw, and an empty tile
    assert (tmp_path / "old.obj").read_text() == "old"
    with pytest.raises(UserError, match="names no format"):
        shape.save(tmp_path / "shape.xyz")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        shape.save(tmp_path / "folder.npy")
    with pytest.raises(UserError, match="Cannot write"):
        shape.save(tmp_path / "old.obj" / "below" / "a.npy")


def test_models_and_shapes_show_themselves_in_a_line(weights: Path, pictures: list[Path]) -> None:
    model = load(weights, device="cpu")
    number = sum(parameter.numel() for parameter in model.parameters())
    assert repr(model) == f"Reconstructor(3d-gru-3, {number:,} parameters, cpu)"
    assert repr(R2N2(small_network("3d-gru-3"))) == f"R2N2(3d-gru-3, {number:,} parameters, cpu)"
    shape = model.reconstruct(pictures[0])
    occupied = int(shape.voxels.sum())
    assert repr(shape) == f"Reconstruction({occupied} of 32768 voxels occupied, from 1 view)"


def test_what_is_loaded_is_a_network(weights: Path) -> None:
    model = load(weights, device="cpu")
    assert isinstance(model, Reconstructor)
    assert isinstance(model, torch.nn.Module)
    plain = load_weights(weights)
    views = torch.rand(1, 2, 3, 127, 127)
    torch.testing.assert_close(model(views).logits, plain(views).logits)


def test_an_opened_picture_is_treated_as_its_file_is(weights: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif)
    model = load(weights)
    by_name, opened = model.reconstruct(tmp_path / "turned.jpg"), model.reconstruct(Image.open(tmp_path / "turned.jpg"))
    np.testing.assert_array_equal(by_name.views, opened.views)
    with pytest.raises(UserError, match="Picture 1 is only 1x1"):
        model.reconstruct(Image.new("RGB", (1, 1)))
    with pytest.raises(TypeError, match="picture 1 is a int"):
        model.reconstruct([3])


def test_mistakes_are_named(weights: Path, pictures: list[Path]) -> None:
    model = load(weights)
    with pytest.raises(UserError, match="No picture"):
        model.reconstruct([])
    with pytest.raises(UserError, match="threshold"):
        model.reconstruct(pictures, threshold=1.5)
    with pytest.raises(UserError, match="no device"):
        load(weights, device="abacus")
    with pytest.raises(UserError, match="no network"):
        load(network="resnet-50")
    with pytest.raises(UserError, match="No weights come with"):
        load(network="3d-gru-3")
    with pytest.raises(UserError, match="not compact"):
        load(weights, network="compact")
    with pytest.raises(UserError, match="no background"):
        model.reconstruct(pictures, background="blur")
    with pytest.raises(UserError, match=r"Picture 1 has fractions from 0 to 255"):
        model.reconstruct(np.linspace(0, 255, 40 * 40 * 3).reshape(40, 40, 3))
    with pytest.raises(TypeError, match="picture 2 is a NoneType"):
        model.reconstruct([pictures[0], None])


def test_warnings_are_data() -> None:
    with sample_folder() as folder:
        chair, car = (
            next((folder / "ShapeNetRendering").glob(f"{name}/*/rendering")) for name in ("03001627", "02958343")
        )
        model = load()
        shape = model.reconstruct([chair / "00.png", Image.new("RGB", (200, 150), "white")])
        odd = model.reconstruct([chair / "00.png", car / "00.png"])
        later = model.reconstruct(car / "00.png", state=model.reconstruct(chair / "00.png").state)
        same = model.reconstruct([chair / "00.png", chair / "01.png"])
    assert [sentence for sentence in shape.warnings if sentence.startswith("Picture 2 shows nothing")]
    assert "The views look like different objects; give pictures of one." in odd.warnings
    assert "The views look like different objects; give pictures of one." in later.warnings
    assert same.warnings == ()
