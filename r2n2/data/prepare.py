"""Turn meshes into a ShapeNet-style folder: views, camera metadata and solid voxels of every object.

    ShapeNetRendering/<category>/<model>/rendering/00.png ... , renderings.txt, rendering_metadata.txt
    ShapeNetVox32/<category>/<model>/model.binvox
    sources.json                                     each model's origin, author and licence

A model whose binvox file exists is finished, so an interrupted run continues where it stopped. A model prepared with
other options is refused, or prepared again on request. With `--shard`, each shard has its own file of records.
A variant is an extra copy for training: the same object with each axis stretched a little, in other materials and under
light that changes from view to view. Its name is the model's followed by "~1", "~2", ...
"""

import json
import shutil
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from r2n2.data import blender, opengl, render
from r2n2.data.binvox import VoxelGrid, write_binvox
from r2n2.data.camera import View, draw_views
from r2n2.data.categories import category_folder
from r2n2.data.lighting import Lighting, draw_lighting
from r2n2.data.packed import is_pack
from r2n2.data.prepared import Options, differences, write_options
from r2n2.data.shards import WHOLE, Shard
from r2n2.data.sources import MeshSource
from r2n2.data.surface import Surface, read_surface
from r2n2.data.voxelize import voxelize
from r2n2.data.workers import by_workers
from r2n2.errors import UserError
from r2n2.files import require_no_file, written_beside

RECORDS = "sources"
Renderer = Callable[[Surface, list[View], list[Lighting]], Iterable[np.ndarray]]
RENDERERS: dict[str, Renderer] = {
    "light": render.render_views,
    "opengl": opengl.render_views,
    "blender": blender.render_views,
}


@dataclass(frozen=True)
class PrepareConfig:
    """views: pictures per model; variants: extra copies of each model, each axis scaled by up to exp(+-stretch);
    shard: which part of the objects; again: prepare models again that were prepared with other options."""

    views: int = 24
    variants: int = 0
    stretch: float = 0.25
    renderer: str = "light"
    seed: int = 0
    workers: int = 0  # 0: one per core
    shard: Shard = WHOLE
    again: bool = False

    def __post_init__(self) -> None:
        if self.renderer not in RENDERERS:
            raise UserError(f"There is no renderer {self.renderer!r}; choose one of {', '.join(RENDERERS)}.")
        if not 1 <= self.views <= 100:
            raise UserError(f"views is {self.views}; it must be from 1 to 100.")
        for name in ("variants", "seed", "workers"):
            if getattr(self, name) < 0:
                raise UserError(f"{name} is {getattr(self, name)}; it must not be negative.")
        if not 0 <= self.stretch <= 2:
            raise UserError(f"stretch is {self.stretch}; it must be from 0 to 2.")


@dataclass(frozen=True)
class Report:
    """How many of the models are in the folder now, how many of them are new, and a message for each that failed."""

    models: int
    new: int
    failures: list[str]


def prepare(sources: Sequence[MeshSource], folder: str | Path, config: PrepareConfig) -> Report:
    """Prepare every source of the shard and its variants.

    Raises UserError if there are no sources, if none could be prepared, or if one exists with other options.
    """
    folder = Path(folder)
    if not sources:
        raise UserError("There is nothing to prepare: no usable mesh was found.")
    require_no_file(folder)
    if is_pack(folder):
        raise UserError(f"{folder} is a pack, to which models cannot be added; choose another folder with -o.")
    mine = [source for source in sources if config.shard.holds(_key(source))]
    work = [replace(source, variant=number) for number in range(config.variants + 1) for source in mine]
    if not config.again:
        _require_same_options(work, folder, config)
    path = folder / f"{RECORDS}{config.shard.mark}.json"
    records = _read_records(path)
    new, failures = 0, []
    outcomes = by_workers(prepare_one, [(source, folder, config) for source in work], config.workers)
    for source, outcome in zip(work, outcomes, strict=True):
        if isinstance(outcome, UserError):
            failures.append(str(outcome))
            continue
        new += outcome
        if source.record and not source.variant:
            records[_key(source)] = source.record
    if work and len(failures) == len(work):
        raise UserError(f"None of the meshes could be used. First error: {failures[0]}")
    with written_beside(path) as temporary:
        temporary.write_text(json.dumps(dict(sorted(records.items())), indent=1) + "\n")
    return Report(len(work) - len(failures), new, failures)


