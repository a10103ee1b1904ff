"""Parametric objects of our own, for what no source of meshes holds: y up, front along +X."""

import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import trimesh

from r2n2.data.procedural.airplane import airplane
from r2n2.data.procedural.bench import bench
from r2n2.data.procedural.car import car
from r2n2.data.procedural.rifle import rifle
from r2n2.data.procedural.speaker import speaker
from r2n2.data.procedural.telephone import telephone
from r2n2.data.procedural.watercraft import watercraft
from r2n2.errors import UserError
from r2n2.files import written_beside
from r2n2.progress import progress

GENERATORS = {
    "airplane": airplane,
    "bench": bench,
    "car": car,
    "rifle": rifle,
    "speaker": speaker,
    "telephone": telephone,
    "watercraft": watercraft,
}


def generate(category: str, number: int, seed: int = 0) -> trimesh.Trimesh:
    """Object `number` of a category, always the same for the same seed. Raises UserError for an unknown category."""
    _require(category)
    rng = np.random.default_rng([seed, zlib.crc32(category.encode()), number])
    return GENERATORS[category](rng).mesh()


def write_shapes(categories: Iterable[str] | None, folder: Path, count: int, seed: int = 0) -> int:
    """Write `count` objects of each category, of all if None, as folder/<category>/<category>-<number>.ply.

    Those that stand already are left alone; returns how many are new. Raises UserError for an unknown category.
    """
    words = list(categories or GENERATORS)
    for word in words:
        _require(word)
    paths = [(word, number, folder / word / f"{word}-{number:04d}.ply") for number in range(count) for word in words]
    missing = [entry for entry in paths if not entry[2].exists()]
    for word, number, path in progress(missing, "making shapes", unit="mesh"):
        with written_beside(path) as temporary:
            temporary.write_bytes(generate(word, number, seed).export(file_type="ply"))
    return len(missing)


def _require(category: str) -> None:
    if category not in GENERATORS:
        raise UserError(f"No objects of the category {category!r} can be made; choose from {', '.join(GENERATORS)}.")
