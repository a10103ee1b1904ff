"""The page: pictures on the left, the shape to turn on the right, every file format below it."""

import html
import time
from collections.abc import Iterator
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
from r2n2.data.sample import sample_folder
from r2n2.errors import UserError
from r2n2.evaluation.metrics import THRESHOLD
from r2n2.shapes.picture import view_image
from r2n2.shapes.reconstruction import Reconstruction, Reconstructor

SAMPLE = "03001627"  # the category whose first object is the example
SAMPLE_VIEWS = 3
KEPT = 3600  # seconds that a file of the page stays, and a tab that sends nothing
CSS = files("r2n2.app").joinpath("style.css").read_text(encoding="utf-8")
THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.blue,
    neutral_hue=gr.themes.colors.slate,
    radius_size=gr.themes.sizes.radius_lg,
    font=("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"),
    font_mono=("ui-monospace", "monospace"),
)


class Page:
    """What each event does. The network and the folder are shared; all that a tab has is its Visit, handed in and out.

    shelf: the newest shape of each visit by its token, for downloads.
    """

    def __init__(self, model: Reconstructor, folder: Path) -> None:
        self.model, self.folder = model, folder
        self.shelf: dict[str, Reconstruction] = {}

    def add(self, pictures: list[tuple[str, Any]] | None, visit: Visit | None, threshold: float) -> Iterator[tuple]:
        """Fold uploaded pictures in, one by one; the page follows after each."""
        problems, paths = [], [path for path, _ in pictures or []]
        for path in paths[MAX_PICTURES:]:
            Path(path).unlink(missing_ok=True)
        if len(paths) > MAX_PICTURES:
            problems.append(f"Only the first {MAX_PICTURES} of {len(paths)} pictures were taken.")
        for path in paths[:MAX_PICTURES]:
            try:
                visit, seconds = self._fold(visit or Visit(), read_upload(path))
                yield self.shown(visit, threshold, problems, seconds)
            except UserError as error:
                problems.append(str(error))
        if problems or not paths:
            yield self.shown(visit or Visit(), threshold, problems)

    def example(self, threshold: float) -> Iterator[tuple]:
        """A bundled object that training never saw, in place of what the tab had."""
        visit = Visit()
        with sample_folder() as folder:
            paths = sorted((folder / "ShapeNetRendering" / SAMPLE).glob("*/rendering/*.png"))[:SAMPLE_VIEWS]
            for path in paths:
                with Image.open(path) as picture:
                    visit, seconds = self._fold(visit, picture.convert("RGBA"))
                yield self.shown(visit, threshold, [], seconds)

    def _fold(self, visit: Visit, picture: Image.Image) -> tuple[Visit, float]:
        start = time.perf_counter()
        visit = visit.add(self.model, picture)
        return visit, time.perf_counter() - start

    def shown(
        self, visit: Visit | None, threshold: float, problems: list[str] | None = None, seconds: float | None = None
    ) -> tuple:
        """What the page shows of a visit: values of OUTPUTS, in their order."""
        visit, problems = visit or Visit(), list(problems or [])
        count = len(visit.shapes)
        views = [(view_image(shape.views[0]), f"view {number}") for number, shape in enumerate(visit.shapes, start=1)]
        surface, downloads, line = (
            None,
            "",
            "Drop a picture to begin; more views of the same object make the shape better.",
        )
        if visit.shape is None:
            self.shelf.pop(visit.token, None)
        else:
            shape = self.shelf[visit.token] = replace(visit.shape, threshold=threshold)
            occupied = int(shape.voxels.sum())
            line = f"{count} view{'s' * (count > 1)} · {occupied:,} of {shape.voxels.size:,} voxels"
            line += f" · view {count} folded in {1000 * seconds:.0f} ms" if seconds is not None else ""
            if occupied:
                surface, downloads = self._surface(shape), links(visit.token, threshold)
            else:
                problems.append(
                    f"No voxel is above the threshold {threshold:g}; the highest occupancy is "
                    f"{shape.occupancy.max():.2f}: choose a lower threshold."
                )
        return (
            visit,
            None,
            views,
            surface,
            f'<p class="line">{line}</p>' + "".join(f'<p class="problem">{html.escape(each)}</p>' for each in problems),
            downloads,
            gr.Button(interactive=count > 0),
            gr.Button(interactive=count > 0),
        )

    def _surface(self, shape: Reconstruction) -> str:
        with NamedTemporaryFile(dir=self.folder, prefix="shape-", suffix=".glb", delete=False) as file:
            shape.save(file.name)
        return file.name

    def forget(self, visit: Visit | None) -> None:
        """A tab was closed."""
        if visit is not None:
            self.shelf.pop(visit.token, None)


def build(page: Page) -> gr.Blocks:
    """The components and their wiring."""
    with gr.Blocks(title="r2n2", analytics_enabled=False, delete_cache=(KEPT // 6, KEPT), fill_width=True) as blocks:
        visit = gr.State(None, time_to_live=KEPT, delete_callback=page.forget)
        gr.HTML(
            "<header><h1>r2n2</h1><p>Pictures of one object in, its shape out. Each new view is folded into what the "
            "views before it left.</p></header>"
        )
        with gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=320):
                pictures = gr.Gallery(
                    label="Add pictures",
                    sources=["upload", "webcam", "clipboard"],
                    file_types=["image"],
                    height=210,
                    elem_id="pictures",
                )
                views = gr.Gallery(
                    label="Views, as the network sees them",
                    interactive=False,
                    columns=4,
                    height=250,
                    object_fit="contain",
                    format="png",
                    buttons=[],
                    elem_id="views",
                )
                with gr.Row():
                    undo = gr.Button("Undo", interactive=False, min_width=80, elem_id="undo")
                    clear = gr.Button("Clear", interactive=False, min_width=80, elem_id="clear")
                    example = gr.Button("Example", min_width=80, elem_id="example")
            with gr.Column(scale=3, min_width=420):
                surface = gr.Model3D(
                    label="Shape",
                    height=470,
                    clear_color=(0, 0, 0, 0),
                    camera_position=(40, 65, None),
                    elem_id="shape",
                )
                threshold = gr.Slider(
                    0.05, 0.95, THRESHOLD, step=0.01, label="Threshold of occupancy", elem_id="threshold"
                )
                status = gr.HTML(elem_id="status")
                downloads = gr.HTML(elem_id="downloads")
        outputs = [visit, pictures, views, surface, status, downloads, undo, clear]
        # One event at a time, over all tabs: the network uses every core anyway, and a tab's events keep their order.
        common = {"concurrency_id": "shape", "concurrency_limit": 1, "show_progress": "hidden"}
        blocks.load(page.shown, [visit, threshold], outputs, **common)
        pictures.upload(page.add, [pictures, visit, threshold], outputs, trigger_mode="multiple", **common)
        example.click(page.example, [threshold], outputs, **common)
        undo.click(lambda visit, t: page.shown(visit and visit.undo(), t), [visit, threshold], outputs, **common)
        clear.click(lambda visit, t: page.shown(visit and visit.clear(), t), [visit, threshold], outputs, **common)
        threshold.change(page.shown, [visit, threshold], outputs, trigger_mode="always_last", **common)
    return blocks
