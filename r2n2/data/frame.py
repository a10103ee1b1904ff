"""The canonical frame, which is ShapeNet's: right-handed, y up, every object's front along +X.

A chair's back is at -X, a sofa is wide along Z, a car's bonnet points to +X. A mesh whose own axes `front` and `up` are
given is turned by

    R = [front; up; front x up]        rows, so that R front = +X and R up = +Y
"""

import numpy as np

from r2n2.errors import UserError

AXES = {sign + "xyz"[axis]: {"+": 1.0, "-": -1.0}[sign] * np.eye(3)[axis] for sign in "+-" for axis in range(3)}
USUAL_FRONTS = {"y": "+z", "z": "-y"}  # by up axis: glTF's front, and the same front as Blender shows it


def rotation_to_canonical(up: str = "y", front: str | None = None) -> np.ndarray:
    """The rotation (3, 3) of a mesh whose axis `up` ("y" or "z") points up and whose axis `front` is its front.

    front: "+x", "-x", "+y", "-y", "+z" or "-z" in the mesh's own axes; None for glTF's front (+z if y is up, -y if z is
    up). Raises UserError for other words, or if both are the same axis.
    """
    if up not in USUAL_FRONTS:
        raise UserError(f"There is no up axis {up!r}; choose y or z.")
    front = front or USUAL_FRONTS[up]
    if front not in AXES:
        raise UserError(f"There is no front {front!r}; choose one of {' '.join(AXES)}.")
    if front[1] == up:
        raise UserError(f"The front {front} and the up axis {up} are the same axis; choose another front.")
    ahead, upward = AXES[front], AXES[f"+{up}"]
    return np.stack([ahead, upward, np.cross(ahead, upward)])
