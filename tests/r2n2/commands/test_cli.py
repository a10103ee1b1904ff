"""The command line: exit codes, messages, files. Commands that succeed run in their own process."""

import contextlib
import io
import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import trimesh
from PIL import Image
from small import small_network

from r2n2.commands.cli import main
from r2n2.data.grounds import photograph
from r2n2.data.sample import sample_folder
from r2n2.devices import find_device
from r2n2.errors import UserError
from r2n2.network import R2N2
from r2n2.network.checkpoint import save_weights
from r2n2.pictures.images import read_image
from r2n2.shapes.reconstruction import Reconstruction


def r2n2(*arguments: object, cwd: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "r2n2", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


def refused(*arguments: object, cwd: Path) -> str:
    """Return the one-line message of a command that must fail with exit code 2; runs here, where PyTorch is loaded."""
    said = io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stderr(said),
        patch.object(sys, "argv", ["r2n2", *map(str, arguments)]),
        patch.object(warnings, "formatwarning", warnings.formatwarning),  # main changes it
        pytest.raises(SystemExit) as end,
    ):
        main()
    assert end.value.code == 2
    return one_sentence(said.getvalue())


def one_sentence(said: str) -> str:
    assert said.startswith("r2n2: ")
    assert len(said.strip().splitlines()) == 1
    return said


@pytest.fixture(scope="module")
def views() -> list[Path]:
    with sample_folder() as folder:
        return sorted(next((folder / "ShapeNetRendering").glob("03001627/*")).glob("rendering/*.png"))


def test_the_demo_writes_a_mesh_and_a_picture(tmp_path: Path) -> None:
    result = r2n2("demo", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert trimesh.load_mesh(tmp_path / "prediction.obj").is_watertight
    with Image.open(tmp_path / "prediction.png") as picture:
        assert picture.width > 3 * picture.height
    assert str(tmp_path / "prediction.obj") in result.stdout
    assert str(tmp_path / "prediction.png") in result.stdout
    assert "IoU" in result.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"prediction.obj", "prediction.png"}


def test_reconstruct_writes_the_format_that_the_suffix_names(tmp_path: Path, views: list[Path]) -> None:
    result = r2n2("reconstruct", *views[:2], "-o", "out/chair.glb", "--style", "blocky", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert trimesh.load_mesh(tmp_path / "out" / "chair.glb").is_watertight
    assert "from 2 views" in result.stdout
    assert result.stderr == ""
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"chair.glb", "chair-views.png"}


