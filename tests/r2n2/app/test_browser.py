"""The app as a person uses it, in Chromium, which can reach nothing outside this machine.

Needs gradio, playwright and Chromium; the CPU draws.
"""

import base64
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops

import r2n2
from r2n2.data.sample import sample_folder
from r2n2.shapes.reconstruction import SUFFIXES, Reconstructor

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[test]'")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium"),
    pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="gradio is not installed"),
]
SWITCHES = (
    "--no-sandbox --use-angle=swiftshader --enable-unsafe-swiftshader --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--use-fake-device-for-media-stream --use-fake-ui-for-media-stream"
)
PATIENCE = 90_000  # milliseconds; without a GPU, and alongside other tests, the viewer takes long to start
# Gradio's own messages: a viewer without a GPU; a shape that is replaced while it loads; the progress of a finished
# upload (printed as "Response"); a camera that closes an event which has just ended, or that closes while it opens.
HARMLESS = re.compile(
    "WebGPU|AbortError: New model is being loaded|upload_progress|/gradio_api/stream/[0-9a-f]+/close$|^Response$|"
    r"^The play\(\) request was interrupted because the media was removed"
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "r2n2", "app", "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}) as app:
        yield re.search(r"http://127\.0\.0\.1:\d+", app.stdout.readline())[0]
        app.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    closed = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=[*SWITCHES.split(), closed])


@pytest.fixture(scope="module")
def views() -> dict[str, list[Path]]:
    with sample_folder() as folder:
        return {
            word: sorted((folder / "ShapeNetRendering").glob(f"{category}/*/rendering/*.png"))[:3]
            for word, category in (("chair", "03001627"), ("table", "04379243"))
        }


@pytest.fixture(scope="module")
def model() -> Reconstructor:
    return r2n2.load(device="cpu")


class Tab:
    """One visitor's window. `wrong` collects the page's errors and its requests to any other address."""

    def __init__(self, browser: "playwright.Browser", address: str) -> None:
        self.wrong: list[str] = []
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, permissions=["camera", "clipboard-read", "clipboard-write"]
        )
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self.heard)
        self.page.on("request", lambda request: self.asked(request.url, address))
        self.page.goto(address)
        self.page.wait_for_selector("#example")

    def heard(self, message: "playwright.ConsoleMessage") -> None:
        place = message.location.get("url", "")
        if message.type == "error" and not (HARMLESS.search(message.text) or HARMLESS.search(place)):
            self.wrong.append(f"{message.text} {place}")

    def asked(self, url: str, address: str) -> None:
        if not url.startswith((address, f"blob:{address}", "data:")):
            self.wrong.append(f"asked for {url}")

    def add(self, *paths: Path) -> None:
        self.page.locator("#pictures input[type=file]").set_input_files(paths)

    def upload_by(self, button: str) -> None:
        """Press a button until its picture is being uploaded: Gradio shows buttons before anything listens to them."""
        for patience in (10_000, 20_000, PATIENCE):
            try:
                with self.page.expect_response(lambda response: "/upload" in response.url, timeout=patience):
                    self.page.locator(button).click()
                return
            except playwright.TimeoutError as error:
                missed = error
        raise missed

    def open_camera(self) -> None:
        """Open the camera until it has a first frame: Gradio closes it if an earlier picture is still being added."""
        for patience in (15_000, 30_000, PATIENCE):
            try:
                self.page.locator("#snapshot button[aria-label='Capture from camera']").click(timeout=patience)
                self.page.get_by_text("Click to Access Webcam").click(timeout=patience)
                frame = "() => document.querySelector('#snapshot video')?.videoWidth > 0"
                self.page.wait_for_function(frame, timeout=patience)
                return
            except playwright.TimeoutError as error:
                missed = error
        raise missed

    def wait(self, words: str) -> str:
        """The text of the status once it contains `words`."""
        self.page.wait_for_function(
            "words => document.querySelector('#status').innerText.includes(words)", arg=words, timeout=PATIENCE
        )
        return self.page.locator("#status").inner_text()

    def surface(self) -> Image.Image:
        """The figure, once it shows something."""
        canvas = self.page.locator("#shape canvas")
        canvas.wait_for()
        for _ in range(PATIENCE // 500):
            self.page.wait_for_timeout(500)
            picture = Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")
            if picture.getextrema()[0][0] < 200:
                return picture
        raise AssertionError("nothing was drawn")


@pytest.fixture
def tabs(browser: "playwright.Browser", address: str) -> Iterator[list[Tab]]:
    opened = [Tab(browser, address), Tab(browser, address)]
    yield opened
    for tab in opened:
        tab.page.context.close()
        assert tab.wrong == []


@pytest.fixture
def tab(browser: "playwright.Browser", address: str) -> Iterator[Tab]:
    opened = Tab(browser, address)
    yield opened
    opened.page.context.close()
    assert opened.wrong == []


def voxels(model: Reconstructor, paths: list[Path], threshold: float = 0.4) -> str:
    return f"{int((model.reconstruct(paths).occupancy > threshold).sum()):,} of 32,768"


def test_each_picture_updates_the_shape_and_the_mouse_turns_it(
    tab: Tab, views: dict[str, list[Path]], model: Reconstructor
) -> None:
    assert "Add a picture" in tab.wait("Add a picture")
    for count in (1, 2, 3):
        tab.add(views["chair"][count - 1])
        assert voxels(model, views["chair"][:count]) in tab.wait(f"{count} view")
        assert tab.page.locator("#views img").count() == count
    before = tab.surface()
    box = tab.page.locator("#shape canvas").bounding_box()
    tab.page.mouse.move(box["x"] + 200, box["y"] + 200)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 420, box["y"] + 180, steps=10)
    tab.page.mouse.up()
    tab.page.wait_for_timeout(1500)
    assert ImageChops.difference(before, tab.surface()).getbbox() is not None


