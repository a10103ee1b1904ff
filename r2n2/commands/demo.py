"""The demo: reconstruct an object that training never saw from three bundled views, to a mesh and a picture."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from r2n2.data.camera import View
from r2n2.data.sample import sample_folder
from r2n2.data.shapenet import find_models, read_cameras, read_voxels, view_paths
from r2n2.errors import UserError
from r2n2.evaluation.metrics import intersection_over_union
from r2n2.files import written_beside
from r2n2.shapes.drawing import draw_mesh, framed
from r2n2.shapes.formats import MESH_SUFFIXES
from r2n2.shapes.mesh import surface_mesh
from r2n2.shapes.picture import side_by_side, view_image
from r2n2.shapes.reconstruction import Reconstruction, load

OBJECT = "Blend-Swap-CC-0-chairWithCushion"  # part of the name of a model in the bundled sample
VIEWS = (0, 4, 8)


@dataclass(frozen=True)
class DemoResult:
    """The paths of the files, the IoU with the true voxels, warnings, and the seconds that each stage took."""

    mesh: Path
    picture: Path
    iou: float
    warnings: tuple[str, ...]
    seconds: dict[str, float]


def run_demo(output: Path, device: str = "auto", background: str = "auto") -> DemoResult:
    """Reconstruct the demo object into `output` and a PNG with the same name."""
    picture = output.with_suffix(".png")
    if output.suffix.lower() not in MESH_SUFFIXES:
        raise UserError(f"{output} is not the name of a mesh file; use one that ends in {' '.join(MESH_SUFFIXES)}.")
    if picture.is_dir():
        raise UserError(f"The picture would be written to {picture}, which is a folder; choose another name.")
    clock = _Clock()
    model = load(device=device)
    clock.stop("load the network")
    with sample_folder() as folder:
        item = next(model for model in find_models(folder)[0] if OBJECT in model.name)
        paths = view_paths(item)
        shape = model.reconstruct([paths[number] for number in VIEWS], background=background)
        clock.stop("three views to voxels")
        shape.save(output)
        clock.stop("voxels to mesh")
        truth = read_voxels(item)
        iou = intersection_over_union(shape.occupancy, truth)
        sheet = _sheet(shape, truth, read_cameras(item)[VIEWS[0]], iou)
        with written_beside(picture) as temporary:
            sheet.save(temporary)
        clock.stop("draw the picture")
    return DemoResult(output, picture, iou, shape.warnings, clock.seconds)


def _sheet(shape: Reconstruction, truth: np.ndarray, view: View, iou: float) -> Image.Image:
    rebuilt, true = shape.mesh(), surface_mesh(truth.astype(np.float32), 0.5, "blocky")
    view = framed([rebuilt, true], view)  # draw both from the side that the first view shows
    return side_by_side(
        [
            *((view_image(one), f"view {number}") for number, one in enumerate(shape.views, start=1)),
            (draw_mesh(rebuilt, view), f"reconstruction, IoU {iou:.2f}"),
            (draw_mesh(true, view, smooth=False), "truth"),
        ]
    )


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    def stop(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage], self._started = now - self._started, now
