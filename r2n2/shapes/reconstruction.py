"""From ordinary pictures of an object to its shape, in the formats that other programs open.

model = r2n2.load()
shape = model.reconstruct(["front.jpg", "side.jpg"])
shape.save("chair.obj")
shape = model.reconstruct(["back.jpg"], state=shape.state)      # add one more view later
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import trimesh
from PIL import Image

from r2n2.config import THRESHOLD, check_threshold, network_config
from r2n2.data.binvox import VoxelGrid, write_binvox
from r2n2.devices import find_device
from r2n2.errors import UserError
from r2n2.files import write_together
from r2n2.network.checkpoint import SHIPPED, load_weights, shipped_weights
from r2n2.network.model import R2N2, evaluating
from r2n2.network.recurrence import State
from r2n2.pictures.background import check_background
from r2n2.pictures.doubts import doubt_of_shape, odd_ones_out
from r2n2.pictures.images import check_preprocessing
from r2n2.pictures.views import Picture, first_word, read_views
from r2n2.shapes.drawing import draw_mesh
from r2n2.shapes.formats import MESH_SUFFIXES, write_mesh
from r2n2.shapes.history import History
from r2n2.shapes.mesh import check_style, surface_mesh
from r2n2.shapes.page import frame, page
from r2n2.shapes.picture import side_by_side, view_image
from r2n2.shapes.placing import check_size, check_up, placed
from r2n2.shapes.specks import without_specks
from r2n2.shapes.turntable import TURNTABLE_SUFFIXES, write_turntable

BATCH = 16  # views in a batch that rebuilds each on its own, to compare the shapes
SUFFIXES = (*MESH_SUFFIXES, ".binvox", ".npy", ".png", *TURNTABLE_SUFFIXES, ".html")
SEEN_SUFFIXES = {".png", ".html"}  # these show what the network saw
EMPTY_SUFFIXES = {*SEEN_SUFFIXES, ".binvox", ".npy"}  # these can be written for a shape without voxels
DEFAULT_SUFFIXES = (".glb", ".png")  # a mesh to open and turn, and a picture to look at


@dataclass(frozen=True, repr=False)
class Reconstruction:
    """A shape and what it was rebuilt from.

    occupancy: (32, 32, 32) float32 in [0, 1] in the order (X, Y, Z), y up; views: (T, 3, 127, 127), what the network
    saw in this call; names: those of the T pictures; state: pass it to `reconstruct` to add further views; history: see
    `steps` and `gates`, which are computed on first access, with the network as it is at that time; style: "smooth" or
    "blocky" mesh; warnings: what may be wrong, one sentence each.
    """

    occupancy: np.ndarray
    views: np.ndarray
    names: tuple[str, ...]
    state: State
    history: History
    threshold: float = THRESHOLD
    style: str = "smooth"
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        views = "1 view" if len(self.views) == 1 else f"{len(self.views)} views"
        return f"Reconstruction({self.voxels.sum()} of {self.voxels.size} voxels occupied, from {views})"

    @property
    def voxels(self) -> np.ndarray:
        """Occupied voxels (32, 32, 32) bool."""
        return self.occupancy > self.threshold

    @property
    def steps(self) -> np.ndarray:
        """The occupancy (T, 32, 32, 32) float32 after each view of this call: how the shape grew."""
        return self.history.occupancy

    @property
    def gates(self) -> np.ndarray:
        """How much of the hidden grid (T, 4, 4, 4) float32 each view of this call wrote, in [0, 1], mean over channels.

        1 - u for the GRU, with update gate u; the input gate i for the LSTM. A cell stands for 8x8x8 voxels.
        """
        return self.history.gates

    def page(self, title: str = "Reconstruction") -> str:
        """A self-contained HTML page with the views and the shape to turn, with its threshold, steps and gates."""
        return page(
            title,
            self.names,
            self.views,
            self.steps,
            self.gates,
            self.history.gate,
            self.threshold,
            self.style,
            earlier=self.history.before is not None,
        )

    def _repr_html_(self) -> str:
        return frame(self.page())

    def mesh(self, style: str | None = None, size: float | None = None, up: str = "y") -> trimesh.Trimesh:
        """The watertight surface, with y up and the grid's cube of edge length 1 centred at the origin.

        size: scale it to this longest side in millimetres instead and put it on the ground over the origin. up: "y" or
        "z". Raises UserError if no voxel is occupied.
        """
        check_size(size)
        return placed(surface_mesh(self.occupancy, self.threshold, style or self.style), size, up)

    def without_specks(self, keep_largest: bool = False, min_voxels: int = 0) -> "Reconstruction":
        """The shape without small pieces: only those of at least `min_voxels` voxels; `keep_largest`: only the largest.

        A piece is a set of voxels connected through faces. The page shows all pieces, because its threshold can be
        changed. Raises UserError if no piece has `min_voxels`.
        """
        occupancy = without_specks(self.occupancy, self.threshold, keep_largest, min_voxels)
        return replace(self, occupancy=occupancy)

    def picture(self) -> Image.Image:
        """What the network saw and the surface side by side; the surface's tile is empty if no voxel is occupied."""
        tiles = [(view_image(view), f"view {number}") for number, view in enumerate(self.views, start=1)]
        if self.voxels.any():
            return side_by_side([*tiles, (draw_mesh(self.mesh(), smooth=self.style == "smooth"), "reconstruction")])
        return side_by_side([*tiles, (Image.new("RGBA", (1, 1)), "no voxel occupied")])

    def save(self, *paths: str | Path, size: float | None = None, up: str = "y", overwrite: bool = True) -> None:
        """Write the shape to files, each in the format of its suffix; none appears in place before all are written.

        .obj .ply .stl .glb .3mf: the surface, with `size` and `up` as in `mesh`; .glb is always y up and in metres, and
        .3mf z up, as their standards require. .binvox: the voxels; .npy: the occupancy; .png: views and surface side by
        side; .gif .webp: the surface turning; .html: the page. Raises UserError for another suffix, a path that cannot
        be written, or a mesh of a shape without voxels; picture and page show that there are none. Without `overwrite`,
        raises FileExistsError if one of the files exists, and writes none.
        """
        check_size(size)
        check_up(up)
        for path in paths:
            check_suffix(Path(path))
        named = {Path(path): Path(path).stem for path in paths}
        writers = {path: partial(self._write, title, size, up) for path, title in named.items()}
        write_together(writers, overwrite)

    def _write(self, title: str, size: float | None, up: str, path: Path) -> None:
        suffix, smooth = path.suffix.lower(), self.style == "smooth"
        if suffix in MESH_SUFFIXES:
            write_mesh(self.mesh(), path, size, up, smooth)
        elif suffix in TURNTABLE_SUFFIXES:
            write_turntable(self.mesh(), path, smooth)
        elif suffix == ".binvox":
            write_binvox(path, VoxelGrid(self.voxels))
        elif suffix == ".npy":
            with path.open("wb") as file:
                np.save(file, self.occupancy)
        elif suffix == ".html":
            path.write_text(self.page(title), encoding="utf-8")
        else:
            self.picture().save(path)


