"""Pictures of meshes fill their tiles and cut nothing off."""

import numpy as np
import pytest
import trimesh
from PIL import Image

from r2n2.shapes.picture import draw_mesh, framed, side_by_side, view_image


@pytest.mark.parametrize("extents", [(1, 1, 1), (1, 0.1, 0.1), (0.05, 1, 0.05), (1, 0.02, 1), (0.1, 0.1, 0.1)])
def test_a_framed_mesh_fills_its_picture(extents: tuple[float, float, float]) -> None:
    mesh = trimesh.creation.box(extents)
    alpha = np.asarray(draw_mesh(mesh, size=200))[..., 3] > 0
    assert not (alpha[0].any() or alpha[-1].any() or alpha[:, 0].any() or alpha[:, -1].any())
    if max(extents) == 1:
        rows, columns = np.nonzero(alpha)
        assert max(np.abs(rows - 100).max(), np.abs(columns - 100).max()) > 75


def test_one_frame_fits_all_meshes() -> None:
    small, large = trimesh.creation.box((0.2, 0.2, 0.2)), trimesh.creation.box((1, 0.3, 0.3))
    assert framed([small, large]) == framed([large])


def test_tiles_stand_side_by_side_with_their_captions() -> None:
    red, blue = Image.new("RGB", (50, 50), "red"), Image.new("RGBA", (500, 500), "blue")
    sheet = np.asarray(side_by_side([(red, "one"), (blue, "two")]))
    middle = sheet[len(sheet) // 3]
    assert (middle[len(middle) // 4] == [255, 0, 0]).all()
    assert (middle[3 * len(middle) // 4] == [0, 0, 255]).all()
    assert sheet[-35:].min() < 128  # the captions' ink


def test_a_view_is_shown_as_it_is() -> None:
    view = np.random.default_rng(0).random((3, 127, 127), np.float32)
    np.testing.assert_allclose(np.asarray(view_image(view)), view.transpose(1, 2, 0) * 255, atol=0.51)
