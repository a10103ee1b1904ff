"""The page: pictures on the left, the shape to turn on the right, and downloads in every file format below it."""

import html
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import gradio as gr
from PIL import Image

from r2n2.app.downloads import links
from r2n2.app.uploads import MAX_PICTURES, read_upload
from r2n2.app.visit import Visit
from r2n2.config import THRESHOLD
from r2n2.data.sample import sample_folder
from r2n2.errors import UserError
from r2n2.shapes.picture import view_image
from r2n2.shapes.reconstruction import Reconstruction, Reconstructor

SAMPLE = "03001627"  # category of the example, its first object
SAMPLE_VIEWS = 3
SWEEP, KEPT = 60, 300  # seconds between sweeps, and until a file is removed; browsers fetch it only once, at once
CAMERA = (35, 65, 1.7)  # degrees around, degrees from above, and distance in edges of the grid's cube
# Gradio sends the last value of a generator twice; while its viewer is loading, the second one cancels the first.
UNCHANGED = (gr.skip(),) * 8
WELCOME = "Add a picture to begin. Further views of the same object refine the shape."
CSS = files("r2n2.app").joinpath("style.css").read_text(encoding="utf-8")
THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.blue,
    neutral_hue=gr.themes.colors.slate,
    radius_size=gr.themes.sizes.radius_lg,
    font=("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"),
    font_mono=("ui-monospace", "monospace"),
)


class Page:
    """The event handlers. Tabs share the network and the folder; a tab's only state is its Visit, passed in and out.

    shelf: the newest shape of each visit, by the visit's token, for downloads.
    """

    def __init__(self, model: Reconstructor, folder: Path) -> None:
        self.model, self.folder = model, folder
        self.shelf: dict[str, Reconstruction] = {}

    def add_files(
        self, pictures: list[tuple[str, str | None]] | None, visit: Visit | None, threshold: float
    ) -> Iterator[tuple]:
        """Add uploaded pictures to the shape one by one, and update the page after each."""
        paths, visit = tuple(path for path, _ in pictures or ()), visit or Visit()
        # If pictures are added before the page has cleared the last ones, those arrive again, ahead of the new ones.
        known = len(visit.taken) if paths[: len(visit.taken)] == visit.taken != paths else 0
        yield from self._add(paths[known:], replace(visit, taken=paths), threshold)

    def add_snapshot(self, path: str | None, visit: Visit | None, threshold: float) -> Iterator[tuple]:
        """Add a picture from the camera or the clipboard to the shape."""
        yield from self._add((path,) if path else (), visit or Visit(), threshold)

    def _add(self, paths: Sequence[str], visit: Visit, threshold: float) -> Iterator[tuple]:
        problems, seconds = [], None
        if len(paths) > MAX_PICTURES:
            problems.append(f"Only the first {MAX_PICTURES} of {len(paths)} pictures were added; add the others next.")
        for path in paths[:MAX_PICTURES]:
            try:
                visit, seconds = self._fold(visit, read_upload(path, self.folder))
                number = len(visit.shapes)
                problems += [doubt.replace("Picture 1", f"View {number}") for doubt in visit.shapes[-1].warnings]
            except UserError as error:
                problems.append(str(error))
            yield self.shown(visit, threshold, problems, seconds)
        yield UNCHANGED

    def example(self, visit: Visit | None, threshold: float) -> Iterator[tuple]:
        """Replace the tab's shape by that of a bundled object that training never saw."""
        visit = (visit or Visit()).clear()
        with sample_folder() as folder:
            paths = sorted((folder / "ShapeNetRendering" / SAMPLE).glob("*/rendering/*.png"))[:SAMPLE_VIEWS]
            for path in paths:
                with Image.open(path) as picture:
                    visit, seconds = self._fold(visit, picture.convert("RGBA"))
                yield self.shown(visit, threshold, seconds=seconds)
        yield UNCHANGED

    def undo(self, visit: Visit | None, threshold: float) -> tuple:
        return self.shown(visit and visit.undo(), threshold)

    def clear(self, visit: Visit | None, threshold: float) -> tuple:
        return self.shown(visit and visit.clear(), threshold)

    def shown(
        self,
        visit: Visit | None,
        threshold: float,
        problems: Sequence[str] = (),
        seconds: float | None = None,
    ) -> tuple:
        """What the page shows for a visit: a value for each of the `outputs` in `build`.

        problems: one sentence each; seconds: how long the newest view took.
        """
        visit = visit or Visit()
        shape = visit.shape and replace(visit.shape, threshold=threshold)
        surface, downloads, line, problems = None, "", WELCOME, list(problems)
        if shape is None:
            self.shelf.pop(visit.token, None)
        else:
            self.shelf[visit.token] = shape
            line = _described(visit, shape, seconds)
            if shape.voxels.any():
                surface, downloads = self._surface(shape), links(visit.token, threshold)
            else:
                problems.append(
                    f"No voxel is above the threshold {threshold:g}; the highest occupancy is "
                    f"{shape.occupancy.max():.2f}: choose a lower threshold."
                )
        views = [(view_image(each.views[0]), f"view {number}") for number, each in enumerate(visit.shapes, start=1)]
        buttons = gr.Button(interactive=shape is not None), gr.Button(interactive=shape is not None)
        return visit, None, None, views, surface, _status(line, problems) + downloads, *buttons

    def forget(self, visit: Visit | None) -> None:
        """Drop the shape of a tab that was closed."""
        if visit is not None:
            self.shelf.pop(visit.token, None)

    def _fold(self, visit: Visit, picture: Image.Image) -> tuple[Visit, float]:
        start = time.perf_counter()
        visit = visit.add(self.model, picture)
        return visit, time.perf_counter() - start

    def _surface(self, shape: Reconstruction) -> str:
        with NamedTemporaryFile(dir=self.folder, prefix="shape-", suffix=".glb", delete=False) as file:
            shape.save(file.name)
        return file.name


