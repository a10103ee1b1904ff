"""From pictures as people have them to a shape as people want it.

model = r2n2.load()
shape = model.reconstruct(["front.jpg", "side.jpg"])
shape.save("chair.obj")
shape = model.reconstruct(["back.jpg"], state=shape.state)      one more view, later
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import torch
import trimesh
from PIL import Image

from r2n2.config import THRESHOLD, check_threshold, network_config
from r2n2.data.binvox import VoxelGrid, write_binvox
from r2n2.devices import find_device
from r2n2.errors import UserError
from r2n2.files import written_beside
from r2n2.network.checkpoint import load_weights
from r2n2.network.model import R2N2
from r2n2.network.recurrence import State
from r2n2.pictures.images import check_preprocessing, find_images, read_image, still_rgba, to_view
from r2n2.shapes.mesh import MESH_SUFFIXES, check_style, save_mesh, surface_mesh
from r2n2.shapes.picture import draw_mesh, side_by_side, view_image

SHIPPED = "compact"
Picture = str | Path | Image.Image | np.ndarray
SUFFIXES = (*MESH_SUFFIXES, ".binvox", ".npy", ".png")


@dataclass(frozen=True, repr=False)
class Reconstruction:
    """A shape, and what it was made of.

    occupancy: (32, 32, 32) float32 in [0, 1] in the order (X, Y, Z), y up; views: (T, 3, 127, 127), what the network
    saw in this call; state: hand it to `reconstruct` to add further views; style: of the mesh, "smooth" or "blocky".
    """

    occupancy: np.ndarray
    views: np.ndarray
    state: State
    threshold: float = THRESHOLD
    style: str = "smooth"

    def __repr__(self) -> str:
        views = "1 view" if len(self.views) == 1 else f"{len(self.views)} views"
        return f"Reconstruction({self.voxels.sum()} of {self.voxels.size} voxels occupied, from {views})"

    @property
    def voxels(self) -> np.ndarray:
        """Occupied voxels (32, 32, 32) bool."""
        return self.occupancy > self.threshold

    def mesh(self, style: str | None = None) -> trimesh.Trimesh:
        """The watertight surface. Raises UserError if no voxel is occupied."""
        return surface_mesh(self.occupancy, self.threshold, style or self.style)

    def save(self, path: str | Path) -> None:
        """Write the shape in the format of the suffix.

        .obj .ply .glb .stl: the surface; .binvox: the voxels; .npy: the occupancy; .png: views and surface side by
        side. Raises UserError for another suffix, a path that cannot be written, or a surface of no voxels.
        """
        path = Path(path)
        suffix = check_suffix(path)
        if suffix in MESH_SUFFIXES:
            save_mesh(self.mesh(), path)
        elif suffix == ".binvox":
            write_binvox(path, VoxelGrid(self.voxels))
        elif suffix == ".npy":
            with written_beside(path) as temporary, temporary.open("wb") as file:
                np.save(file, self.occupancy)
        else:
            tiles = [(view_image(view), f"view {number}") for number, view in enumerate(self.views, start=1)]
            sheet = side_by_side([*tiles, (draw_mesh(self.mesh()), "reconstruction")])
            with written_beside(path) as temporary:
                sheet.save(temporary)


class Reconstructor(R2N2):
    """An R2N2 that takes pictures: what `load` returns."""

    @torch.inference_mode()
    def reconstruct(
        self,
        images: Picture | Iterable[Picture],
        threshold: float = THRESHOLD,
        style: str = "smooth",
        state: State | None = None,
        preprocessing: str = "modern",
    ) -> Reconstruction:
        """The shape that pictures of one object show.

        images: files, folders, glob patterns, PIL images or arrays (H, W, 3 or 4) uint8, any number, in any order.
        state: that of an earlier reconstruction of the same object, to add views to it. preprocessing: a name of
        `images.PREPROCESSING`. Raises UserError for a picture that cannot be read.
        """
        check_threshold(threshold)
        check_style(style)
        check_preprocessing(preprocessing)
        views = _views(images, preprocessing)  # (T, 3, 127, 127)
        device = next(self.parameters()).device
        output = self(torch.from_numpy(views)[None].to(device), state=state)
        return Reconstruction(output.occupancy[0].cpu().numpy(), views, output.state, threshold, style)


def load(weights: str | Path | None = None, network: str | None = None, device: str = "auto") -> Reconstructor:
    """A trained network in evaluation mode: the shipped `compact` one, or that of a weights file.

    network: a name of `r2n2.NETWORKS`, to insist on; device: "auto" (CUDA where there is one, else the CPU) or any
    of PyTorch's. Raises UserError if the weights do not fit or cannot be read, or the device is not there.
    """
    config = network_config(network) if network else None
    place = find_device(device)
    if weights is not None:
        return load_weights(weights, config, Reconstructor).to(place)
    if config is not None and config.name != SHIPPED:
        raise UserError(
            f"No weights come with the network {config.name}; name a file with --weights, or use {SHIPPED}."
        )
    with as_file(files("r2n2") / "weights" / f"{SHIPPED}.safetensors") as path:
        return load_weights(path, config, Reconstructor).to(place)


def check_suffix(path: Path) -> str:
    """The suffix in lower case. Raises UserError if no format goes by it."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(
            f"{path} has the suffix {suffix or '(none)'}, which names no format; use one of {' '.join(SUFFIXES)}."
        )
    return suffix


def _views(images: Picture | Iterable[Picture], preprocessing: str) -> np.ndarray:
    """Views (T, 3, 127, 127); each picture becomes one as it is read, so that large ones are not held together."""
    given = [images] if isinstance(images, str | Path | Image.Image | np.ndarray) else images
    views = []
    for number, item in enumerate(given, start=1):
        if isinstance(item, np.ndarray):
            item = Image.fromarray(item)
        if isinstance(item, Image.Image):
            pictures = [still_rgba(item, f"Picture {number}")]
        elif isinstance(item, str | Path):
            pictures = map(read_image, find_images([item]))
        else:
            raise TypeError(f"picture {number} is a {type(item).__name__}, not a path, a PIL image or an array")
        views += [to_view(picture, preprocessing) for picture in pictures]
    if not views:
        raise UserError("No picture was given; name at least one image file.")
    return np.stack(views)
