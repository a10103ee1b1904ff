"""From meshes to a ShapeNet-style folder: views, camera metadata and solid voxels of every object.

    ShapeNetRendering/<category>/<model>/rendering/00.png ... , renderings.txt, rendering_metadata.txt
    ShapeNetVox32/<category>/<model>/model.binvox
    sources.json                                     where each model came from, by whom, under which licence

A model whose binvox file stands is finished, so a run that was cut off goes on where it stopped.
A variant is the same object with each axis stretched a little; its name is the model's with "~1", "~2", ...
"""

import json
import os
import zlib
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from r2n2.data.binvox import VoxelGrid, write_binvox
from r2n2.data.camera import draw_views
from r2n2.data.categories import category_folder
from r2n2.data.render import render
from r2n2.data.shapenet import VARIANT_MARK
from r2n2.data.surface import Surface, read_surface
from r2n2.data.voxelize import voxelize
from r2n2.errors import UserError
from r2n2.files import written_beside
from r2n2.progress import progress

RENDERERS = ("light", "blender")


@dataclass(frozen=True)
class MeshSource:
    """One object to prepare: its mesh file, category word, model name, rotation (3, 3) to y up, and origin."""

    mesh: Path
    category: str
    name: str
    rotation: np.ndarray = field(default_factory=lambda: np.eye(3))
    record: dict[str, str] = field(default_factory=dict)
    variant: int = 0


@dataclass(frozen=True)
class PrepareConfig:
    """views: pictures of each model; variants: stretched copies of each, by up to exp(+-stretch) on each axis."""

    views: int = 24
    variants: int = 0
    stretch: float = 0.25
    renderer: str = "light"
    seed: int = 0
    workers: int = 0  # 0: one for each core

    def __post_init__(self) -> None:
        if self.renderer not in RENDERERS:
            raise UserError(f"There is no renderer {self.renderer!r}; choose one of {', '.join(RENDERERS)}.")
        if self.views < 1 or self.views > 100:
            raise UserError(f"{self.views} views were asked for; give a number from 1 to 100.")


def prepare(sources: Iterable[MeshSource], folder: str | Path, config: PrepareConfig) -> list[str]:
    """Prepare every source and its variants; returns one sentence for each that failed."""
    folder = Path(folder)
    work = [replace(source, variant=number) for number in range(config.variants + 1) for source in sources]
    if not work:
        raise UserError("There is nothing to prepare: no mesh was found.")
    failures = []
    with ProcessPoolExecutor(config.workers or os.cpu_count()) as pool:
        tasks = [pool.submit(prepare_one, source, folder, config) for source in work]
        for task in progress(tasks, "preparing", unit="model"):
            if (failure := task.result()) is not None:
                failures.append(failure)
    _record(work, folder)
    return failures


def prepare_one(source: MeshSource, folder: Path, config: PrepareConfig) -> str | None:
    """Write one model's files. Returns a sentence if its mesh is unusable, else None."""
    name = source.name + (f"{VARIANT_MARK}{source.variant}" if source.variant else "")
    category = category_folder(source.category)
    binvox = folder / "ShapeNetVox32" / category / name / "model.binvox"
    if binvox.exists():
        return None
    rng = np.random.default_rng([config.seed, zlib.crc32(name.encode())])
    try:
        surface = read_surface(source.mesh).transformed(source.rotation)
    except UserError as error:
        return str(error)
    if source.variant:
        surface = surface.transformed(np.diag(np.exp(rng.uniform(-config.stretch, config.stretch, 3))))
    surface = surface.normalized()
    _write_views(surface, folder / "ShapeNetRendering" / category / name / "rendering", rng, config)
    low = surface.triangles.min(axis=(0, 1))
    write_binvox(binvox, VoxelGrid(voxelize(surface.triangles), tuple(low), surface.longest_edge))
    return None


def _write_views(surface: Surface, folder: Path, rng: np.random.Generator, config: PrepareConfig) -> None:
    views = draw_views(config.views, rng)
    if config.renderer == "blender":
        from r2n2.data.blender import render_views

        pictures = render_views(surface, views)
    else:
        pictures = (render(surface, view) for view in views)
    names = [f"{number:02d}.png" for number in range(len(views))]
    for name, picture in zip(names, pictures, strict=True):
        with written_beside(folder / name) as temporary:
            Image.fromarray(picture).save(temporary)
    for name, lines in (("renderings.txt", names), ("rendering_metadata.txt", [view.metadata() for view in views])):
        with written_beside(folder / name) as temporary:
            temporary.write_text("\n".join(lines) + "\n")


def _record(work: list[MeshSource], folder: Path) -> None:
    path = folder / "sources.json"
    records = json.loads(path.read_text()) if path.exists() else {}
    for source in work:
        if source.record and not source.variant:
            records[f"{category_folder(source.category)}/{source.name}"] = source.record
    with written_beside(path) as temporary:
        temporary.write_text(json.dumps(dict(sorted(records.items())), indent=1) + "\n")
