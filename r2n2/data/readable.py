"""The interface of a data set's objects: `shapenet.Model` of a folder and `packed.PackedModel` of a pack."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from PIL import Image

from r2n2.errors import UserError


class Readable(Protocol):
    """category: the category's folder name; word: the category's word; stamp: a line that changes with the object's
    files, see `fingerprint`.

    The reading methods raise UserError, naming the file, if it cannot be read.
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
        """The number of pictures."""
        ...

    def read_views(self, numbers: Iterable[int]) -> list[Image.Image]:
        """The pictures with these numbers, counted from 0, as RGBA."""
        ...

    def read_voxels(self) -> np.ndarray:
        """Occupied voxels (32, 32, 32) bool in the order (X, Y, Z)."""
        ...


Some = TypeVar("Some", bound=Readable)


def spread(models: Sequence[Some], count: int) -> list[Some]:
    """At most `count` of the models, spread evenly from first to last, so every category keeps its proportion."""
    places = np.linspace(0, len(models) - 1, count).astype(int) if models else ()
    return [models[place] for place in np.unique(places)]


def require_categories(models: Iterable[Readable], only: Collection[str]) -> None:
    """Raise UserError if one of the categories, given by folder name or word, has no model.

    If there are no models at all, the caller reports it.
    """
    words = {model.category: model.word for model in models}
    for asked in only:
        if words and asked not in {*words, *words.values()}:
            raise UserError(
                f"None of the objects is of the category {asked!r}; available categories: "
                f"{', '.join(sorted(set(words.values())))}."
            )


def of_categories(models: Sequence[Some], only: Collection[str]) -> list[Some]:
    """The models of these categories, given by folder name or word; all models if none is given."""
    return [model for model in models if not only or model.category in only or model.word in only]