def test_threshold_undo_and_clear_change_the_shape(
    tab: Tab, views: dict[str, list[Path]], model: Reconstructor
) -> None:
    tab.add(*views["chair"])
    tab.wait("3 views")
    tab.surface()  # drawn before it changes: Gradio reports an error if a shape loads while another is still loading
    number = tab.page.locator("#threshold input[type=number]")
    number.fill("0.7")
    number.press("Tab")
    tab.wait(voxels(model, views["chair"], 0.7))
    tab.surface()
    tab.page.click("#undo")
    assert voxels(model, views["chair"][:2], 0.7) in tab.wait("2 views")
    tab.page.click("#clear")
    tab.wait("Add a picture")
    assert tab.page.locator("#undo").is_disabled()
    assert tab.page.locator(".downloads a").count() == 0


def test_every_format_has_a_download_link(tab: Tab) -> None:
    tab.page.click("#example")
    tab.wait("3 views")
    links = tab.page.locator(".downloads a")
    assert {f".{text}" for text in links.all_inner_texts()} == set(SUFFIXES)
    for link in links.all():
        with tab.page.expect_download() as download:
            link.click()
        assert download.value.suggested_filename == f"shape.{link.inner_text()}"
        assert Path(download.value.path()).stat().st_size > 1000


def test_each_refused_picture_gets_a_message_and_the_rest_are_added(
    tab: Tab, views: dict[str, list[Path]], tmp_path: Path
) -> None:
    (tmp_path / "<b>bad.png").write_bytes(b"no picture")
    Image.new("RGB", (8, 8)).save(tmp_path / "tiny.png")
    Image.new("L", (9000, 9000)).save(tmp_path / "many.png")
    tab.add(tmp_path / "<b>bad.png", tmp_path / "tiny.png", views["chair"][0], tmp_path / "many.png")
    said = tab.wait("megapixels")
    assert "1 view ·" in said
    assert tab.page.locator("#status .problem").count() == 3
    assert tab.page.locator("#status .problem b").count() == 0
    assert "/" not in "".join(tab.page.locator("#status .problem").all_inner_texts())
    tab.page.wait_for_timeout(500)
    tab.wrong.clear()  # a file that is not a picture cannot be shown while it is uploaded


def test_pictures_from_the_camera_and_the_clipboard_are_added_too(tab: Tab, views: dict[str, list[Path]]) -> None:
    tab.page.get_by_role("tab", name="Camera or clipboard").click()
    tab.page.evaluate(
        """async data => {
            const blob = await (await fetch("data:image/png;base64," + data)).blob();
            await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        base64.b64encode(views["chair"][0].read_bytes()).decode(),
    )
    tab.upload_by("#snapshot button[aria-label='Paste from clipboard']")
    tab.wait("1 view ·")
    tab.open_camera()
    tab.upload_by("#snapshot button[aria-label='capture photo']")
    tab.wait("2 views ·")


def test_the_shapes_of_two_visitors_do_not_mix(
    tabs: list[Tab], views: dict[str, list[Path]], model: Reconstructor
) -> None:
    first, second = tabs
    for number, said in enumerate(("1 view ·", "2 views")):
        first.add(views["chair"][number])
        second.add(views["table"][number])
        first.wait(said)
        second.wait(said)
    assert voxels(model, views["chair"][:2]) in first.wait("2 views")
    assert voxels(model, views["table"][:2]) in second.wait("2 views")
    first.page.click("#undo")
    assert voxels(model, views["chair"][:1]) in first.wait("1 view ·")
    assert "2 views" in second.wait("views")
