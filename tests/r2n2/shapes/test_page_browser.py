"""The page in a real browser: the tests move the controls as a person does, and the figure must follow.

Needs Chromium (any recent one on the PATH) and playwright; the CPU draws.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh
from pages import EVIL, growing_ball, page_of

from r2n2.shapes.mesh import surface_mesh
from r2n2.shapes.page import frame

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[test]'")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium")
SWITCHES = (
    "--no-sandbox --use-angle=swiftshader --enable-unsafe-swiftshader --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
STEPS = growing_ball(3)
DRAWN = "#figure[data-triangles][data-moving=false]"


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=SWITCHES.split())


@pytest.fixture
def show(browser: "playwright.Browser", tmp_path: Path) -> Iterator[Callable[..., "playwright.Page"]]:
    """Open a document in a window of its own. Errors, and requests for anything but the file itself, fail the test."""
    contexts, wrong = [], []

    def opened(document: str, **window: object) -> "playwright.Page":
        window = {"viewport": {"width": 800, "height": 480}, "reduced_motion": "reduce", **window}
        context = browser.new_context(**window)
        contexts.append(context)
        tab = context.new_page()
        file = tmp_path / f"{len(contexts)}.html"
        file.write_text(document, encoding="utf-8")
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda message: message.type in ("error", "warning") and wrong.append(message.text))
        tab.on("dialog", lambda dialog: wrong.append(dialog.message))
        tab.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))
        tab.goto(file.as_uri())
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def drawn(tab: "playwright.Page") -> bytes:
    """A screenshot of the figure once it no longer moves."""
    tab.wait_for_selector(DRAWN)
    tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return tab.locator("#figure canvas").screenshot()


def occupied(tab: "playwright.Page") -> int:
    return int(tab.locator("#figure").get_attribute("data-occupied"))


def test_the_sliders_show_the_same_voxels_as_python(show: Callable[..., "playwright.Page"]) -> None:
    tab = show(page_of(STEPS))
    seen = {drawn(tab)}
    for step in (1, 2, 3):
        tab.locator("#step").fill(str(step))
        for threshold in (0.4, 0.435):
            tab.locator("#threshold").fill(str(threshold))
            seen.add(drawn(tab))
            assert occupied(tab) == (STEPS[step - 1] > np.float32(threshold)).sum()
        assert tab.locator("#step-value").inner_text() == f"{step} of 3 views"
        assert "current" in tab.locator("#views li").nth(step - 1).get_attribute("class")
    assert tab.locator("#threshold-value").inner_text() == "0.435"
    assert len(seen) == 6  # the picture from the start appears again


def test_a_click_on_a_view_shows_its_step(show: Callable[..., "playwright.Page"]) -> None:
    tab = show(page_of(STEPS))
    last = drawn(tab)
    tab.locator("#views button").nth(0).click()
    assert drawn(tab) != last
    assert tab.locator("#step").input_value() == "1"
    assert occupied(tab) == (STEPS[0] > 0.4).sum()


def test_a_change_of_step_is_animated(show: Callable[..., "playwright.Page"]) -> None:
    tab = show(page_of(STEPS), reduced_motion="no-preference")
    drawn(tab)
    tab.evaluate("""() => {
        const frames = [];
        window.requestAnimationFrame = (frame) => frames.push(frame);
        performance.now = () => 0;
        window.triangles = (now) => {
            for (const frame of frames.splice(0)) frame(now);
            const { triangles, moving } = document.getElementById("figure").dataset;
            return [+triangles, moving];
        };
    }""")
    tab.locator("#step").fill("1")
    grown = [tab.evaluate(f"triangles({now})") for now in (-5, 100, 180, 280)]
    assert [moving for _, moving in grown] == ["true", "true", "true", "false"]
    counts = [count for count, _ in grown]
    assert counts == sorted(set(counts), reverse=True)
    assert occupied(tab) == (STEPS[0] > 0.4).sum()


def test_the_surface_and_the_colour_can_be_chosen(show: Callable[..., "playwright.Page"]) -> None:
    tab = show(page_of(STEPS, style="blocky"))
    assert tab.locator("input[value=blocky]").is_checked()
    pictures = [drawn(tab)]
    tab.get_by_text("Smooth").click()
    pictures.append(drawn(tab))
    assert not tab.locator("#legend").is_visible()
    tab.get_by_text("Written by view", exact=True).click()
    pictures.append(drawn(tab))
    assert tab.locator("#legend").inner_text().split("\n") == ["Written by view 3", "20 %", "60 %"]
    assert tab.locator("#note").inner_text() == "What a view wrote."
    tab.locator("#step").fill("2")  # its gates rise along another axis
    pictures.append(drawn(tab))
    assert tab.locator("#legend-title").inner_text() == "Written by view 2"
    assert len(set(pictures)) == 4


def test_gates_are_painted_at_their_place_in_the_grid(show: Callable[..., "playwright.Page"]) -> None:
    tab = show(page_of(STEPS[:1]))
    drawn(tab)
    ramp = "{side: 4, values: Array.from({length: 64}, (_, at) => Math.floor(at / 16))}"  # the cell's x
    for x, expected in ((-0.5, 0), (-0.375, 0), (-0.25, 0.5), (0, 1.5), (0.375, 3), (0.5, 3)):
        assert tab.evaluate(f"sampleGrid({ramp}, {x}, 0.3, -0.2)") == pytest.approx(expected)
    colors = np.array(
        tab.evaluate("""() => {
        const mesh = { positions: Float32Array.from([-0.5, 0, 0, 0.5, 0, 0]) };
        return [...vertexColors(mesh, (x) => x + 0.5)];
    }""")
    ).reshape(2, 3)
    assert colors[0].argmax() == 2  # blue where little was written
    assert colors[1].argmax() == 0


@pytest.mark.parametrize("surface", ["smoothSurface", "blockySurface"])
def test_surfaces_are_closed_and_match_those_of_the_files(show: Callable[..., "playwright.Page"], surface: str) -> None:
    tab = show(page_of(STEPS[:1]))
    drawn(tab)
    field = np.roll(STEPS[1], 12, axis=0)  # a ball that the border cuts in half
    field[10:14, 14:, 10:18] = 0
    values = [float(value) for value in field.ravel()]
    found = tab.evaluate(
        f"""(values) => {{
            const mesh = {surface}({{ values: Float32Array.from(values), side: 32 }}, 0.4);
            return [[...mesh.positions], [...mesh.indices]];
        }}""",
        values,
    )
    mesh = trimesh.Trimesh(np.reshape(found[0], (-1, 3)), np.reshape(found[1], (-1, 3)))
    if surface == "blockySurface":  # voxels that share only an edge share it four times: count faces, not edges
        assert mesh.volume == pytest.approx((field > 0.4).sum() / 32**3)
        assert mesh.area * 32**2 == pytest.approx(exposed(field > 0.4))
    else:
        expected = surface_mesh(field, 0.4)
        assert mesh.is_watertight
        assert mesh.is_winding_consistent
        assert mesh.volume == pytest.approx(expected.volume, rel=0.02)
        np.testing.assert_allclose(mesh.bounds, expected.bounds, atol=0.5 / 32)


def exposed(voxels: np.ndarray) -> int:
    """Faces between an occupied and an empty voxel."""
    padded = np.pad(voxels, 1)
    return sum(int((np.diff(padded, axis=axis)).sum()) for axis in range(3))


def test_mouse_wheel_and_keys_turn_and_zoom_the_figure(show: Callable[..., "playwright.Page"]) -> None:
    steps = STEPS.copy()
    steps[:, :10] = 0  # a cut ball, whose sides differ
    tab = show(page_of(steps))
    start = drawn(tab)
    assert tab.locator("#hint").evaluate("(hint) => getComputedStyle(hint).opacity") == "1"
    tab.mouse.move(300, 300)
    tab.mouse.down()
    tab.mouse.move(420, 330, steps=4)
    tab.mouse.up()
    turned = drawn(tab)
    tab.mouse.move(500, 300)  # without a pressed button, nothing turns
    assert drawn(tab) == turned
    tab.mouse.wheel(0, -300)
    zoomed = drawn(tab)
    tab.locator("#figure").press("ArrowLeft")
    pressed = drawn(tab)
    assert len({start, turned, zoomed, pressed}) == 4
    tab.mouse.dblclick(300, 300)
    back = drawn(tab)
    tab.locator("#figure").press("ArrowRight")
    tab.locator("#figure").press("Home")
    assert drawn(tab) == back


@pytest.mark.parametrize(("kind", "how"), [(1, "scroll"), (2, "pinch"), (4, "scroll")])
def test_the_hint_suits_no_pointer_a_finger_and_a_mouse(
    browser: "playwright.Browser", tmp_path: Path, kind: int, how: str
) -> None:
    pointer = f"--blink-settings=primaryPointerType={kind},availablePointerTypes={kind}"
    (tmp_path / "page.html").write_text(page_of(STEPS), encoding="utf-8")
    with browser.browser_type.launch(executable_path=CHROMIUM, args=[*SWITCHES.split(), pointer]) as another:
        tab = another.new_page()
        tab.goto((tmp_path / "page.html").as_uri())
        assert tab.locator("#hint").inner_text() == f"drag to turn · {how} to zoom"


def test_one_finger_turns_and_two_zoom(show: Callable[..., "playwright.Page"]) -> None:
    steps = STEPS.copy()
    steps[:, :10] = 0
    tab = show(page_of(steps), viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    pictures = [drawn(tab)]
    touch = tab.context.new_cdp_session(tab)

    def fingers(kind: str, *points: tuple[int, int]) -> None:
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    fingers("touchStart", (200, 200))
    fingers("touchMove", (260, 210))
    fingers("touchEnd")
    pictures.append(drawn(tab))
    fingers("touchStart", (180, 200), (220, 200))
    fingers("touchMove", (150, 200), (250, 200))
    fingers("touchEnd")
    pictures.append(drawn(tab))
    assert len(set(pictures)) == 3
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert tab.evaluate("scrollY") == 0


def test_an_empty_shape_is_reported_until_the_threshold_is_lowered(show: Callable[..., "playwright.Page"]) -> None:
    tab = show(page_of(STEPS * np.float32(0.3)))
    drawn(tab)
    assert occupied(tab) == 0
    message = tab.locator("#message").inner_text()
    assert message == "No voxel is above the threshold; the highest occupancy is 0.30. Lower the threshold."
    assert tab.locator("#views img").count() == 3
    empty = drawn(tab)
    tab.locator("#threshold").fill("0.1")
    assert drawn(tab) != empty
    assert tab.locator("#message").inner_text() == ""


def test_names_and_titles_with_markup_are_shown_as_text(show: Callable[..., "playwright.Page"]) -> None:
    title = "".join(EVIL)
    tab = show(page_of(growing_ball(len(EVIL)), EVIL, title))
    drawn(tab)
    for number, name in enumerate(EVIL):
        tab.locator("#views button").nth(number).hover()
        assert tab.locator("#views span").nth(number).text_content() == name
    assert tab.evaluate("window.evil") is None
    assert tab.locator("h1").text_content() == title
    assert tab.title().split() == title.split()


@pytest.mark.parametrize("width", [360, 800])
def test_many_views_fit_the_page_and_the_current_one_stays_visible(
    show: Callable[..., "playwright.Page"], width: int
) -> None:
    tab = show(page_of(growing_ball(20)), viewport={"width": width, "height": 600})
    drawn(tab)
    for control in ("#views", "#step", "#threshold", "#occupied"):
        box = tab.locator(control).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    for step in (20, 1, 10):
        tab.locator("#step").fill(str(step))
        drawn(tab)
        views, current = (tab.locator(place).bounding_box() for place in ("#views", "#views .current"))
        for start, side in (("x", "width"), ("y", "height")):
            assert views[start] - 1 <= current[start]
            assert current[start] + current[side] <= views[start] + views[side] + 1


def test_a_single_view_has_no_step_slider(show: Callable[..., "playwright.Page"]) -> None:
    tab = show(page_of(STEPS[:1]))
    drawn(tab)
    assert not tab.locator("#step").is_visible()
    assert tab.locator("#threshold").is_visible()


def test_the_page_is_dark_or_light_as_the_system_is(show: Callable[..., "playwright.Page"]) -> None:
    tab = show(page_of(STEPS), color_scheme="light")
    pictures, colors = [], []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        pictures.append(drawn(tab))
        colors.append(tab.evaluate("getComputedStyle(document.body).color"))
    assert colors == ["rgb(28, 32, 38)", "rgb(236, 239, 243)"]
    assert pictures[0] != pictures[1]


def test_the_figure_is_restored_after_its_webgl_context_is_lost(show: Callable[..., "playwright.Page"]) -> None:
    tab = show(page_of(STEPS))
    before = drawn(tab)
    tab.evaluate(
        "document.querySelector('canvas').getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()"
    )
    tab.wait_for_timeout(300)
    assert tab.locator("canvas").count() == 1
    assert drawn(tab) == before


def test_several_figures_work_in_one_notebook(show: Callable[..., "playwright.Page"]) -> None:
    frames = [frame(page_of(STEPS[:count], title=f"shape {count}")) for count in (1, 2, 3)]
    tab = show(f"<!DOCTYPE html><title>notebook</title>{'<hr>'.join(frames)}", viewport={"width": 1000, "height": 2000})
    for number in range(3):
        inner = tab.frame_locator("iframe").nth(number)
        inner.locator(DRAWN).wait_for()
        assert inner.locator("h1").inner_text() == f"shape {number + 1}"
        assert inner.locator("#views li").count() == number + 1
        assert int(inner.locator("#figure").get_attribute("data-occupied")) == (STEPS[number] > 0.4).sum()


def test_the_wheel_scrolls_a_notebook_until_the_figure_is_clicked(show: Callable[..., "playwright.Page"]) -> None:
    tab = show(f"<!DOCTYPE html><title>notebook</title>{frame(page_of(STEPS[:1]))}<div style='height: 900px'></div>")
    inner = tab.frame_locator("iframe")
    inner.locator(DRAWN).wait_for()
    tab.mouse.move(200, 200)
    tab.mouse.wheel(0, 100)
    tab.wait_for_function("scrollY === 100")
    figure, canvas = inner.locator("#figure"), inner.locator("#figure canvas")
    figure.evaluate("() => { window.wheels = 0; addEventListener('wheel', () => wheels++, { passive: true }) }")
    figure.click()
    for _ in range(5):  # a busy Chrome sometimes gives the page an event that was meant for a frame in it
        before, scrolled = canvas.screenshot(), tab.evaluate("scrollY")
        tab.mouse.wheel(0, 100)
        tab.wait_for_timeout(1000)
        if figure.evaluate("() => wheels"):
            break
    else:
        pytest.fail("no wheel event reached the figure")
    assert tab.evaluate("scrollY") == scrolled and canvas.screenshot() != before
