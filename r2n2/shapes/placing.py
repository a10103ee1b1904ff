"""A surface in the world of the network to one of the size and with the axes that a print wants."""

import math

import numpy as np
import trimesh

from r2n2.errors import UserError

UPWARDS = {"y": 1, "z": 2}  # the axis
SIZES = (0.1, 1e6)  # millimetres, of a longest side


def placed(mesh: trimesh.Trimesh, longest: float | None = None, up: str = "y") -> trimesh.Trimesh:
    """A copy with the axis `up` upwards and, if `longest` is given, with a longest side of that length, on the ground.

    The front, +X, stays where it is: (x, y, z) with y up becomes (x, -z, y) with z up. A mesh with a length has its box
    centred over the origin and its lowest point at height 0. Raises UserError for another axis.
    """
    check_up(up)
    matrix = np.eye(4)
    if up == "z":
        matrix[1:3, 1:3] = [[0, -1], [1, 0]]
    turned = mesh.copy().apply_transform(matrix)
    if longest is None:
        return turned
    low, high = turned.bounds
    foot = (low + high) / 2
    foot[UPWARDS[up]] = low[UPWARDS[up]]
    return turned.apply_translation(-foot).apply_scale(longest / (high - low).max())


def check_up(up: str) -> None:
    """Raise UserError for an axis that nothing is placed by."""
    if up not in UPWARDS:
        raise UserError(f"There is no upward axis {up!r}; choose one of {', '.join(UPWARDS)}.")


def check_size(size: float | None) -> None:
    """Raise UserError for what is no longest side in millimetres; None is none."""
    low, high = SIZES
    if size is not None and not (math.isfinite(size) and low <= size <= high):
        raise UserError(f"A longest side of {size:g} millimetres is no size; give {low:g} to {high:,.0f}.")
