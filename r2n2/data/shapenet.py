"""The ShapeNet layout of 2016: find its models, select those of a split, read them.

    <folder>/ShapeNetRendering/<category>/<model>/rendering/00.png ... 23.png, renderings.txt
    <folder>/ShapeNetVox32/<category>/<model>/model.binvox

`splits` decides which split a model belongs to.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from r2n2.config import VOXEL_SIDE
from r2n2.data.binvox import read_binvox
from r2n2.data.camera import View
from r2n2.data.categories import category_word
from r2n2.data.duplicates import DUPLICATES_FILE, THRESHOLD, group, nearest, read_duplicates
from r2n2.data.fingerprint import fingerprint
from r2n2.data.splits import VARIANT_MARK, original, require_split, split_of
from r2n2.errors import SkippedWarning, StaleWarning, UserError
from r2n2.pictures.images import read_image

RENDERINGS, VOXELS = "ShapeNetRendering", "ShapeNetVox32"


@dataclass(frozen=True)
class Model:
    """One object: its category's folder name, its own name, the paths of its files, and its split."""

    category: str
    name: str
    rendering: Path
    binvox: Path
    split: str

    @property
    def is_variant(self) -> bool:
        return VARIANT_MARK in self.name

    @property
    def word(self) -> str:
        return category_word(self.category)

    @property
    def stamp(self) -> str:
        """The name and the sizes of files that distinguish models of the same name; see `fingerprint`."""
        listed = ("renderings.txt", "rendering_metadata.txt", "00.png")
        files = (self.binvox, *(self.rendering / name for name in listed))
        return " ".join([f"{self.category}/{self.name}", *(str(_size(path)) for path in files)])

    def count_views(self) -> int:
        """The number of pictures. Raises UserError if it cannot be read."""
        return len(view_paths(self))

    def read_views(self, numbers: Iterable[int]) -> list[Image.Image]:
        """The pictures with these numbers, counted from 0, as RGBA. Raises UserError if one cannot be read."""
        paths = view_paths(self)
        return [read_image(paths[number]) for number in numbers]

    def read_voxels(self) -> np.ndarray:
        """See the function `read_voxels`."""
        return read_voxels(self)


def find_models(folder: str | Path) -> tuple[list[Model], list[str]]:
    """All models with both renderings and voxels, sorted, and a message for each that lacks one of them.

    An incomplete model keeps its place in the split, so that missing data moves no other model.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}; check the name.")
    renderings, voxels = folder / RENDERINGS, folder / VOXELS
    for part in (renderings, voxels):
        if not part.is_dir():
            raise UserError(f"There is no folder {part}; a data folder must hold {RENDERINGS} and {VOXELS}.")
    rendered, voxelized = _names(renderings), _names(voxels)
    problems = [f"{renderings.joinpath(*key)} is missing; the model was skipped" for key in voxelized - rendered]
    problems += [f"{voxels.joinpath(*key)} is missing; the model was skipped" for key in rendered - voxelized]
    first_of, compared = read_duplicates(folder)
    splits = split_of(rendered | voxelized, first_of)
    models = [
        Model(
            category,
            name,
            renderings / category / name / "rendering",
            voxels / category / name / "model.binvox",
            splits[category, original(name)],
        )
        for category, name in sorted(rendered & voxelized)
    ]
    if not models:
        raise UserError(f"{folder} holds no model with both renderings and voxels; prepare one with r2n2 data.")
    if compared and compared != fingerprint(originals(models)):
        warnings.warn(
            f"{folder / DUPLICATES_FILE} was written for {compared.models} objects, which have changed since: "
            f"near-duplicates may be on both sides of the split; rewrite it with r2n2 data duplicates {folder}.",
            StaleWarning,
            stacklevel=2,
        )
    return models, sorted(problems)


def select(models: list[Model], split: str) -> list[Model]:
    """The models of one split, with variants only in the training part. Raises UserError for an unknown split."""
    require_split(split)
    chosen = [model for model in models if split in ("all", model.split)]
    return chosen if split == "train" else [model for model in chosen if not model.is_variant]


def originals(models: list[Model]) -> list[Model]:
    """The models that are not stretched variants of others."""
    return [model for model in models if not model.is_variant]


def readable(models: Iterable[Model]) -> list[tuple[Model, np.ndarray]]:
    """The models with their voxels. A model whose voxels cannot be read is skipped and named in a SkippedWarning."""
    found = []
    for model in models:
        try:
            found.append((model, read_voxels(model)))
        except UserError as error:
            warnings.warn(f"skipped: {error}", SkippedWarning, stacklevel=3)
    return found


def find_duplicates(models: list[Model]) -> dict[str, str]:
    """Map each near-duplicate to the first of its group, both as "category/name"; see `duplicates`."""
    categories: dict[str, list[tuple[Model, np.ndarray]]] = {}
    for model, voxels in readable(models):
        categories.setdefault(model.category, []).append((model, voxels))
    first_of = {}
    for category, found in categories.items():
        for (model, _), leader in zip(found, group(np.stack([voxels for _, voxels in found])), strict=True):
            if found[leader][0] is not model:
                first_of[f"{category}/{model.name}"] = f"{category}/{found[leader][0].name}"
    return first_of


def find_likenesses(models: list[Model], others: list[Model]) -> tuple[list[tuple[float, Model, Model]], int]:
    """(IoU, model, the most similar of the others) for each near-duplicate, most similar first, and how many models
    were compared.

    Raises UserError if none of the models, or none of the others, can be read.
    """
    compared = []
    for some in (models, others):
        found = readable(some)
        if not found:
            raise UserError(f"None of the {len(some)} models can be read; run r2n2 data check.")
        compared.append(found)
    ours, theirs = compared
    number, iou = nearest(*(np.stack([voxels for _, voxels in found]) for found in compared))
    near = [place for place in np.argsort(-iou) if iou[place] >= THRESHOLD]
    return [(float(iou[place]), ours[place][0], theirs[number[place]][0]) for place in near], len(ours)


def view_paths(model: Model) -> list[Path]:
    """The model's pictures, as `renderings.txt` lists them. Raises UserError if there are none."""
    listing = model.rendering / "renderings.txt"
    try:
        paths = [model.rendering / name for name in listing.read_text().split()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{listing} cannot be read; prepare the model or unpack it again.") from error
    if not paths:
        raise UserError(f"{listing} lists no picture; prepare the model or unpack it again.")
    return paths


def read_voxels(model: Model) -> np.ndarray:
    """The model's occupied voxels (32, 32, 32) bool in the order (X, Y, Z)."""
    voxels = read_binvox(model.binvox).voxels
    if voxels.shape != (VOXEL_SIDE,) * 3:
        raise UserError(
            f"{model.binvox} has {'x'.join(map(str, voxels.shape))} voxels, but {VOXEL_SIDE} on each side are needed; "
            "prepare the model again."
        )
    return voxels


def read_cameras(model: Model) -> list[View]:
    """The cameras of the model's pictures, in order. Raises UserError if the metadata cannot be read."""
    path = model.rendering / "rendering_metadata.txt"
    try:
        return [View.from_metadata(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); prepare the model or unpack it again.") from error


def _size(path: Path) -> int:
    """The size of a file in bytes; -1 if it does not exist."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _names(folder: Path) -> set[tuple[str, str]]:
    """(category, model) of every folder two levels down, except hidden ones."""
    found = (model for model in folder.glob("*/*") if model.is_dir())
    return {(m.parent.name, m.name) for m in found if not (m.name.startswith(".") or m.parent.name.startswith("."))}
