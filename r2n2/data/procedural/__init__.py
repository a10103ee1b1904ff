"""Our own parametric objects as coloured meshes: y up, front along +X. Each category has one module."""

import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import trimesh

from r2n2.data.procedural import (
    airplane,
    bench,
    cabinet,
    car,
    chair,
    display,
    lamp,
    rifle,
    sofa,
    speaker,
    table,
    telephone,
    watercraft,
)
from r2n2.data.procedural.primitives import Part
from r2n2.data.shards import WHOLE, Shard
from r2n2.data.surface import normals
from r2n2.errors import UserError
from r2n2.files import written_beside
from r2n2.progress import progress

GENERATORS: dict[str, Callable[[np.random.Generator], list[Part]]] = {
    "airplane": airplane.make,
    "bench": bench.make,
    "cabinet": cabinet.make,
    "car": car.make,
    "chair": chair.make,
    "display": display.make,
    "lamp": lamp.make,
    "rifle": rifle.make,
    "sofa": sofa.make,
    "speaker": speaker.make,
    "table": table.make,
    "telephone": telephone.make,
    "watercraft": watercraft.make,
}
STRETCH = 0.06  # standard deviation of the log of each axis's scale: objects of a style differ in proportions


def generate(category: str, number: int, seed: int = 0) -> trimesh.Trimesh:
    """Object `number` of a category, with a colour per face; always the same for the same seed.

    Raises UserError for a category that has no generator.
    """
    _require(category)
    rng = np.random.default_rng([seed, zlib.crc32(category.encode()), number])
    stretch = np.exp(rng.normal(0, STRETCH, 3))
    parts = [part.stretched(*stretch) for part in GENERATORS[category](rng)]
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    faces = np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=True)])
    vertices = np.concatenate([part.vertices for part in parts])
    colors = np.concatenate([part.colors for part in parts])
    area = np.linalg.norm(normals(vertices[faces]), axis=1)
    keep = area > 1e-12 * np.ptp(vertices, axis=0).max() ** 2
    return trimesh.Trimesh(vertices, faces[keep], face_colors=colors[keep], process=False)


def write_shapes(
    categories: Iterable[str] | None, folder: Path, count: int, seed: int = 0, first: int = 0, shard: Shard = WHOLE
) -> int:
    """Write `count` objects of each category (None: of all) as folder/<category>/<category>-<number>.ply.

    Numbers start at `first`. Only objects of the shard are made; existing files are left as they are. Returns how many
    are new. Raises UserError for a category that has no generator, or for numbers out of range.
    """
    words = list(dict.fromkeys(categories or GENERATORS))
    for word in words:
        _require(word)
    if count < 1 or first < 0 or seed < 0:
        raise UserError(
            f"count is {count}, first {first}, seed {seed}; count must be at least 1, first and seed at least 0."
        )
    numbers = range(first, first + count)
    paths = [(word, number, folder / word / f"{word}-{number:04d}.ply") for number in numbers for word in words]
    mine = [entry for entry in paths if shard.holds(f"{entry[0]}/{entry[1]}")]
    missing = [entry for entry in mine if not entry[2].exists()]
    for word, number, path in progress(missing, "making shapes", unit="mesh"):
        with written_beside(path) as temporary:
            generate(word, number, seed).export(temporary, file_type="ply")
    return len(missing)


def _require(category: str) -> None:
    if category not in GENERATORS:
        raise UserError(f"There are no shapes of the category {category!r}; choose from {', '.join(GENERATORS)}.")
