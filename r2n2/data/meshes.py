"""Find the user's meshes."""

import re
from collections.abc import Iterator
from pathlib import Path

import trimesh

from r2n2.data.categories import category_word
from r2n2.data.frame import rotation_to_canonical
from r2n2.data.layout import Layout
from r2n2.data.sources import MeshSource, mixed_name, plain_name
from r2n2.data.splits import VARIANT_MARK
from r2n2.errors import UserError

UNNAMED = "unnamed"  # category of meshes in a folder whose name has no character that a category's name may have


def find_meshes(
    inputs: list[Path],
    category: str | None,
    up: str = "y",
    front: str | None = None,
    mix: bool = False,
    layout: str | None = None,
) -> list[MeshSource]:
    """Mesh files given directly or found in folders and subfolders; a mesh's category is its folder's name by default.

    Hidden files and folders inside the given folders are skipped, because the reader of prepared data ignores hidden
    models. Characters that a category's name cannot contain are replaced by `plain_name`. up and front: the meshes' own
    axes, as `frame.rotation_to_canonical` takes them. mix: put hash digits in front of the names, as `mixed_name` does.
    layout: where category and name are in the paths, as `Layout` reads it; other meshes are skipped.
    """
    rotation = rotation_to_canonical(up, front)
    places = None if layout is None else Layout.parse(layout)
    if places and category:
        raise UserError("A layout already determines the categories; give --layout or --category, not both.")
    sources: list[MeshSource] = []
    taken: dict[str, set[str]] = {}
    for path in _mesh_files(inputs):
        place = places.match(path) if places else (_folder_name(path.parent), path.stem)
        if place is None:
            continue
        word = category or category_word(plain_name(place[0])) or UNNAMED
        name = _unused(_model_name(place[1]), taken.setdefault(word, set()))
        taken[word].add(name)
        sources.append(MeshSource(path, word, mixed_name(name) if mix else name, rotation, {"title": path.name}))
    if places and not sources:
        raise UserError(
            f"No mesh path matches the layout {layout}; the last parts of a path must be those of the layout."
        )
    return sources


def _mesh_files(inputs: list[Path]) -> Iterator[Path]:
    """Yield given files as they are and those of folders in sorted order. Raises UserError for a missing path."""
    suffixes = {f".{kind}" for kind in trimesh.available_formats()}
    for given in inputs:
        if not given.exists():
            raise UserError(f"There is no mesh file or folder {given}; check the name.")
        inside = (path for path in given.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
        seen = (path for path in inside if not any(part.startswith(".") for part in path.relative_to(given).parts))
        yield from [given] if given.is_file() else sorted(seen)


def _folder_name(folder: Path) -> str:
    """The name as the user wrote it, not that of a link's target; "." and ".." are resolved."""
    return folder.name if folder.name not in ("", "..") else folder.resolve().name


def _model_name(stem: str) -> str:
    """A file's stem as a model's name: not hidden, without the mark of a variant or undecodable bytes."""
    name = re.sub(f"[{VARIANT_MARK}\ud800-\udfff]", "-", stem)
    return f"-{name[1:]}" if name.startswith(".") else name


def _unused(name: str, taken: set[str]) -> str:
    """`name`, or the first of name-2, name-3, ... that is not taken: two folders may each hold a model.obj."""
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate
