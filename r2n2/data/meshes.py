"""Finding the meshes that a user has."""

import re
from pathlib import Path

import trimesh

from r2n2.data.frame import rotation_to_canonical
from r2n2.data.shapenet import VARIANT_MARK
from r2n2.data.sources import MeshSource, mixed_name, plain_name
from r2n2.errors import UserError

UNNAMED = "unnamed"  # the category of meshes in a folder whose name has nothing that a category's may have


def find_meshes(
    inputs: list[Path], category: str | None, up: str = "y", front: str | None = None, mix: bool = False
) -> list[MeshSource]:
    """Mesh files, and those in folders and their subfolders; the category of each is its folder's name unless given.

    In folders, hidden files and folders are passed over: to the reader of the prepared data hidden models are none.
    What a category's name cannot hold is replaced in a folder's, as `plain_name` does it. up and front are the meshes'
    own axes, as `frame.rotation_to_canonical` takes them. mix: put hash digits in front of the names, as `mixed_name`
    does.
    """
    rotation = rotation_to_canonical(up, front)
    suffixes = {f".{kind}" for kind in trimesh.available_formats()}
    sources: dict[tuple[str, str], MeshSource] = {}
    for given in inputs:
        if not given.exists():
            raise UserError(f"There is no mesh file or folder {given}; check the name.")
        inside = (path for path in given.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
        seen = (path for path in inside if not any(part.startswith(".") for part in path.relative_to(given).parts))
        found = [given] if given.is_file() else sorted(seen)
        for path in found:
            word = category or plain_name(_folder_name(path.parent)) or UNNAMED
            name = _unused(_model_name(path.stem), {name for known, name in sources if known == word})
            sources[word, name] = MeshSource(
                path, word, mixed_name(name) if mix else name, rotation, {"title": path.name}
            )
    return list(sources.values())


def _folder_name(folder: Path) -> str:
    """The name as the user wrote it, not that of what a link points to; "." and ".." have none of their own."""
    return folder.name if folder.name not in ("", "..") else folder.resolve().name


def _model_name(stem: str) -> str:
    """A file's name as a model's: not hidden, not a variant's, and of characters alone, not of undecodable bytes."""
    name = re.sub(f"[{VARIANT_MARK}\ud800-\udfff]", "-", stem)
    return f"-{name[1:]}" if name.startswith(".") else name


def _unused(name: str, taken: set[str]) -> str:
    """`name`, or the first of name-2, name-3, ... that is not taken: two folders may hold a model.obj each."""
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate
