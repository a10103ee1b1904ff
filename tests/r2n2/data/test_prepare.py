"""The prepared folder: its layout, its repeatability, and continuing after an interruption."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from r2n2.data.binvox import read_binvox
from r2n2.data.camera import View, project, voxel_centres
from r2n2.data.meshes import find_meshes
from r2n2.data.prepare import PrepareConfig, prepare
from r2n2.data.shards import Shard
from r2n2.errors import UserError


@pytest.fixture
def mesh_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "meshes" / "chair"
    folder.mkdir(parents=True)
    trimesh.creation.box((0.3, 1, 0.6)).export(folder / "box.obj")
    return folder


CONFIG = PrepareConfig(views=3, workers=1)


def test_the_prepared_folder_has_the_shapenet_layout(data_folder: Path) -> None:
    rendering = data_folder / "ShapeNetRendering" / "03001627" / "chair0" / "rendering"
    names = (rendering / "renderings.txt").read_text().split()
    assert names == [f"{number:02d}.png" for number in range(6)]
    assert len((rendering / "rendering_metadata.txt").read_text().splitlines()) == 6
    for name in names:
        with Image.open(rendering / name) as image:
            assert image.size == (137, 137)
            assert image.mode == "RGBA"
    assert (data_folder / "ShapeNetVox32" / "03636649" / "lamp9~1" / "model.binvox").is_file()
    assert "03001627/chair0" in json.loads((data_folder / "sources.json").read_text())


def test_voxels_project_onto_the_pictures(data_folder: Path) -> None:
    """The whole chain of conventions: camera metadata, header scale, axis order."""
    for category, name in (("03001627", "chair1"), ("03636649", "lamp2"), ("03001627", "chair3~1")):
        rendering = data_folder / "ShapeNetRendering" / category / name / "rendering"
        grid = read_binvox(data_folder / "ShapeNetVox32" / category / name / "model.binvox")
        points = voxel_centres(32, grid.scale)[grid.voxels]
        for number, line in enumerate((rendering / "rendering_metadata.txt").read_text().splitlines()):
            with Image.open(rendering / f"{number:02d}.png") as image:
                alpha = np.asarray(image)[..., 3] > 127
            pixels = project(points, View.from_metadata(line))[0].astype(int).clip(0, 136)
            assert alpha[pixels[:, 1], pixels[:, 0]].mean() > 0.9
            drawn = np.zeros_like(alpha)
            for offset in np.ndindex(3, 3):
                drawn[tuple((pixels[:, ::-1] + np.array(offset) - 1).clip(0, 136).T)] = True
            assert (drawn & alpha).sum() / (drawn | alpha).sum() > 0.8


def test_preparing_again_gives_the_same_bytes(mesh_folder: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        prepare(find_meshes([mesh_folder], None), tmp_path / name, CONFIG)
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file())
    assert len(files) == 3 + 2 + 2 + 1
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_a_finished_model_is_not_made_again(mesh_folder: Path, tmp_path: Path) -> None:
    prepare(find_meshes([mesh_folder], None), tmp_path / "out", CONFIG)
    picture = next((tmp_path / "out").rglob("00.png"))
    picture.unlink()
    prepare(find_meshes([mesh_folder], None), tmp_path / "out", CONFIG)
    assert not picture.exists()
    next((tmp_path / "out").rglob("model.binvox")).unlink()
    prepare(find_meshes([mesh_folder], None), tmp_path / "out", CONFIG)
    assert picture.exists()


@pytest.mark.parametrize(
    ("workers", "cores", "started"), [(100000, 1, 3), (0, 2, 2), (0, 100, 3)], ids=["given", "cores", "models"]
)
def test_granted_cores_and_models_limit_the_number_of_processes(
    mesh_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, cores: int, started: int
) -> None:
    """Where processes fork, the pool starts all of them at once: `--workers 100000` would fill the machine."""
    monkeypatch.setattr(os, "cpu_count", lambda: 50)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    asked = []

    def pool(count: int, **_: object) -> ThreadPoolExecutor:
        asked.append(count)
        return ThreadPoolExecutor(1)

    monkeypatch.setattr("r2n2.data.workers.ProcessPoolExecutor", pool)
    config = replace(CONFIG, views=1, variants=2, workers=workers)
    prepare(find_meshes([mesh_folder], None), tmp_path / "out", config)
    assert asked == [started]


def test_a_broken_mesh_is_reported_and_the_others_are_made(mesh_folder: Path, tmp_path: Path) -> None:
    (mesh_folder / "broken.obj").write_text("nothing")
    (mesh_folder / "huge.obj").write_text("v 1e300 0 0\nv 0 1e300 0\nv 0 0 0\nf 1 2 3\n")
    (mesh_folder / "needle.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 0.0001 0\nf 1 2 3\n")
    report = prepare(find_meshes([mesh_folder], None), tmp_path / "out", CONFIG)
    assert (report.models, report.new, len(report.failures)) == (1, 1, 3)
    assert "broken.obj" in report.failures[0]
    assert "huge.obj" in report.failures[1]
    assert re.search(r"needle\.obj is so thin", report.failures[2])
    assert (tmp_path / "out" / "ShapeNetVox32" / "03001627" / "box" / "model.binvox").is_file()
    assert list(json.loads((tmp_path / "out" / "sources.json").read_text())) == ["03001627/box"]
    assert prepare(find_meshes([mesh_folder], None), tmp_path / "out", CONFIG).new == 0


def test_no_usable_mesh_is_an_error_that_leaves_no_folder(mesh_folder: Path, tmp_path: Path) -> None:
    (mesh_folder / "box.obj").write_text("nothing")
    with pytest.raises(UserError, match=r"None of the meshes.*box\.obj"):
        prepare(find_meshes([mesh_folder], None), tmp_path / "out", CONFIG)
    assert not (tmp_path / "out").exists()


def test_damaged_records_are_reported_before_the_work(mesh_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sources.json").write_text("{bad")
    with pytest.raises(UserError, match=r"sources\.json is damaged"):
        prepare(find_meshes([mesh_folder], None), tmp_path / "out", CONFIG)
    assert not (tmp_path / "out" / "ShapeNetVox32").exists()


def test_variants_are_stretched_copies(data_folder: Path) -> None:
    shapes = [
        read_binvox(data_folder / "ShapeNetVox32" / "03001627" / name / "model.binvox").voxels
        for name in ("chair0", "chair0~1")
    ]
    assert (shapes[0] != shapes[1]).any()


def test_z_up_meshes_are_turned(mesh_folder: Path, tmp_path: Path) -> None:
    prepare(find_meshes([mesh_folder], None, up="z"), tmp_path / "out", CONFIG)  # 0.3 x 1 x 0.6, z up
    voxels = read_binvox(next((tmp_path / "out").rglob("model.binvox"))).voxels
    extents = [int(voxels.any(axis=other).sum()) for other in ((1, 2), (0, 2), (0, 1))]
    assert extents[0] == 32  # the longest edge, along the mesh's front -y, is along x
    assert abs(extents[1] - 0.6 * 32) <= 1


def test_meshes_of_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.obj").touch()
    (tmp_path / "a" / "b~1.obj").touch()  # looks like a variant
    assert [source.name for source in find_meshes([tmp_path], "chair")] == ["b-1", "model", "model-2"]


def test_the_category_is_the_folder_that_holds_the_mesh_or_a_link_to_it(
    mesh_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sofa").mkdir()
    (tmp_path / "sofa" / "linked.obj").symlink_to(mesh_folder / "box.obj")
    (tmp_path / "bench").symlink_to(mesh_folder)
    for given, category in (("sofa", "sofa"), ("bench/box.obj", "bench"), ("sofa/../meshes/chair", "chair")):
        assert [source.category for source in find_meshes([tmp_path / given], None)] == [category]
    monkeypatch.chdir(mesh_folder)
    for given in (".", "box.obj", "../chair"):
        assert [source.category for source in find_meshes([Path(given)], None)] == ["chair"]


def test_hidden_files_in_a_folder_are_skipped(mesh_folder: Path) -> None:
    for name in ("._box.obj", ".trash/box.obj"):
        (mesh_folder / name).parent.mkdir(exist_ok=True)
        (mesh_folder / name).touch()
    assert [source.name for source in find_meshes([mesh_folder], None)] == ["box"]
    (named,) = find_meshes([mesh_folder / "._box.obj"], None)
    assert named.name == "-_box"  # not hidden, so that readers of the prepared folder find it


def test_an_undecodable_file_name_is_reported_and_the_others_are_made(mesh_folder: Path, tmp_path: Path) -> None:
    (mesh_folder / os.fsdecode(b"b\xffx.obj")).write_bytes((mesh_folder / "box.obj").read_bytes())
    report = prepare(find_meshes([mesh_folder], None, mix=True), tmp_path / "out", CONFIG)  # trimesh cannot read it
    assert (report.new, len(report.failures)) == (1, 1)
    assert "x.obj cannot be read" in report.failures[0]


def test_mixed_names_begin_with_four_hash_digits(mesh_folder: Path) -> None:
    (source,) = find_meshes([mesh_folder], None, mix=True)
    assert re.fullmatch(r"[0-9a-f]{4}-box", source.name)
    assert find_meshes([mesh_folder], None, mix=True)[0].name == source.name


def test_bad_options_categories_and_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to prepare"):
        prepare([], tmp_path, CONFIG)
    for name, value in (
        ("renderer", "crayon"),
        ("views", 0),
        ("variants", -1),
        ("workers", -1),
        ("seed", -1),
        ("stretch", float("nan")),
    ):
        with pytest.raises(UserError, match=name):
            PrepareConfig(**{name: value})
    (tmp_path / "a.obj").touch()
    for category in ("../up", "a/b", ".", " "):
        with pytest.raises(UserError, match="cannot be a category"):
            find_meshes([tmp_path / "a.obj"], category)
    with pytest.raises(UserError, match="nowhere"):
        find_meshes([tmp_path / "nowhere"], None)
    with pytest.raises(UserError, match="up axis"):
        find_meshes([tmp_path], None, up="x")


def test_a_folder_prepared_with_other_options_is_refused_or_prepared_anew(mesh_folder: Path, tmp_path: Path) -> None:
    sources, out = find_meshes([mesh_folder], None), tmp_path / "out"
    prepare(sources, out, CONFIG)
    assert prepare(sources, out, CONFIG).new == 0
    other = replace(CONFIG, views=2)
    with pytest.raises(UserError, match=r"Already prepared with views 3, not 2: .*box;.*--again"):
        prepare(sources, out, other)
    for name, value in (("renderer", "opengl"), ("seed", 1)):
        with pytest.raises(UserError, match=f"prepared with {name} {getattr(CONFIG, name)}, not {value}"):
            prepare(sources, out, replace(CONFIG, **{name: value}))
    assert prepare(sources, out, replace(other, again=True)).new == 1
    assert len(list(out.rglob("*.png"))) == 2
    turned = find_meshes([mesh_folder], None, front="+x")
    with pytest.raises(UserError, match="rotation"):
        prepare(turned, out, other)


def test_shards_make_up_the_whole_and_do_not_overlap(tmp_path: Path) -> None:
    folder = tmp_path / "meshes" / "chair"
    folder.mkdir(parents=True)
    for number in range(9):
        trimesh.creation.box((0.3, 1, 0.6)).export(folder / f"box{number}.obj")
    sources = find_meshes([folder], None)
    config = PrepareConfig(views=1, variants=1, workers=1)
    new = [prepare(sources, tmp_path / "shards", replace(config, shard=Shard(k, 3))).new for k in (1, 2, 3)]
    assert sum(new) == 18
    assert max(new) < 18
    prepare(sources, tmp_path / "whole", config)
    names = {path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*.*") if path.is_file()}
    names -= {Path("sources.json")}
    for name in names:
        assert (tmp_path / "shards" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    records = [json.loads(path.read_text()) for path in (tmp_path / "shards").glob("sources.*-of-3.json")]
    assert sorted(name for record in records for name in record) == [f"03001627/box{number}" for number in range(9)]


@pytest.mark.parametrize("text", ["0/4", "5/4", "3", "a/b", "-1/2", "1/0"])
def test_invalid_shards_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="shard"):
        Shard.parse(text)


def test_any_folder_name_becomes_a_category(mesh_folder: Path, tmp_path: Path) -> None:
    for name, word in (("my chairs (old)", "my chairs (old)"), ("a:b?", "a-b-"), ("...", "unnamed"), ("(x)", "(x)")):
        folder = tmp_path / name
        shutil.copytree(mesh_folder, folder)
        assert [source.category for source in find_meshes([folder], None)] == [word]


def test_ctrl_c_stops_at_once_and_the_same_command_continues(tmp_path: Path) -> None:
    folder, out = tmp_path / "meshes" / "chair", tmp_path / "out"
    folder.mkdir(parents=True)
    for number in range(40):
        trimesh.creation.icosphere(subdivisions=5).export(folder / f"{number:02d}.ply")
    command = [sys.executable, "-m", "r2n2", "data", "meshes", str(folder), "-o", str(out), "--workers", "2"]
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background job would ignore it
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heed)
    while not list(out.rglob("model.binvox")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the parent and its workers
    started = time.monotonic()
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - started < 5  # a second on an idle machine
    assert (process.returncode, said) == (
        130,
        "r2n2: interrupted; run the same command again to continue where it stopped.\n",
    )
    finished = {path.parent.name for path in out.rglob("model.binvox")}
    assert 1 <= len(finished) < 40
    for path in folder.iterdir():
        if path.stem not in finished and int(path.stem) > 5:
            path.unlink()
    report = prepare(find_meshes([folder], None), out, PrepareConfig(views=24, workers=2))
    assert report.models - report.new == len(finished)
    assert all(len(list(path.glob("*"))) == 26 for path in out.rglob("rendering"))  # nothing half-written is left


@pytest.mark.parametrize("start", ["fork", "forkserver"])  # Linux's defaults until Python 3.13 and from 3.14 on
def test_workers_end_with_a_command_that_was_killed(start: str, tmp_path: Path) -> None:
    for number in range(8):
        trimesh.creation.icosphere(subdivisions=5).export(tmp_path / f"{number}.ply")
    program = f"import multiprocessing as m; m.set_start_method({start!r}); from r2n2.__main__ import main; main()"
    arguments = ["data", "meshes", ".", "-o", "out", "--workers", "2", "--category", "chair"]
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True)
    while not list((tmp_path / "out").rglob("00.png")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=60)  # returns once the last process that holds the pipe has ended
    assert len(list((tmp_path / "out").rglob("model.binvox"))) < 8


def test_a_killed_worker_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r2n2.data.prepare.prepare_one", _die)
    (tmp_path / "a.obj").touch()
    with pytest.raises(UserError, match="was killed"):
        prepare(find_meshes([tmp_path / "a.obj"], "chair"), tmp_path / "out", CONFIG)


def _die(*_: object) -> bool:
    os._exit(1)


def test_an_unusable_output_folder_is_named_before_any_mesh_is_read(tmp_path: Path) -> None:
    (tmp_path / "bad.obj").write_text("v 0 0 0")
    (tmp_path / "taken").touch()
    for folder in (tmp_path / "taken", tmp_path / "taken" / "data"):
        with pytest.raises(UserError, match="taken is a file"):
            prepare(find_meshes([tmp_path / "bad.obj"], "chair"), folder, PrepareConfig(views=1))
