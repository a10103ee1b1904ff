"""Options shared by several commands: the device, the network, how pictures are read, the models of a data set."""

import sys
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r2n2.config import NETWORKS
from r2n2.errors import UserError

if TYPE_CHECKING:
    from r2n2.data.readable import Readable


def network_names(incomplete: str) -> list[str]:
    """The network names that start with `incomplete`, for shell completion."""
    return [name for name in NETWORKS if name.startswith(incomplete)]


Device = Annotated[str, typer.Option(help="auto (CUDA if available, else the CPU), cpu, cuda, cuda:1, ...")]
Network = Annotated[
    str | None,
    typer.Option(help="Name of the network; r2n2 networks lists them.", autocompletion=network_names),
]
Weights = Annotated[
    Path | None,
    typer.Option(help="Weights from r2n2 train, or in the format of 2016 (.npy, .npz); the shipped ones by default."),
]
Preprocessing = Annotated[str, typer.Option(help="modern, or 2016 (fills only fully transparent pixels).")]
BackgroundOption = Annotated[
    str, typer.Option("--background", help="auto (remove the background unless it is plain), keep or remove.")
]
Only = Annotated[
    list[str] | None, typer.Option(help="Use only this category, such as chair; may be repeated. All by default.")
]
Threshold = Annotated[float, typer.Option(help="Occupancy above which a voxel counts as occupied.")]


def models_of(folder: Path, split: str, strict: bool, only: Collection[str] = ()) -> tuple[list["Readable"], list[str]]:
    """The models of one split of a folder or a pack, and a message for each incomplete model; the messages are printed.

    only: the categories to use; all if empty. Raises UserError if there are no models, if one of `only` has none, or,
    if `strict`, if a model is incomplete.
    """
    splits, problems = splits_of(folder, [split], strict, only)
    print_skipped(problems)
    if not splits[split]:
        raise UserError(f"The {split} split of {folder} has no models; choose another --split.")
    return splits[split], problems


def splits_of(
    folder: Path, splits: list[str], strict: bool, only: Collection[str] = ()
) -> tuple[dict[str, list["Readable"]], list[str]]:
    """Like `models_of` for several splits, any of which may be empty; prints nothing."""
    from r2n2.data.packed import is_pack, read_pack
    from r2n2.data.readable import of_categories, require_categories
    from r2n2.data.shapenet import find_models, select

    problems: list[str] = []
    if is_pack(folder):
        found: dict[str, Sequence[Readable]] = {split: read_pack(folder, split) for split in splits}
    else:
        models, problems = find_models(folder)
        if problems and strict:
            raise UserError(f"{problems[0]}; omit --strict to use the other models.")
        found = {split: select(models, split) for split in splits}
    require_categories(chain(*found.values()), only)
    return {split: of_categories(models, only) for split, models in found.items()}, problems


def print_skipped(problems: Iterable[str]) -> None:
    """Print one line for each model that is skipped."""
    for sentence in problems:
        print(f"skipped: {sentence}", file=sys.stderr)
