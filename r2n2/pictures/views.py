"""Turn what a user gives as pictures into views: files, folders, patterns, PIL images, arrays, tensors."""

from collections.abc import Iterable, Iterator
from io import IOBase
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image

from r2n2.errors import UserError
from r2n2.pictures.background import Background
from r2n2.pictures.given import pictures_from_array
from r2n2.pictures.images import find_images, read_image, still_rgba, to_view
from r2n2.pictures.ready import make_ready

Picture = str | Path | Image.Image | np.ndarray | torch.Tensor


def read_views(
    images: Picture | Iterable[Picture], preprocessing: str, background: Background
) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """Return views (T, 3, 127, 127), names, and doubts about the pictures.

    Each picture becomes a view as it is read, so that large ones are not in memory together.
    """
    views, names, doubts = [], [], []
    # Bytes and open files are iterable, too: as one item they are refused with a message that names their type.
    alone = isinstance(images, Picture | bytes | bytearray | IOBase) or not isinstance(images, Iterable)
    for name, picture in _named_pictures(cast("Iterable[Picture]", [images] if alone else images)):
        ready = make_ready(picture, background, first_word(name))
        names.append(name)
        views.append(to_view(ready.image, preprocessing))
        doubts += [ready.doubt] if ready.doubt else []
    if not views:
        raise UserError("No picture was given; name at least one image file.")
    return np.stack(views), tuple(names), doubts


def first_word(name: str) -> str:
    """A picture's name for the start of a sentence: a file name is left as it is."""
    return f"P{name[1:]}" if name.startswith("picture ") else name


def _named_pictures(items: Iterable[Picture]) -> Iterator[tuple[str, Image.Image]]:
    """Yield each picture as upright RGBA with its file name, or its number."""
    for number, item in enumerate(items, start=1):
        name = f"picture {number}"
        if isinstance(item, np.ndarray | torch.Tensor):
            given = pictures_from_array(item, f"Picture {number}")
            for place, picture in enumerate(given, start=1):
                one = name if len(given) == 1 else f"{name}, number {place} of its batch,"
                yield one, still_rgba(picture, one.capitalize())
        elif isinstance(item, Image.Image):
            file = Path(str(getattr(item, "filename", ""))).name
            yield file or name, still_rgba(item, f"Picture {number}")
        elif isinstance(item, str | Path):
            for path in find_images([item]):
                yield path.name, read_image(path)
        else:
            kind = type(item).__name__
            raise TypeError(f"picture {number} is a {kind}, not a path, a PIL image, an array or a tensor")
