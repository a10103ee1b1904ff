"""An object of a data set, whatever form the set has: a folder's `shapenet.Model` or a pack's `packed.PackedModel`."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from PIL import Image

from r2n2.errors import UserError


class Readable(Protocol):
    """category: its folder's name; word: what that means; stamp: another line as soon as a file is another, see
    `fingerprint`.

    What reads raises UserError, naming the file, if it cannot be read.
    """

    @property
    def category(self) -> str: ...

    @property
    def word(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def stamp(self) -> str: ...

    def count_views(self) -> int:
        """How many pictures there are."""
        ...

    def read_views(self, numbers: Iterable[int]) -> list[Image.Image]:
        """Pictures as RGBA, counted from 0."""
        ...

    def read_voxels(self) -> np.ndarray:
        """Occupied voxels (32, 32, 32) bool in the order (X, Y, Z)."""
        ...


Some = TypeVar("Some", bound=Readable)


def spread(models: Sequence[Some], count: int) -> list[Some]:
    """At most `count` of the models, evenly from first to last: every category in its proportion."""
    places = np.linspace(0, len(models) - 1, count).astype(int) if models else ()
    return [models[place] for place in np.unique(places)]


def require_categories(models: Iterable[Readable], only: Collection[str]) -> None:
    """Raise UserError if one of the categories, by its folder's name or its word, is that of none of the models.

    That there are no models at all is left to the caller to say.
    """
    words = {model.category: model.word for model in models}
    for asked in only:
        if words and asked not in {*words, *words.values()}:
            raise UserError(
                f"None of the objects to choose from is of the category {asked!r}; they are of "
                f"{', '.join(sorted(set(words.values())))}."
            )


def of_categories(models: Sequence[Some], only: Collection[str]) -> list[Some]:
    """The models of these categories, by their folders' names or their words; all if none is named."""
    return [model for model in models if not only or model.category in only or model.word in only]
