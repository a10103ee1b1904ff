"""What several commands let a user choose: the device, a network, how pictures are read, the models of a data set."""

import sys
from collections.abc import Collection, Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r2n2.config import NETWORKS
from r2n2.errors import UserError

if TYPE_CHECKING:
    from r2n2.data.packed import PackedModel
    from r2n2.data.shapenet import Model


def network_names(incomplete: str) -> list[str]:
    """For shell completion."""
    return [name for name in NETWORKS if name.startswith(incomplete)]


Device = Annotated[str, typer.Option(help="auto (CUDA where there is one), cpu, cuda, cuda:1, ...")]
Network = Annotated[
    str | None,
    typer.Option(help="A network by name; r2n2 networks lists them.", autocompletion=network_names),
]
Weights = Annotated[
    Path | None, typer.Option(help="Weights that r2n2 train wrote, or of 2016 (.npy, .npz); else the shipped ones.")
]
Preprocessing = Annotated[str, typer.Option(help="modern, or 2016: only wholly transparent pixels are filled.")]
BackgroundOption = Annotated[
    str, typer.Option("--background", help="auto (remove one that is not plain), keep or remove.")
]
Only = Annotated[
    list[str] | None, typer.Option(help="A category to take, such as chair; repeat it for more. All if left out.")
]
Threshold = Annotated[float, typer.Option(help="Occupancy above which a voxel counts as occupied.")]


def models_of(
    folder: Path, split: str, strict: bool, only: Collection[str] = ()
) -> tuple[list["Model"] | list["PackedModel"], list[str]]:
    """The models of one split of a folder or a pack, and a sentence for each that misses a part; these are printed.

    only: the categories to take, all if there is none. Raises UserError if there are no models, none of one of the
    categories, or, if `strict`, if one misses a part.
    """
    splits, problems = splits_of(folder, [split], strict, only)
    print_skipped(problems)
    if not splits[split]:
        raise UserError(f"The {split} split of {folder} has no models; choose another --split.")
    return splits[split], problems


def splits_of(
    folder: Path, splits: list[str], strict: bool, only: Collection[str] = ()
) -> tuple[dict[str, list["Model"] | list["PackedModel"]], list[str]]:
    """As `models_of` of several splits, of which any may have no models; nothing is printed."""
    from r2n2.data.packed import is_pack, read_pack
    from r2n2.data.readable import of_categories, require_categories
    from r2n2.data.shapenet import find_models, select

    problems: list[str] = []
    if is_pack(folder):
        found = {split: read_pack(folder, split) for split in splits}
    else:
        models, problems = find_models(folder)
        if problems and strict:
            raise UserError(f"{problems[0]}; without --strict the others are used.")
        found = {split: select(models, split) for split in splits}
    require_categories(chain(*found.values()), only)
    return {split: of_categories(models, only) for split, models in found.items()}, problems


def print_skipped(problems: Iterable[str]) -> None:
    """What is left out, a sentence each."""
    for sentence in problems:
        print(f"skipped: {sentence}", file=sys.stderr)
