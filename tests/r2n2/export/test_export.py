"""A network as ONNX files: values match PyTorch's for any batch size, and a wrong export is never written."""

import json
import re
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small import small_network

import r2n2
from r2n2.commands.cli import main
from r2n2.data.sample import sample_folder
from r2n2.errors import UserError
from r2n2.export import check, export, export_onnx
from r2n2.export.check import TOLERANCE, errors, load_graphs, sample_views
from r2n2.export.parts import plain, split
from r2n2.network import R2N2

needs_extra = pytest.mark.skipif(
    any(export.find_spec(name) is None for name in export.NEEDED), reason="the extra export is not installed"
)
PAPER = ("3d-lstm-3", "3d-gru-1", "res3d-gru-3")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_onnx(r2n2.load(device="cpu"), tmp_path_factory.mktemp("export") / "compact").folder


@needs_extra
@pytest.mark.long
@pytest.mark.parametrize("name", PAPER)
def test_the_papers_networks_match_pytorch_for_any_batch_and_views(tmp_path: Path, name: str) -> None:
    model = R2N2(small_network(name)).eval()
    result = export_onnx(model, tmp_path / "out")
    states = {"hidden", "memory"} if "lstm" in name else {"hidden"}
    assert set(result.errors) == {"features", "logits", "occupancy", *states}
    graphs = load_graphs(tmp_path / "out", split(plain(model)))
    for batch, steps in ((1, 5), (2, 2), (5, 1)):
        assert max(errors(model, graphs, sample_views(batch, steps)).values()) < TOLERANCE


@needs_extra
def test_the_shipped_network_matches_pytorch(shipped: Path) -> None:
    model = r2n2.load(device="cpu")
    graphs = load_graphs(shipped, split(plain(model)))
    assert max(errors(model, graphs, sample_views(batch=4, views=5)).values()) < TOLERANCE


@needs_extra
def test_the_readmes_code_runs_and_matches_pytorch(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = r2n2.load(device="cpu")
    with sample_folder() as folder:
        paths = sorted((folder / "ShapeNetRendering").glob("03001627/*/rendering/*.png"))[:3]
        views = [Image.open(path).convert("RGBA").crop((5, 5, 132, 132)) for path in paths]
    for number, view in enumerate(views, start=1):
        view.save(tmp_path / f"view{number}.png")
    for path in shipped.glob("*.onnx"):
        (tmp_path / path.name).symlink_to(path)
    (code,) = re.findall(r"```python\n(.*?)```", (shipped / "README.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(code, names)
    expected = model.reconstruct([tmp_path / f"view{number}.png" for number in (1, 2, 3)])
    assert np.abs(names["occupancy"][0] - expected.occupancy).max() < TOLERANCE

    def shape_of(view: np.ndarray) -> np.ndarray:
        (features,) = names["encoder"].run(None, {"views": view})
        (hidden,) = names["step"].run(None, {"features": features, "hidden": np.zeros_like(names["state"][0])})
        return names["decoder"].run(None, {"hidden": hidden})[1][0]

    photo = Image.new("RGBA", (500, 300), (240, 240, 240, 255))  # the loop on its own would squeeze it
    photo.alpha_composite(views[0], (30, 90))
    photo.save(tmp_path / "photo.png")
    framed = model.reconstruct([tmp_path / "photo.png"])
    assert np.abs(shape_of(framed.views) - framed.occupancy).max() < TOLERANCE
    assert np.abs(shape_of(names["read_view"](tmp_path / "photo.png")) - framed.occupancy).max() > 0.5
    assert "`shape.views`" in (shipped / "README.md").read_text()


@needs_extra
def test_the_description_has_the_graphs_names_and_shapes(shipped: Path) -> None:
    import onnx

    described = json.loads((shipped / "network.json").read_text())
    assert r2n2.NetworkConfig.from_dict(described["network"]) == r2n2.NETWORKS["compact"]
    for graph in described["graphs"].values():
        stored = onnx.load(shipped / graph["file"]).graph
        for side, values in (("inputs", stored.input), ("outputs", stored.output)):
            shapes = {
                value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
                for value in values
            }
            assert shapes == graph[side]
            assert {value.type.tensor_type.elem_type for value in values} == {onnx.TensorProto.FLOAT}


@pytest.fixture
def written(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy the graphs of the shipped weights instead of translating a network, which takes seconds."""
    monkeypatch.setattr(export, "_write", lambda part, path: shutil.copyfile(shipped / part.file, path))


@needs_extra
def test_graphs_of_other_weights_are_refused_and_nothing_is_written(tmp_path: Path, written: None) -> None:
    model = r2n2.load(device="cpu")
    model.recurrence.weight.data *= 1.001
    with pytest.raises(UserError, match=r"hidden differs from PyTorch's by .* nothing was written"):
        export_onnx(model, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@needs_extra
def test_an_export_replaces_an_older_one_and_leaves_other_files(tmp_path: Path, written: None) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "out" / "step.onnx").write_text("old")
    result = export_onnx(r2n2.load(device="cpu"), tmp_path / "out")
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
    assert {path.name for path in result.files} == {
        *("encoder.onnx", "step.onnx", "decoder.onnx", "network.json", "README.md")
    }
    assert (tmp_path / "out" / "step.onnx").stat().st_size > 1000
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_exported_model_is_a_float32_copy_in_evaluation_mode() -> None:
    model = R2N2(small_network("3d-gru-3")).half().train()
    copied = plain(model)
    assert {parameter.dtype for parameter in copied.parameters()} == {torch.float32}
    assert not copied.training
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float16}
    assert model.training


@needs_extra
def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UserError, match="is a file"):
        export_onnx(R2N2(small_network("3d-gru-1")), tmp_path / "out")


def test_a_missing_extra_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(UserError, match=r"lacks onnxscript; .*pip install '\.\[export\]'"):
        export_onnx(R2N2(small_network("3d-gru-1")), tmp_path / "out")


def test_the_command_without_the_extra_prints_one_line_and_exits_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["r2n2", "export", "-o", str(tmp_path / "out")])
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # main changes it
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_errors_are_absolute_up_to_1_relative_above_and_infinite_for_nan() -> None:
    ones = np.full((2, 3), 1, np.float32)
    for value, expected, error in ((1.25, 1, 0.25), (10, 8, 0.25), (0.5, 0.25, 0.25), (np.nan, 1, np.inf)):
        assert check._error(np.float32(value) * ones, torch.from_numpy(np.float32(expected) * ones)) == error
    with pytest.raises(ValueError, match="ONNX returned"):
        check._error(ones.astype(np.float64), torch.from_numpy(ones))


def test_float32_rounding_moves_hidden_values_far_more_than_occupancies() -> None:
    views, model = sample_views(batch=8, views=8), plain(r2n2.load(device="cpu"))
    with torch.no_grad():
        single, double = model(views), model.double()(views.double())
    moved = (single.state - double.state).abs().max()
    shown = (single.occupancy - double.occupancy).abs().max()
    assert moved > TOLERANCE / 2 and moved > 4 * shown
    assert shown < TOLERANCE / 2
