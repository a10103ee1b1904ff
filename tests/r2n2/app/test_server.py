"""The app without a browser: whom it answers, what it refuses, downloads, simultaneous users, and its shutdown."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

import r2n2
from r2n2.app import server
from r2n2.app.uploads import MAX_REQUEST
from r2n2.data.binvox import read_binvox
from r2n2.data.sample import sample_folder
from r2n2.errors import UserError
from r2n2.shapes.reconstruction import SUFFIXES, Reconstructor

needs_gradio = pytest.mark.skipif(server.find_spec("gradio") is None, reason="gradio is not installed")
HOST = {"host": "127.0.0.1:7860"}


@pytest.fixture(scope="module")
def model() -> Reconstructor:
    return r2n2.load(device="cpu")


@pytest.fixture(scope="module")
def views() -> list[Path]:
    with sample_folder() as folder:
        chairs, tables = (
            sorted((folder / "ShapeNetRendering").glob(f"{category}/*/rendering/*.png"))[:2]
            for category in ("03001627", "04379243")
        )
    return chairs + tables


@contextmanager
def started(folder: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """Run `r2n2 app` with its temporary files in `folder`; yield its process and its address."""
    command = [sys.executable, "-m", "r2n2", "app", "--device", "cpu"]
    environment = os.environ | {"TMPDIR": str(folder)}
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background job would ignore Ctrl-C
    with (
        (folder / "errors").open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, preexec_fn=heed
        ) as process,
    ):
        line = process.stdout.readline()
        yield process, re.search(r"http://127\.0\.0\.1:\d+", line)[0]
        process.terminate()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(tmp_path_factory.mktemp("app")) as (_, address):
        yield address


@needs_gradio
def test_simultaneous_users_get_their_own_shapes(address: str, views: list[Path], model: Reconstructor) -> None:
    from gradio_client import Client, handle_file

    first, second = (Client(address, verbose=False, analytics_enabled=False) for _ in range(2))

    def add(client: Client, path: Path) -> str:
        pictures = [{"image": handle_file(path), "caption": None}]
        job = client.submit(pictures, 0.4, api_name="/add_files")
        job.result(timeout=60)
        return "".join(str(part) for part in job.outputs()[0])

    add(first, views[0])
    add(second, views[2])
    chair, table = add(first, views[1]), add(second, views[3])
    for words, pair in ((chair, views[:2]), (table, views[2:])):
        assert f"2 views · {model.reconstruct(pair).voxels.sum():,} of" in words
    assert "1 view ·" in "".join(map(str, first.predict(0.4, api_name="/undo")))
    assert "2 views ·" in "".join(map(str, second.predict(0.5, api_name="/shown")))


@needs_gradio
def test_a_file_that_was_not_uploaded_is_not_read(address: str, views: list[Path], tmp_path: Path) -> None:
    import httpx

    def called(path: Path) -> str:
        picture = {"image": {"path": str(path), "meta": {"_type": "gradio.FileData"}}, "caption": None}
        call = f"{address}/gradio_api/call/add_files"
        event = httpx.post(call, json={"data": [[picture], 0.4]}).json()["event_id"]
        return httpx.get(f"{call}/{event}", timeout=60).text

    private = tmp_path / "private.png"
    private.write_bytes(views[0].read_bytes())
    answer = called(private)
    assert "1 view" not in answer
    assert "event: error" in answer
    with views[0].open("rb") as file:
        (uploaded,) = httpx.post(f"{address}/gradio_api/upload", files={"files": ("private.png", file)}).json()
    assert "1 view" in called(uploaded)


@needs_gradio
def test_the_app_answers_only_on_loopback_and_under_its_own_names(address: str) -> None:
    import httpx

    answer = httpx.get(address)
    assert answer.status_code == 200
    assert "connect-src 'self' blob: data:" in answer.headers["content-security-policy"]
    assert httpx.get(address, headers={"host": "shapes.example"}).status_code == 400
    assert httpx.get(address.replace("127.0.0.1", "localhost")).status_code == 200
    port = int(address.rsplit(":", 1)[1])
    other = next((a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)), "127.0.0.1")
    if not other.startswith("127."):
        with socket.socket() as probe:
            assert probe.connect_ex((other, port)) != 0


@needs_gradio
def test_uploads_are_limited_in_bytes_per_file_and_in_total(address: str) -> None:
    import httpx

    upload = f"{address}/gradio_api/upload"
    refused = httpx.post(upload, files={"files": ("a.png", bytes(26 * 2**20))}, timeout=60)
    assert refused.status_code == 413
    assert "maximum allowed size" in refused.text
    with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1]))) as connection:
        head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {MAX_REQUEST + 1}\r\n\r\n"
        connection.sendall(head.encode())
        assert b" 413 " in connection.recv(100)
    chunked = httpx.post(upload, content=iter([b"x"]))
    assert chunked.status_code == 411


@needs_gradio
def test_every_format_is_made_on_download_and_bad_requests_are_refused(
    model: Reconstructor, views: list[Path], tmp_path: Path
) -> None:
    from starlette.testclient import TestClient

    from r2n2.app.page import Page

    page = Page(model, tmp_path)
    page.shelf["token"] = shape = model.reconstruct(views[:2])
    client = TestClient(server.create_app(page), base_url="http://127.0.0.1")

    def get(suffix: str, threshold: float, token: str = "token") -> bytes:
        answer = client.get(f"/shapes/{token}/shape{suffix}", params={"threshold": threshold})
        assert answer.status_code == 200, answer.text
        return answer.content

    for suffix in SUFFIXES:
        assert len(get(suffix, 0.4)) > 1000
    for suffix in (".obj", ".ply", ".glb", ".stl"):
        assert trimesh.load_mesh(io.BytesIO(get(suffix, 0.4)), file_type=suffix[1:]).is_watertight
    (tmp_path / "a.binvox").write_bytes(get(".binvox", 0.6))
    assert np.array_equal(read_binvox(tmp_path / "a.binvox").voxels, shape.occupancy > 0.6)
    assert np.array_equal(np.load(io.BytesIO(get(".npy", 0.4))), shape.occupancy)
    assert Image.open(io.BytesIO(get(".png", 0.4))).width > 900
    for path, status in (
        ("/shapes/other/shape.obj?threshold=0.4", 404),
        ("/shapes/token/shape.exe?threshold=0.4", 400),
        ("/shapes/token/shape.obj?threshold=7", 400),
        ("/shapes/token/shape.obj?threshold=nan", 400),
        ("/shapes/token/shape.obj?threshold=0.9999999", 400),
    ):
        answer = client.get(path)
        assert answer.status_code == status
        assert str(tmp_path) not in answer.text
    assert [path.name for path in tmp_path.iterdir()] == ["a.binvox"]


@needs_gradio
def test_pictures_that_arrive_again_with_new_ones_are_added_once(
    model: Reconstructor, views: list[Path], tmp_path: Path
) -> None:
    from r2n2.app.page import Page

    page, paths = Page(model, tmp_path), [tmp_path / f"{number}.png" for number in range(3)]
    for path, view in zip(paths, views, strict=False):
        path.write_bytes(view.read_bytes())
    visit = None
    for drop, count in (([0], 1), ([0, 1], 2), ([0, 1, 2], 3), ([2], 4), ([2], 5)):
        pictures = [(str(paths[number]), None) for number in drop]
        *_, (visit, *_), _ = page.add_files(pictures, visit, 0.4)
        assert len(visit.shapes) == count
    undone = page.undo(visit, 0.4)[0]
    *_, (again, *_), _ = page.add_files([(str(paths[2]), None), (str(paths[0]), None)], undone, 0.4)
    assert len(again.shapes) == 6


@needs_gradio
def test_a_warning_about_a_picture_names_its_view(model: Reconstructor, views: list[Path], tmp_path: Path) -> None:
    from r2n2.app.page import Page

    page, shown = Page(model, tmp_path), tmp_path / "clear.png"
    shown.write_bytes(views[0].read_bytes())
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    *_, first, _ = page.add_files([(str(shown), None)], None, 0.4)
    assert "problem" not in first[5]
    *_, second, _ = page.add_files([(str(tmp_path / "noise.png"), None)], first[0], 0.4)
    doubts = model.reconstruct(Image.fromarray(noise)).warnings
    assert doubts[0].startswith("Picture 1 ") and doubts[0].replace("Picture 1", "View 2") in second[5]


@needs_gradio
@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_app_silently_and_its_files_are_removed(
    tmp_path: Path, views: list[Path], number: signal.Signals, code: int
) -> None:
    from gradio_client import Client, handle_file

    with started(tmp_path) as (process, address):
        client = Client(address, verbose=False, analytics_enabled=False)
        client.predict([{"image": handle_file(views[0]), "caption": None}], 0.4, api_name="/add_files")
        assert list(tmp_path.glob("r2n2-app-*/**/*.png"))
        process.send_signal(number)
        assert process.wait(30) == code
    assert (tmp_path / "errors").read_text().strip() == ""
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "errors"]


def test_a_missing_extra_and_a_taken_port_are_reported(model: Reconstructor, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(server, "find_spec", lambda name: None)
        with pytest.raises(UserError, match=r"needs gradio, .* pip install '\.\[app\]'"):
            server.run_app(model)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match=r"Port \d+ cannot be used"):
            server._listen(taken.getsockname()[1])
        monkeypatch.setattr(server, "PORT", taken.getsockname()[1])
        with server._listen(None) as free:
            assert free.getsockname()[1] != taken.getsockname()[1]
