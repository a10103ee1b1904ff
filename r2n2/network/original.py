"""Read and write the weight files of 2016 (`ResidualGRUNet.npy`, `GRUNet.npy`).

A file is a list of float32 arrays, layer by layer, weight before bias. The recurrence's gates come between encoder and
decoder: update, reset, candidate with (Wh, Wx, b) each. Each array becomes a tensor of this project's network:

    conv2d  (O, I, h, w)               flip h and w: Theano convolves, PyTorch correlates
    conv3d  (O, X, I, Y, Z)            to (O, I, X, Y, Z), flip X, Y and Z
    matrix  (in, out)                  transpose
    Wh      as conv3d                  one gate of recurrence.weight (3, C, C, 3, 3, 3)
    Wx      (F, X C Y Z)               one gate of recurrence.projection (3 X Y Z C, F)
    b       (C)                        one gate of recurrence.bias (3, C)
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from r2n2.config import GRID_SIDE, NETWORKS, NetworkConfig
from r2n2.errors import UserError
from r2n2.files import written_beside
from r2n2.network.arrays import read_arrays, write_arrays
from r2n2.network.decoder import SKIP_LEVELS
from r2n2.network.encoder import SKIP_BLOCKS
from r2n2.network.model import R2N2

SUFFIXES = (".npy", ".npz")
ORIGINAL_NAMES = {"3d-gru-3": "GRUNet", "res3d-gru-3": "ResidualGRUNet"}
GATES = ("t_x_s_update", "t_x_s_reset", "t_x_rs")  # update, reset, candidate


@dataclass(frozen=True)
class Layout:
    """How arrays of one kind are stored: functions from a tensor to its array and back."""

    to_array: Callable[[Tensor], Tensor]
    to_tensor: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Entry:
    """One array of a file: its name in 2016, the tensor that holds it, the gate within that tensor, and its layout."""

    name: str
    key: str
    gate: int | None
    layout: Layout

    def of(self, tensors: dict[str, Tensor]) -> Tensor:
        """The part of the network's tensors that this array fills, as a view."""
        tensor = tensors[self.key]
        return tensor if self.gate is None else tensor.unflatten(0, (len(GATES), -1))[self.gate].squeeze(0)


def _unfold(wx: Tensor) -> Tensor:
    """Reorder Wx (F, X C Y Z) to rows in the order X, Y, Z, C: (X Y Z C, F)."""
    return wx.unflatten(1, (GRID_SIDE, -1, GRID_SIDE, GRID_SIDE)).permute(1, 3, 4, 2, 0).flatten(0, 3)


def _fold(projection: Tensor) -> Tensor:
    return projection.unflatten(0, (GRID_SIDE,) * 3 + (-1,)).permute(4, 0, 3, 1, 2).flatten(1)


PLAIN = Layout(lambda tensor: tensor, lambda array: array)
MATRIX = Layout(lambda tensor: tensor.T, lambda array: array.T)
CONV2D = Layout(lambda tensor: tensor.flip(2, 3), lambda array: array.flip(2, 3))
CONV3D = Layout(lambda tensor: tensor.flip(2, 3, 4).transpose(1, 2), lambda array: array.transpose(1, 2).flip(2, 3, 4))
PROJECTION = Layout(_fold, _unfold)


def entries(config: NetworkConfig) -> list[Entry]:
    """The arrays of a network's file, in order. Raises UserError for a network that has no file of 2016."""
    if (config.recurrence, config.kernel_size) != ("gru", 3) or config.graph == "compact":
        known = " and ".join(ORIGINAL_NAMES)
        raise UserError(f"The program of 2016 has no weight file for the network {config.name}, only for {known}.")
    listed: list[Entry] = []

    def layer(name: str, module: str, layout: Layout) -> None:
        listed.append(Entry(f"{name}.W", f"{module}.weight", None, layout))
        listed.append(Entry(f"{name}.b", f"{module}.bias", None, PLAIN))

    def block(number: int, module: str, layout: Layout, skip: bool) -> None:
        if config.graph != "residual":
            return layer(f"conv{number}", f"{module}.conv", layout)
        layer(f"conv{number}a", f"{module}.first", layout)
        layer(f"conv{number}b", f"{module}.second", layout)
        if skip:
            layer(f"conv{number}c", f"{module}.skip", layout)

    for level in range(6):
        block(level + 1, f"encoder.blocks.{level}", CONV2D, skip=level in SKIP_BLOCKS)
    layer("fc7", "encoder.fc", MATRIX)
    for gate, name in enumerate(GATES):
        listed.append(Entry(f"{name}.Wh", "recurrence.weight", gate, CONV3D))
        listed.append(Entry(f"{name}.Wx", "recurrence.projection.weight", gate, PROJECTION))
        listed.append(Entry(f"{name}.b", "recurrence.bias", gate, PLAIN))
    for level in range(4):
        block(level + 7, f"decoder.levels.{level}", CONV3D, skip=level in SKIP_LEVELS)
    layer("conv11", "decoder.out", CONV3D)
    return listed


def to_arrays(tensors: dict[str, Tensor], config: NetworkConfig) -> list[np.ndarray]:
    """Convert a network's tensors (weights, gradients, ...) to the arrays of 2016, in their order and layout."""
    return [entry.layout.to_array(entry.of(tensors)).contiguous().numpy() for entry in entries(config)]


def to_tensors(arrays: list[np.ndarray], config: NetworkConfig, path: Path | str = "the list") -> dict[str, Tensor]:
    """The inverse of `to_arrays`, as float32. Raises UserError if the number, shape or dtype of the arrays is wrong."""
    listed = entries(config)
    if len(arrays) != len(listed):
        raise UserError(f"{path} holds {len(arrays)} arrays, but the network {config.name} has {len(listed)}.")
    with torch.device("meta"):
        model = R2N2(config)
    tensors = {name: torch.empty(tensor.shape) for name, tensor in model.state_dict().items()}
    for number, (entry, array) in enumerate(zip(listed, arrays, strict=True)):
        target = entry.of(tensors)
        expected = tuple(entry.layout.to_array(target).shape)
        if array.shape != expected:
            raise UserError(f"{path}: array {number} ({entry.name}) has shape {array.shape}; expected {expected}.")
        if array.dtype != np.float32:
            raise UserError(f"{path}: array {number} ({entry.name}) is {array.dtype}; expected float32.")
        target.copy_(entry.layout.to_tensor(torch.from_numpy(array)))
    return tensors


def is_original(path: str | Path) -> bool:
    """Whether a file has the suffix of a weight file of 2016."""
    return Path(path).suffix.lower() in SUFFIXES


def read_original(path: str | Path) -> tuple[NetworkConfig, dict[str, Tensor]]:
    """Return the network that a weight file of 2016 is for, and its tensors.

    Raises UserError, naming the file, if it is not one.
    """
    arrays = read_arrays(path)
    for name in ORIGINAL_NAMES:
        if len(arrays) == len(entries(NETWORKS[name])):
            return NETWORKS[name], to_tensors(arrays, NETWORKS[name], path)
    counts = " or ".join(f"{len(entries(NETWORKS[name]))} ({original})" for name, original in ORIGINAL_NAMES.items())
    raise UserError(f"{path} holds {len(arrays)} arrays; a weight file of 2016 has {counts}.")


def write_original(path: str | Path, model: R2N2) -> None:
    """Write a network's weights as the program of 2016 did, as `.npy` or `.npz` by the suffix."""
    arrays = to_arrays({name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}, model.config)
    with written_beside(path) as temporary:
        write_arrays(temporary, arrays)
