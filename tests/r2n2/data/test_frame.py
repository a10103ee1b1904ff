"""The canonical frame: y up, front along +X."""

import numpy as np
import pytest

from r2n2.data.frame import AXES, rotation_to_canonical
from r2n2.errors import UserError


@pytest.mark.parametrize("up", ["y", "z"])
@pytest.mark.parametrize("front", AXES)
def test_front_and_up_are_turned_to_x_and_y(up: str, front: str) -> None:
    if front[1] == up:
        with pytest.raises(UserError, match="same axis"):
            rotation_to_canonical(up, front)
        return
    rotation = rotation_to_canonical(up, front)
    np.testing.assert_array_equal(rotation @ AXES[front], [1, 0, 0])
    np.testing.assert_array_equal(rotation @ AXES[f"+{up}"], [0, 1, 0])
    assert np.linalg.det(rotation) == 1  # turned, not mirrored


def test_the_front_of_gltf_exports_becomes_x_for_y_up_and_z_up_programs() -> None:
    np.testing.assert_array_equal(rotation_to_canonical() @ [1, 2, 3], [3, 2, -1])  # new x = old z, new z = -old x
    from_blender = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # what exporters do: (x, y, z) to (x, z, -y)
    np.testing.assert_array_equal(rotation_to_canonical("z"), rotation_to_canonical() @ from_blender)


def test_unknown_up_and_front_axes_are_refused() -> None:
    for up, front, says in (("x", None, "up axis 'x'"), ("y", "z", "front 'z'"), ("y", "left", "front 'left'")):
        with pytest.raises(UserError, match=says):
            rotation_to_canonical(up, front)