class Reconstructor(R2N2):
    """An R2N2 that reads pictures; returned by `load`."""

    @torch.inference_mode()
    def reconstruct(
        self,
        images: Picture | Iterable[Picture],
        threshold: float = THRESHOLD,
        style: str = "smooth",
        state: State | None = None,
        preprocessing: str = "modern",
        background: str = "auto",
    ) -> Reconstruction:
        """Rebuild the shape of one object from pictures of it.

        images: any number of files, folders, glob patterns, PIL images, arrays or tensors (see `pictures.given`), in
        any order. state: the state of an earlier reconstruction of the same object, to add views to it. preprocessing:
        a name in `images.PREPROCESSING`. background: "auto" removes a background that is not plain, "keep" removes
        none, "remove" removes every one. The network may be in training mode and of any floating-point type: this call
        evaluates it, and changes neither. Raises UserError for a picture that cannot be read.
        """
        check_threshold(threshold)
        check_style(style)
        check_preprocessing(preprocessing)
        views, names, doubts = read_views(images, preprocessing, check_background(background))
        one = next(self.parameters())
        with evaluating(self):
            features = self.encode(torch.from_numpy(views)[None].to(one.device, one.dtype))  # (1, T, F)
            states, last = self.recurrence(features, state=state)  # (1, T, 4, 4, 4, C)
            occupancy = self.decode(last).occupancy[0].cpu().numpy()
            doubts += self._doubts(features[0], state, names)
        history = History(self, features, states, state)
        unsure = doubt_of_shape(occupancy, threshold)
        doubts += [unsure] if unsure else []
        return Reconstruction(occupancy, views, names, last, history, threshold, style, tuple(doubts))

    def _doubts(self, features: torch.Tensor, state: State | None, names: tuple[str, ...]) -> list[str]:
        """Warnings about views, as features (T, F), that show a different object from the rest or the shape so far."""
        if len(features) + (state is not None) < 2:
            return []
        alone = [self.decode(self.recurrence(part[:, None])[1]).occupancy for part in features.split(BATCH)]
        shapes = torch.cat([*alone, *([self.decode(state).occupancy] if state is not None else [])])
        odd = odd_ones_out(shapes.cpu().numpy())
        if len(odd) == len(shapes):
            return ["The views look like different objects; give pictures of only one."]
        return [
            f"{first_word(names[number])} looks like a different object from the others; leave it out if it is."
            for number in odd
            if number < len(names)
        ]


def load(weights: str | Path | None = None, network: str | None = None, device: str = "auto") -> Reconstructor:
    """Load a trained network in evaluation mode: the shipped `compact` one, or the one in a weights file.

    network: a name in `r2n2.NETWORKS` that the weights must match; device: "auto" (CUDA if available, otherwise the
    CPU) or any PyTorch device. Raises UserError if the weights do not fit or cannot be read, or if the device is not
    available.
    """
    config = network_config(network) if network else None
    place = find_device(device)
    if weights is not None:
        return load_weights(weights, config, Reconstructor).to(place)
    if config is not None and config.name != SHIPPED:
        raise UserError(
            f"No weights come with the network {config.name}; name a file with --weights, or use {SHIPPED}."
        )
    with shipped_weights() as path:
        return load_weights(path, config, Reconstructor).to(place)


def check_suffix(path: Path) -> str:
    """The suffix in lower case. Raises UserError if it is not one of SUFFIXES, or if the path is a folder."""
    if os.path.isdir(path):  # noqa: PTH112 - returns False where Path.is_dir raises
        raise UserError(f"{path} is a folder; name a file in it, such as {path / 'shape.glb'}.")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(
            f"{path} has the suffix {suffix or '(none)'}, which is not a supported format; "
            f"use one of {' '.join(SUFFIXES)}."
        )
    return suffix
