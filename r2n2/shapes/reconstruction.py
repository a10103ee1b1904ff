"""From pictures as people have them to a shape as people want it.

model = r2n2.load()
shape = model.reconstruct(["front.jpg", "side.jpg"])
shape.save("chair.obj")
shape = model.reconstruct(["back.jpg"], state=shape.state)      one more view, later
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

BATCH = 16  # views that are rebuilt alone at once, to be compared
SUFFIXES = (*MESH_SUFFIXES, ".binvox", ".npy", ".png", *TURNTABLE_SUFFIXES, ".html")
SEEN_SUFFIXES = {".png", ".html"}  # these show what the network saw
EMPTY_SUFFIXES = {*SEEN_SUFFIXES, ".binvox", ".npy"}  # these can be written without a voxel
DEFAULT_SUFFIXES = (".glb", ".png")  # to open and turn, and to look at


@dataclass(frozen=True, repr=False)
class Reconstruction:
    """A shape, and what it was made of.

    occupancy: (32, 32, 32) float32 in [0, 1] in the order (X, Y, Z), y up; views: (T, 3, 127, 127), what the network
    saw in this call; names: the T pictures'; state: hand it to `reconstruct` to add further views; history: see `steps`
    and `gates`, which are computed when first asked for, with the network as it then is; style: of the mesh, "smooth"
    or "blocky"; warnings: what may be wrong, a sentence each.
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
        """Occupancy (T, 32, 32, 32) float32 after each view of this call: how the shape grew."""
        return self.history.occupancy

    @property
    def gates(self) -> np.ndarray:
        """How much of the hidden grid (T, 4, 4, 4) float32 each view of this call wrote, in [0, 1], mean over channels.

        The GRU's 1 - u, u the update gate; the LSTM's input gate i. A cell stands for 8x8x8 voxels.
        """
        return self.history.gates

    def page(self, title: str = "Reconstruction") -> str:
        """One HTML file: the views, the shape to turn, its threshold, its steps and gates; it fetches nothing."""
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
        """The watertight surface, in the world of `occupancy`: the grid's cube has edges of 1 around the origin.

        size: the longest side in millimetres, in place of that; the surface then stands on the ground over the origin.
        up: "y" or "z". Raises UserError if no voxel is occupied.
        """
        check_size(size)
        return placed(surface_mesh(self.occupancy, self.threshold, style or self.style), size, up)

    def without_specks(self, keep_largest: bool = False, min_voxels: int = 0) -> "Reconstruction":
        """The same without small pieces: all but the largest, or those of fewer voxels.

        A piece is a set of voxels that hang together through faces. The page shows all pieces, for its threshold can be
        moved. Raises UserError if none has `min_voxels`.
        """
        occupancy = without_specks(self.occupancy, self.threshold, keep_largest, min_voxels)
        return replace(self, occupancy=occupancy)

    def picture(self) -> Image.Image:
        """What the network saw and the surface side by side, an empty tile if no voxel is occupied."""
        tiles = [(view_image(view), f"view {number}") for number, view in enumerate(self.views, start=1)]
        if self.voxels.any():
            return side_by_side([*tiles, (draw_mesh(self.mesh(), smooth=self.style == "smooth"), "reconstruction")])
        return side_by_side([*tiles, (Image.new("RGBA", (1, 1)), "no voxel occupied")])

    def save(self, *paths: str | Path, size: float | None = None, up: str = "y", overwrite: bool = True) -> None:
        """Write the shape to files, each in the format of its suffix; none is renamed into place before all are made.

        .obj .ply .stl .glb .3mf: the surface, with `size` and `up` as of `mesh`; .glb is always y up and in metres, and
        .3mf z up, as their standards say. .binvox: the voxels; .npy: the occupancy; .png: views and surface side by
        side; .gif .webp: the surface turning; .html: the page. Raises UserError for another suffix, a path that cannot
        be written, or a mesh of no voxels; picture and page show that there are none. Unless files may be overwritten,
        raises FileExistsError if there is one already, and writes none.
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
    """An R2N2 that takes pictures: what `load` returns."""

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
        """The shape that pictures of one object show.

        images: files, folders, glob patterns, PIL images, arrays or tensors (see `pictures.given`), any number, in any
        order. state: that of an earlier reconstruction of the same object, to add views to it. preprocessing: a name
        of `images.PREPROCESSING`. background: "auto" removes one that is not plain, "keep" none, "remove" every one.
        The network may be in training mode and of any floating point type: this is evaluation, and changes neither.
        Raises UserError for a picture that cannot be read.
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
        """Whether views, by their features (T, F), show another object than the others and the shape so far."""
        if len(features) + (state is not None) < 2:
            return []
        alone = [self.decode(self.recurrence(part[:, None])[1]).occupancy for part in features.split(BATCH)]
        shapes = torch.cat([*alone, *([self.decode(state).occupancy] if state is not None else [])])
        odd = odd_ones_out(shapes.cpu().numpy())
        if len(odd) == len(shapes):
            return ["The views look like different objects; give pictures of one."]
        return [
            f"{first_word(names[number])} looks like another object than the others; leave it out if it is."
            for number in odd
            if number < len(names)
        ]


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
    with shipped_weights() as path:
        return load_weights(path, config, Reconstructor).to(place)


def check_suffix(path: Path) -> str:
    """The suffix in lower case. Raises UserError if no format goes by it."""
    if os.path.isdir(path):  # noqa: PTH112 - which asks no more of a name than it can
        raise UserError(f"{path} is a folder; name a file in it, such as {path / 'shape.glb'}.")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(
            f"{path} has the suffix {suffix or '(none)'}, which names no format; use one of {' '.join(SUFFIXES)}."
        )
    return suffix
