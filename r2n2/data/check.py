"""Find missing and broken files of a model."""

from collections.abc import Callable
from typing import Any

from r2n2.config import RENDER_SIDE
from r2n2.data.shapenet import Model, read_cameras, read_voxels, view_paths
from r2n2.errors import UserError
from r2n2.pictures.images import read_image


def check_model(model: Model) -> list[str]:
    """Return a one-line message for each of the model's files that is missing or broken."""
    problems: list[str] = []

    def attempt(read: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return read(*arguments)
        except UserError as error:
            problems.append(str(error))
            return None

    voxels = attempt(read_voxels, model)
    if voxels is not None and not voxels.any():
        problems.append(f"{model.binvox} has no occupied voxel")
    paths, cameras = attempt(view_paths, model), attempt(read_cameras, model)
    for path in paths or []:
        image = attempt(read_image, path)
        if image is not None and image.size != (RENDER_SIDE, RENDER_SIDE):
            problems.append(f"{path} has {image.width}x{image.height} pixels, not {RENDER_SIDE}x{RENDER_SIDE}")
    if paths and cameras is not None and len(paths) != len(cameras):
        problems.append(f"{model.rendering} lists {len(paths)} pictures and {len(cameras)} cameras")
    return problems
