"""From pictures to shapes in Python, with small random weights."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from io import BytesIO
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
from r2n2.shapes import reconstruction
from r2n2.shapes.reconstruction import SUFFIXES, Reconstruction, Reconstructor, load
from r2n2.shapes.turntable import write_turntable


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


@pytest.fixture
def shape(weights: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> Reconstruction:
    """A block and a separate speck, as if rebuilt from two pictures; its turntables are short and small."""
    occupancy = np.full((32, 32, 32), 0.1, np.float32)
    occupancy[8:24, 4:28, 10:20] = 0.8
    occupancy[2, 2, 2] = 0.9
    monkeypatch.setattr(reconstruction, "write_turntable", partial(write_turntable, count=2, size=32))
    return replace(load(weights).reconstruct(pictures[:2]), occupancy=occupancy)


def test_every_suffix_is_written_and_read_back(shape: Reconstruction, tmp_path: Path) -> None:
    shape.save(*(tmp_path / "out" / f"shape{suffix}" for suffix in SUFFIXES))
    shape.save(*(tmp_path / "upper" / f"SHAPE{suffix.upper()}" for suffix in SUFFIXES))
    for suffix in (".obj", ".ply", ".glb", ".stl"):
        assert trimesh.load_mesh(tmp_path / "out" / f"shape{suffix}").is_watertight
    np.testing.assert_array_equal(read_binvox(tmp_path / "out" / "shape.binvox").voxels, shape.voxels)
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "shape.npy"), shape.occupancy)
    with Image.open(tmp_path / "out" / "shape.png") as sheet:
        assert sheet.width > 2 * sheet.height
    for suffix in (".gif", ".webp"):
        with Image.open(tmp_path / "out" / f"shape{suffix}") as turntable:
            assert turntable.n_frames == 2
    for folder in ("out", "upper"):  # no other file is left
        assert sorted(path.suffix.lower() for path in (tmp_path / folder).iterdir()) == sorted(SUFFIXES)
    assert (tmp_path / "upper" / "SHAPE.PLY").stat().st_size == (tmp_path / "out" / "shape.ply").stat().st_size


def test_a_mesh_has_the_requested_size_and_upward_axis(shape: Reconstruction, tmp_path: Path) -> None:
    mesh = shape.mesh("blocky", size=50, up="z")
    np.testing.assert_allclose(mesh.bounds[:, 2], [0, 50], atol=1e-9)
    shape.save(tmp_path / "a.stl", tmp_path / "a.obj", size=50, up="z")
    for suffix in ("stl", "obj"):
        np.testing.assert_allclose(trimesh.load_mesh(tmp_path / f"a.{suffix}").bounds[:, 2], [0, 50], atol=1e-4)
    for wrong in ({"size": -1}, {"up": "x"}):
        with pytest.raises(UserError, match=r"is out of range|no upward axis"):
            shape.save(tmp_path / "b.stl", **wrong)
    assert not (tmp_path / "b.stl").exists()


def test_specks_are_removed_on_request(shape: Reconstruction) -> None:
    assert shape.mesh().body_count == 2
    for kept in (shape.without_specks(keep_largest=True), shape.without_specks(min_voxels=2)):
        assert kept.voxels.sum() == shape.voxels.sum() - 1
        assert kept.mesh().body_count == 1
        assert kept.state is shape.state
    assert shape.without_specks().voxels.sum() == shape.voxels.sum()


def test_a_failed_save_writes_no_file_and_keeps_old_ones(weights: Path, pictures: list[Path], tmp_path: Path) -> None:
    shape = load(weights).reconstruct(pictures[:1], threshold=0.999)
    (tmp_path / "old.obj").write_text("old")
    with pytest.raises(UserError, match="No voxel"):
        shape.save(tmp_path / "old.obj")
    assert shape.picture().width > shape.picture().height  # what the network saw, and an empty tile
    with pytest.raises(UserError, match="No voxel"):
        shape.save(tmp_path / "new.npy", tmp_path / "old.obj")
    assert (tmp_path / "old.obj").read_text() == "old"
    assert not (tmp_path / "new.npy").exists()
    with pytest.raises(UserError, match="is not a supported format"):
        shape.save(tmp_path / "shape.xyz")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        shape.save(tmp_path / "folder.npy")
    with pytest.raises(UserError, match="would be inside a file"):
        shape.save(tmp_path / "old.obj" / "below" / "a.npy")


def test_models_and_shapes_have_a_one_line_repr(weights: Path, pictures: list[Path]) -> None:
    model = load(weights, device="cpu")
    number = sum(parameter.numel() for parameter in model.parameters())
    assert repr(model) == f"Reconstructor(3d-gru-3, {number:,} parameters, cpu)"
    assert repr(R2N2(small_network("3d-gru-3"))) == f"R2N2(3d-gru-3, {number:,} parameters, cpu)"
    shape = model.reconstruct(pictures[0])
    occupied = int(shape.voxels.sum())
    assert repr(shape) == f"Reconstruction({occupied} of 32768 voxels occupied, from 1 view)"


def test_load_returns_a_module_that_computes_with_the_saved_weights(weights: Path) -> None:
    model = load(weights, device="cpu")
    assert isinstance(model, Reconstructor)
    assert isinstance(model, torch.nn.Module)
    plain = load_weights(weights)
    views = torch.rand(1, 2, 3, 127, 127)
    torch.testing.assert_close(model(views).logits, plain(views).logits)


def test_a_network_in_training_mode_is_evaluated_and_left_unchanged(pictures: list[Path]) -> None:
    model = load()
    expected = model.reconstruct(pictures)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    modes = [module.training for module in model.modules()]
    shape = model.reconstruct(pictures)
    np.testing.assert_array_equal(shape.occupancy, expected.occupancy)
    np.testing.assert_array_equal(shape.steps, expected.steps)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_network_of_another_dtype_reconstructs_too(pictures: list[Path], dtype: torch.dtype) -> None:
    expected = load().reconstruct(pictures)
    shape = load().to(dtype).reconstruct(pictures)
    np.testing.assert_allclose(shape.occupancy.mean(), expected.occupancy.mean(), rtol=0.1)
    assert shape.occupancy.dtype == np.float32


def test_an_opened_picture_gives_the_same_view_as_its_file(weights: Path, tmp_path: Path) -> None:
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


def test_errors_name_the_wrong_argument(weights: Path, pictures: list[Path]) -> None:
    model = load(weights)
    with pytest.raises(UserError, match="No picture"):
        model.reconstruct([])
    with pytest.raises(UserError, match="threshold"):
        model.reconstruct(pictures, threshold=1.5)
    with pytest.raises(UserError, match="Device 'abacus' is not available"):
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
    for given, kind in ((pictures[0].read_bytes(), "bytes"), (BytesIO(), "BytesIO"), (None, "NoneType")):
        with pytest.raises(TypeError, match=f"picture 1 is a {kind}, not"):
            model.reconstruct(given)


def test_doubts_about_the_pictures_are_returned_as_warnings() -> None:
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
    assert "The views look like different objects; give pictures of only one." in odd.warnings
    assert "The views look like different objects; give pictures of only one." in later.warnings
    assert same.warnings == ()


@pytest.fixture
def kernels(weights: Path) -> Reconstructor:
    """A network that computes through the Triton kernels, on whatever device they run."""
    model = load(weights)
    model.recurrence.backend = "triton"
    return model


def test_a_reconstruction_packs_the_recurrent_weight_once(
    kernels: Reconstructor, pictures: list[Path], packings: list[torch.Tensor]
) -> None:
    first = kernels.reconstruct(pictures[:2])  # over all views, then over each on its own
    assert len(packings) == 1
    kernels.reconstruct(pictures[2], state=first.state)
    assert len(packings) == 2


def trained(model: Reconstructor) -> Reconstructor:
    weight = model.recurrence.weight
    weight.grad = weight.detach().clone()
    torch.optim.SGD([weight], lr=2, fused=True).step()  # PyTorch's version counter misses this
    return model


def filled(model: Reconstructor) -> Reconstructor:
    model.load_state_dict({name: -tensor for name, tensor in model.state_dict().items()})
    return model


def written(model: Reconstructor) -> Reconstructor:
    model.recurrence.weight.data.neg_()  # PyTorch's version counter misses this
    return model


@pytest.mark.parametrize(
    "changed",
    [
        trained,
        filled,
        written,
        lambda model: model.to(torch.bfloat16),
        lambda model: trained(copy.deepcopy(model)),
        lambda model: written(pickle.loads(pickle.dumps(model))),
    ],
    ids=["trained", "filled", "written", "other dtype", "copied", "pickled"],
)
def test_a_network_changed_after_a_reconstruction_uses_its_new_weights(
    kernels: Reconstructor, pictures: list[Path], changed: Callable[[Reconstructor], Reconstructor]
) -> None:
    before = kernels.reconstruct(pictures[:2]).state
    model = changed(kernels)
    state = model.reconstruct(pictures[:2]).state
    model.recurrence.backend = "reference"
    close = {"rtol": 1e-4, "atol": 1e-4} if state.dtype == torch.float32 else {"rtol": 0.05, "atol": 0.05}
    torch.testing.assert_close(state, model.reconstruct(pictures[:2]).state, **close)
    assert state.dtype != before.dtype or (state - before).abs().max() > 0.01
