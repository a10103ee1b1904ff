"""The ShapeNet layout of 2016: finding its models, splitting them, reading them.

    <folder>/ShapeNetRendering/<category>/<model>/rendering/00.png ... 23.png, renderings.txt
    <folder>/ShapeNetVox32/<category>/<model>/model.binvox

Split, by sorted model name within each category: the first 70 % train, the next 10 % validate, the last 20 % test.
The test part is that of 2016, which trained on the first 80 %. Stretched variants ("name~1") follow their
original and are only trained on.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from r2n2.config import VOXEL_SIDE
from r2n2.data.binvox import read_binvox
from r2n2.data.categories import category_word
from r2n2.errors import UserError
from r2n2.images import read_image

VARIANT_MARK = "~"
SPLITS = {"train": (0.0, 0.7), "val": (0.7, 0.8), "test": (0.8, 1.0), "all": (0.0, 1.0)}


@dataclass(frozen=True)
class Model:
    """One object: its category's folder name, its own, and where its files are."""

    category: str
    name: str
    rendering: Path
    binvox: Path

    @property
    def original(self) -> str:
        """The name without a variant's mark."""
        return self.name.split(VARIANT_MARK)[0]

    @property
    def word(self) -> str:
        return category_word(self.category)


def find_models(folder: str | Path) -> tuple[list[Model], list[str]]:
    """All models with both renderings and voxels, sorted, and a sentence for each that lacks one of them."""
    folder = Path(folder)
    renderings, voxels = folder / "ShapeNetRendering", folder / "ShapeNetVox32"
    for part in (renderings, voxels):
        if not part.is_dir():
            raise UserError(
                f"There is no folder {part}; --data names a folder that holds ShapeNetRendering and ShapeNetVox32."
            )
    rendered, voxelized = _names(renderings), _names(voxels)
    problems = [f"{renderings.joinpath(*key)} is missing" for key in sorted(voxelized - rendered)]
    problems += [f"{voxels.joinpath(*key)} is missing" for key in sorted(rendered - voxelized)]
    models = [
        Model(category, name, renderings / category / name / "rendering", voxels / category / name / "model.binvox")
        for category, name in sorted(rendered & voxelized)
    ]
    if not models:
        raise UserError(f"{folder} holds no model with both renderings and voxels; prepare one with r2n2 data.")
    return models, problems


def select(models: list[Model], split: str) -> list[Model]:
    """The models of one split; raises UserError for an unknown split's name."""
    if split not in SPLITS:
        raise UserError(f"There is no split {split!r}; choose one of {', '.join(SPLITS)}.")
    names = {}
    for model in models:
        names.setdefault(model.category, set()).add(model.original)
    first, last = SPLITS[split]
    chosen = {
        (category, name)
        for category, found in names.items()
        for name in sorted(found)[int(first * len(found)) : int(last * len(found))]
    }
    with_variants = split == "train"
    return [
        model
        for model in models
        if (model.category, model.original) in chosen and (with_variants or model.name == model.original)
    ]


def view_paths(model: Model) -> list[Path]:
    """The model's pictures, as `renderings.txt` lists them. Raises UserError if there are none."""
    listing = model.rendering / "renderings.txt"
    try:
        paths = [model.rendering / name for name in listing.read_text().split()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{listing} cannot be read; prepare or unpack the model again.") from error
    if not paths:
        raise UserError(f"{listing} lists no picture; prepare or unpack the model again.")
    return paths


def read_voxels(model: Model) -> np.ndarray:
    """The model's occupied voxels (32, 32, 32) bool in the order (X, Y, Z)."""
    voxels = read_binvox(model.binvox).voxels
    if voxels.shape != (VOXEL_SIDE,) * 3:
        raise UserError(
            f"{model.binvox} has {'x'.join(map(str, voxels.shape))} voxels, not {'x'.join([str(VOXEL_SIDE)] * 3)}."
        )
    return voxels


def check_model(model: Model) -> list[str]:
    """A sentence for each of the model's files that is missing or broken."""
    problems = []
    for read in (lambda: read_voxels(model), *(partial(read_image, path) for path in _listed(model, problems))):
        try:
            read()
        except UserError as error:
            problems.append(str(error))
    return problems


def _listed(model: Model, problems: list[str]) -> list[Path]:
    try:
        return view_paths(model)
    except UserError as error:
        problems.append(str(error))
        return []


def _names(folder: Path) -> set[tuple[str, str]]:
    return {(model.parent.name, model.name) for model in folder.glob("*/*") if model.is_dir()}