def _key(source: MeshSource) -> str:
    return f"{category_folder(source.category)}/{source.name}"


def _options(source: MeshSource, config: PrepareConfig) -> Options:
    """The options that determine the files of one model."""
    options = {"views": config.views, "renderer": config.renderer, "seed": config.seed}
    rotation = source.rotation.round().astype(int).tolist()
    return options | {"rotation": rotation} | ({"stretch": config.stretch} if source.variant else {})


def _require_same_options(work: Sequence[MeshSource], folder: Path, config: PrepareConfig) -> None:
    """Raise UserError if the folder already holds one of these models, prepared with other options."""
    standing = [source for source in work if _voxels(source, folder).exists()]
    compared = ((source, differences(_voxels(source, folder).parent, _options(source, config))) for source in standing)
    others = [(source, found) for source, found in compared if found]
    if others:
        first, found = others[0]
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise UserError(
            f"Already prepared with {'; '.join(found)}: {_voxels(first, folder).parent}{more}; choose another folder "
            "with -o, or prepare again with --again."
        )


def _voxels(source: MeshSource, folder: Path) -> Path:
    return folder / "ShapeNetVox32" / category_folder(source.category) / source.folder / "model.binvox"


def prepare_one(source: MeshSource, folder: Path, config: PrepareConfig) -> bool:
    """Write one model's files unless they exist already. Return whether they were written.

    Raises UserError if the mesh cannot be used.
    """
    binvox, options = _voxels(source, folder), _options(source, config)
    if binvox.exists():
        if not differences(binvox.parent, options):
            return False
        binvox.unlink()
    rendering = folder / "ShapeNetRendering" / category_folder(source.category) / source.folder / "rendering"
    shutil.rmtree(rendering, ignore_errors=True)  # left by an interrupted run
    rng = np.random.default_rng([config.seed, zlib.crc32(source.folder.encode())])
    surface = read_surface(source.mesh).transformed(source.rotation)
    if source.variant:
        surface = surface.transformed(np.diag(np.exp(rng.uniform(-config.stretch, config.stretch, 3))))
        surface = surface.recolored(rng)
    if not (np.isfinite(surface.diagonal) and surface.longest_edge > 0):
        raise UserError(f"The mesh {source.mesh} has no extent, or an infinite one; repair or remove it.")
    surface = surface.normalized()
    voxels = voxelize(surface.triangles)
    if not voxels.any():
        raise UserError(f"The mesh {source.mesh} is so thin that no voxel is occupied; remove it.")
    views = draw_views(config.views, rng)
    lights = [draw_lighting(rng) if source.variant else Lighting() for _ in views]
    _write_views(surface, rendering, views, lights, config)
    low = surface.triangles.min(axis=(0, 1))
    write_options(binvox.parent, options)
    write_binvox(binvox, VoxelGrid(voxels, tuple(low), surface.longest_edge))
    return True


def _read_records(path: Path) -> dict[str, dict[str, str]]:
    if not path.exists():
        return {}
    try:
        records = json.loads(path.read_text())
        if isinstance(records, dict):
            return records
    except (OSError, ValueError):
        pass
    raise UserError(f"{path} is damaged; delete it, or choose another folder with -o.")


def _write_views(
    surface: Surface, folder: Path, views: list[View], lights: list[Lighting], config: PrepareConfig
) -> None:
    pictures = RENDERERS[config.renderer](surface, views, lights)
    names = [f"{number:02d}.png" for number in range(len(views))]
    for name, picture in zip(names, pictures, strict=True):
        with written_beside(folder / name) as temporary:
            Image.fromarray(picture).save(temporary)
    for name, lines in (("renderings.txt", names), ("rendering_metadata.txt", [view.metadata() for view in views])):
        with written_beside(folder / name) as temporary:
            temporary.write_text("\n".join(lines) + "\n")