def _status(line: str, problems: Sequence[str] = ()) -> str:
    return f'<p class="line">{line}</p>' + "".join(f'<p class="problem">{html.escape(each)}</p>' for each in problems)


def _described(visit: Visit, shape: Reconstruction, seconds: float | None) -> str:
    count = len(visit.shapes)
    words = [f"{count} view{'s' * (count > 1)}", f"{int(shape.voxels.sum()):,} of {shape.voxels.size:,} voxels"]
    if seconds is not None:
        words.append(f"view {count} took {1000 * seconds:.0f} ms")
    return " · ".join(words)


def build(page: Page) -> gr.Blocks:
    """Build the components of the page and connect their events."""
    with gr.Blocks(title="r2n2", analytics_enabled=False, delete_cache=(SWEEP, KEPT)) as blocks:
        visit = gr.State(None, delete_callback=page.forget)
        gr.HTML(
            "<header><h1>r2n2</h1><p>Pictures of one object in, its shape out. "
            "Each new view updates the shape from the views before it.</p></header>"
        )
        with gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=320):
                with gr.Tab("Pictures"):
                    pictures = gr.Gallery(
                        show_label=False, sources=["upload"], file_types=["image"], height=190, elem_id="pictures"
                    )
                with gr.Tab("Camera or clipboard"):
                    snapshot = gr.Image(
                        show_label=False,
                        sources=["webcam", "clipboard"],
                        type="filepath",
                        image_mode=None,
                        format="png",
                        webcam_options=gr.WebcamOptions(mirror=False),
                        height=300,  # below 290 its prompt covers its buttons
                        elem_id="snapshot",
                    )
                views = gr.Gallery(
                    label="Views, as the network sees them",
                    interactive=False,
                    columns=4,
                    height=190,
                    fit_columns=False,
                    object_fit="contain",
                    format="png",
                    buttons=[],
                    elem_id="views",
                )
                with gr.Row():
                    undo = gr.Button("Undo", interactive=False, min_width=80, size="md", elem_id="undo")
                    clear = gr.Button("Clear", interactive=False, min_width=80, size="md", elem_id="clear")
                    example = gr.Button("Example", min_width=80, size="md", elem_id="example")
            with gr.Column(scale=3, min_width=420):
                surface = gr.Model3D(
                    label="Shape", height=450, clear_color=(0, 0, 0, 0), camera_position=CAMERA, elem_id="shape"
                )
                threshold = gr.Slider(
                    0.05, 0.95, THRESHOLD, step=0.01, label="Occupancy threshold", elem_id="threshold"
                )
                status = gr.HTML(_status(WELCOME), elem_id="status")
        inputs, outputs = [visit, threshold], [visit, pictures, snapshot, views, surface, status, undo, clear]
        # One event at a time across all tabs: the network uses every core anyway, and a tab's events stay in order.
        common: dict[str, Any] = {"concurrency_id": "shape", "concurrency_limit": 1, "show_progress": "hidden"}
        pictures.upload(page.add_files, [pictures, *inputs], outputs, trigger_mode="multiple", **common)
        snapshot.input(page.add_snapshot, [snapshot, *inputs], outputs, trigger_mode="multiple", **common)
        example.click(page.example, inputs, outputs, **common)
        undo.click(page.undo, inputs, outputs, trigger_mode="multiple", **common)
        clear.click(page.clear, inputs, outputs, **common)
        threshold.change(page.shown, inputs, outputs, trigger_mode="always_last", **common)
    return blocks