def test_an_object_in_the_corner_of_a_photo_on_wood_is_reconstructed(tmp_path: Path, views: list[Path]) -> None:
    photo = photograph(read_image(views[0]), "wood", "corner", [2])
    photo.image.convert("RGB").save(tmp_path / "wood.jpg", quality=95)
    result = r2n2("reconstruct", "wood.jpg", "-o", "chair.npy", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    clean = r2n2("reconstruct", views[0], "-o", "clean.npy", cwd=tmp_path)
    assert clean.returncode == 0, clean.stderr
    a, b = (np.load(tmp_path / name) > 0.4 for name in ("chair.npy", "clean.npy"))
    assert (a & b).sum() / (a | b).sum() > 0.5
    kept = r2n2("reconstruct", "wood.jpg", "-o", "kept.npy", "--background", "keep", cwd=tmp_path)
    assert kept.returncode == 0
    assert "warning: wood.jpg has a background that is not plain" in kept.stderr
    assert "blur" in refused("reconstruct", "wood.jpg", "-o", "a.obj", "--background", "blur", cwd=tmp_path)


def test_views_of_different_objects_give_a_warning(tmp_path: Path, views: list[Path]) -> None:
    with sample_folder() as folder:
        car = next((folder / "ShapeNetRendering").glob("02958343/*")) / "rendering" / "00.png"
        result = r2n2("reconstruct", *views[:2], car, "-o", "a.npy", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert f"warning: {car.name} looks like a different object from the others" in result.stderr


def test_an_empty_shape_still_writes_what_the_network_saw(tmp_path: Path, views: list[Path]) -> None:
    says = refused("reconstruct", views[0], "-o", "chair.obj", "--threshold", 0.9999, cwd=tmp_path)
    assert "chair-views.png shows what the network saw" in says
    with Image.open(tmp_path / "chair-views.png") as picture:
        assert picture.width > picture.height
    assert not (tmp_path / "chair.obj").exists()


def test_reconstruct_writes_every_output_that_is_named(tmp_path: Path, views: list[Path]) -> None:
    names = ["a.stl", "b/a.ply", "a.3mf", "a.npy"]
    outputs = [argument for name in names for argument in ("-o", name)]
    result = r2n2("reconstruct", views[0], *outputs, "--size", 80, "--up", "z", "--keep-largest", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "a.stl, b/a.ply, a.3mf, a.npy: " in result.stdout
    for name in names[:2]:
        mesh = trimesh.load_mesh(tmp_path / name)
        assert mesh.is_watertight
        assert mesh.extents.max() == pytest.approx(80)
        assert mesh.bounds[0, 2] == pytest.approx(0, abs=1e-4)
        assert mesh.body_count == 1
    assert {path.name for path in tmp_path.iterdir()} == {"a.stl", "b", "a.3mf", "a.npy", "a-views.png"}


def test_default_outputs_are_named_after_the_first_view(tmp_path: Path, views: list[Path]) -> None:
    stem = views[0].stem
    (tmp_path / f"{stem}-shape.png").write_text("mine")
    result = r2n2("reconstruct", *views[:2], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / f"{stem}-shape.png").read_text() == "mine"
    assert f"{stem}-shape-2.glb, {stem}-shape-2.png: " in result.stdout
    assert trimesh.load_mesh(tmp_path / f"{stem}-shape-2.glb").is_watertight
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{stem}-shape.png",
        f"{stem}-shape-2.glb",
        f"{stem}-shape-2.png",
    }


def test_a_default_output_that_appears_meanwhile_is_not_overwritten(
    tmp_path: Path, views: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Another command, started at the same time with a picture of the same name, may have written it."""
    stem, save, taken = f"{views[0].stem}-shape", Reconstruction.save, []

    def late(shape: Reconstruction, *paths: Path, **how: object) -> None:
        if not taken:
            taken.append((tmp_path / paths[0]).write_text("another's"))
        save(shape, *paths, **how)

    monkeypatch.setattr(Reconstruction, "save", late)
    monkeypatch.setattr(sys, "argv", ["r2n2", "reconstruct", str(views[0])])
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    with contextlib.chdir(tmp_path), pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert f"{stem}-2.glb, {stem}-2.png: " in capsys.readouterr().out
    assert (tmp_path / f"{stem}.glb").read_text() == "another's"
    assert {path.name for path in tmp_path.iterdir()} == {f"{stem}.glb", f"{stem}-2.glb", f"{stem}-2.png"}


def test_evaluate_prints_and_writes_the_table_of_the_sample(tmp_path: Path) -> None:
    result = r2n2("evaluate", "--views", 2, "--json", "t.json", "--markdown", "t.md", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    table = json.loads((tmp_path / "t.json").read_text())
    assert set(table["views"]) == {"1", "2"}
    assert table["models"] >= 12
    assert len(table["categories"]) >= 4
    assert (tmp_path / "t.md").read_text() == result.stdout


def test_user_mistakes_give_a_one_line_message_and_exit_code_2(tmp_path: Path, views: list[Path]) -> None:
    (tmp_path / "zero.png").touch()
    alone = r2n2("reconstruct", "zero.png", "-o", "a.obj", cwd=tmp_path)
    assert alone.returncode == 2 and "zero.png" in one_sentence(alone.stderr)
    assert "zero.png" in refused("reconstruct", "zero.png", "-o", "a.obj", cwd=tmp_path)
    assert "meta" in refused("reconstruct", views[0], "-o", "a.obj", "--device", "meta", cwd=tmp_path)
    assert "--preprocessing" in refused("evaluate", "--grounds", "--preprocessing", "2016", cwd=tmp_path)
    assert "--views" in refused("evaluate", "--grounds", "--views", 2, cwd=tmp_path)
    assert "threshold is 2" in refused("evaluate", "--grounds", "--threshold", 2, cwd=tmp_path)
    assert "is not a shard" in refused("data", "shapes", "-o", "s", "--count", 1, "--shard", "", cwd=tmp_path)
    assert "is a folder; name a file in it" in refused("reconstruct", views[0], "-o", tmp_path, cwd=tmp_path)
    assert "is a folder, not a weights file" in refused("convert", tmp_path, "a.npy", cwd=tmp_path)
    assert "--dropout applies only to compact's encoder" in refused(
        "train", "--data", "d", "-o", "run", "--network", "3d-gru-3", "--dropout", 0.3, cwd=tmp_path
    )
    assert "none.png" in refused("reconstruct", "none.png", "-o", "a.obj", cwd=tmp_path)
    assert "a.xyz" in refused("reconstruct", views[0], "-o", "a.xyz", cwd=tmp_path)
    assert "/proc/a.obj" in refused("reconstruct", views[0], "-o", "/proc/a.obj", cwd=tmp_path)
    assert "/proc/b.ply" in refused("reconstruct", views[0], "-o", "a.obj", "-o", "/proc/b.ply", cwd=tmp_path)
    assert "-3 millimetres" in refused("reconstruct", views[0], "-o", "a.obj", "--size", -3, cwd=tmp_path)
    assert "need a mesh" in refused("reconstruct", views[0], "-o", "a.npy", "--size", 3, cwd=tmp_path)
    assert "w.safetensors" in refused(
        "reconstruct", views[0], "-o", "a.obj", "--weights", "w.safetensors", cwd=tmp_path
    )
    assert "ShapeNetRendering" in refused("evaluate", "--data", tmp_path, cwd=tmp_path)
    for option, name in (("--json", "/proc/t.json"), ("--markdown", "/proc/t.md"), ("--failures", "/proc/t.png")):
        with patch("r2n2.shapes.reconstruction.load", side_effect=AssertionError("work has begun")):
            assert name in refused("evaluate", option, name, cwd=tmp_path)
    long = "x" * 300
    refused("reconstruct", views[0], "-o", f"{long}.obj", cwd=tmp_path)
    refused("reconstruct", f"{long}.png", "-o", "a.obj", cwd=tmp_path)
    for name in ("a.png", "a"):
        assert ".npy" not in refused("demo", name, cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["zero.png"]
    (tmp_path / "a.png").mkdir()
    refused("demo", "a.obj", cwd=tmp_path)
    assert not (tmp_path / "a.obj").exists()
    (tmp_path / "view.png").write_bytes(views[0].read_bytes())
    assert "overwritten" in refused("reconstruct", "view.png", "-o", "view.png", cwd=tmp_path)
    assert (tmp_path / "view.png").read_bytes() == views[0].read_bytes()


def test_wrong_options_give_exit_code_2_and_no_traceback(tmp_path: Path) -> None:
    for arguments in (["reconstruct"], ["evaluate", "--splat", "test"], ["no-such-command"]):
        result = r2n2(*arguments, cwd=tmp_path)
        assert result.returncode == 2
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "command", ["demo", "app", "export", "reconstruct", "train", "evaluate", "networks", "data", "data sweethome"]
)
def test_every_command_has_a_help_text(tmp_path: Path, command: str) -> None:
    result = r2n2(*command.split(), "--help", cwd=tmp_path)
    assert result.returncode == 0
    assert "Usage" in result.stdout


@pytest.mark.parametrize("command", ["", "data"])
def test_the_list_of_commands_truncates_no_description(tmp_path: Path, command: str) -> None:
    said = r2n2(*command.split(), "--help", cwd=tmp_path).stdout
    assert "Commands:" in said and "..." not in said.split("Commands:")[1], said


def test_own_meshes_can_be_prepared_trained_on_and_evaluated(tmp_path: Path) -> None:
    for number in range(6):
        path = tmp_path / "meshes" / "table" / f"{number}.stl"
        path.parent.mkdir(parents=True, exist_ok=True)
        trimesh.creation.box((1, 0.2 + 0.1 * number, 0.7)).export(path)
    prepared = r2n2("data", "meshes", "meshes", "-o", "data", "--views", 3, "--workers", 2, cwd=tmp_path)
    assert prepared.returncode == 0, prepared.stderr
    assert "6 models prepared" in prepared.stdout
    assert "6 models" in r2n2("data", "check", "data", cwd=tmp_path).stdout
    trained = r2n2(
        *("train", "--data", "data", "-o", "run", "--iterations", 2, "--batch-size", 2, "--max-views", 2),
        *("--workers", 0, "--no-pretrained"),
        cwd=tmp_path,
    )
    assert trained.returncode == 0, trained.stderr
    table = r2n2("evaluate", "--data", "data", "--weights", "run/weights.safetensors", "--views", 3, cwd=tmp_path)
    assert table.returncode == 0, table.stderr
    assert "table" in table.stdout


def test_convert_stores_half_precision_if_asked(tmp_path: Path) -> None:
    save_weights(tmp_path / "w.safetensors", R2N2(small_network("3d-lstm-3")))
    result = r2n2("convert", "w.safetensors", "half.safetensors", "--half", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "3d-lstm-3" in result.stdout
    sizes = [(tmp_path / name).stat().st_size for name in ("w.safetensors", "half.safetensors")]
    assert sizes[1] < 0.6 * sizes[0]
    assert "w.pt" in refused("convert", "w.safetensors", "w.pt", cwd=tmp_path)
    assert "w.npy" in refused("convert", "w.safetensors", "w.npy", "--half", cwd=tmp_path)
    assert "same file" in refused("convert", "w.safetensors", tmp_path / "w.safetensors", cwd=tmp_path)


def test_broken_data_is_named_and_fatal_only_with_strict(tmp_path: Path) -> None:
    with sample_folder() as folder:
        shutil.copytree(folder, tmp_path / "data")
    chairs = sorted((tmp_path / "data" / "ShapeNetVox32" / "03001627").iterdir())
    shutil.rmtree(chairs[0])
    (chairs[1] / "model.binvox").write_bytes(b"#binvox 1\ndim 32 32 32\ndata\n\x00\x01")
    arguments = ["evaluate", "--data", "data", "--split", "all", "--views", 1]
    result = r2n2(*arguments, "--json", "t.json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    skipped = json.loads((tmp_path / "t.json").read_text())["skipped"]
    assert len(skipped) == 2
    for name in (chairs[0].name, f"{chairs[1].name}/model.binvox"):
        assert any(name in sentence for sentence in skipped)
        assert name in result.stderr
    assert chairs[0].name in refused(*arguments, "--strict", cwd=tmp_path)
    result = r2n2("data", "check", "data", cwd=tmp_path)
    assert result.returncode == 2
    assert f"{chairs[1].name}/model.binvox" in result.stdout
    train = ["train", "--data", "data", "-o", "run", "--iterations", 1, "--batch-size", 12]
    refused(*train, "--strict", cwd=tmp_path)


def test_letters_that_stdout_cannot_encode_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii", write_through=True))
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    monkeypatch.setattr("r2n2.commands.cli.app", lambda: print("стул.npy"))
    main()
    assert written.getvalue().strip() == rb"\u0441\u0442\u0443\u043b.npy"


@pytest.mark.parametrize("name", ["hpu", "privateuseone", "nonsense", "cuda:x"])
def test_an_unavailable_device_is_reported(name: str) -> None:
    with pytest.raises(UserError, match=f"Device '{name}' is not available here"):
        find_device(name)
