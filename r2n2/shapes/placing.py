"""Convert a surface from the network's coordinates to the size and the axes that a print needs."""

import math

import numpy as np
import trimesh

from r2n2.errors import UserError

UPWARDS = {"y": 1, "z": 2}  # index of the axis
SIZES = (0.1, 1e6)  # smallest and largest longest side, in millimetres


def placed(mesh: trimesh.Trimesh, longest: float | None = None, up: str = "y") -> trimesh.Trimesh:
    """A copy with the axis `up` upwards and, if `longest` is given, scaled to that longest side and put on the ground.

    The front, +X, keeps its direction: (x, y, z) with y up becomes (x, -z, y) with z up. A scaled mesh has its bounding
    box centred over the origin and its lowest point at height 0. Raises UserError for an axis that is not in UPWARDS.
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
    """Raise UserError unless `up` is one of UPWARDS."""
    if up not in UPWARDS:
        raise UserError(f"There is no upward axis {up!r}; choose one of {', '.join(UPWARDS)}.")


def check_size(size: float | None) -> None:
    """Raise UserError if `size`, a longest side in millimetres, is not finite or not within SIZES; None is allowed."""
    low, high = SIZES
    if size is not None and not (math.isfinite(size) and low <= size <= high):
        raise UserError(f"A longest side of {size:g} millimetres is out of range; give {low:g} to {high:,.0f}.")
