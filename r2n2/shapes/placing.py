"""A surface in the world of the network to one of the size and with the axes that a print wants."""

import math

import numpy as np
import trimesh

from r2n2.errors import UserError

UPS = ("y", "z")
SIZES = (0.1, 1e6)  # millimetres, of a longest side


def placed(mesh: trimesh.Trimesh, size: float | None = None, up: str = "y") -> trimesh.Trimesh:
    """A copy with the axis `up` upwards and, if `size` is given, with a longest side of that length, on the ground.

    The front, +X, stays where it is: (x, y, z) with y up becomes (x, -z, y) with z up. A mesh with a size has its box
    centred over the origin and its lowest point at height 0. Raises UserError for another axis or a size that is no
    size.
    """
    check_up(up)
    check_size(size)
    matrix = np.eye(4)
    if up == "z":
        matrix[1:3, 1:3] = [[0, -1], [1, 0]]
    turned = mesh.copy().apply_transform(matrix)
    if size is None:
        return turned
    low, high = turned.bounds
    foot = (low + high) / 2
    foot[UPS.index(up) + 1] = low[UPS.index(up) + 1]
    return turned.apply_translation(-foot).apply_scale(size / (high - low).max())


def check_up(up: str) -> None:
    if up not in UPS:
        raise UserError(f"There is no upward axis {up!r}; choose one of {', '.join(UPS)}.")


def check_size(size: float | None) -> None:
    low, high = SIZES
    if size is not None and not (math.isfinite(size) and low <= size <= high):
        raise UserError(f"A longest side of {size:g} millimetres is no size; give {low:g} to {high:,.0f}.")
