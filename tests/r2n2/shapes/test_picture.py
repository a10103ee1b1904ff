"""Sheets show their tiles, views and captions unchanged."""

import numpy as np
from PIL import Image

from r2n2.shapes.picture import side_by_side, view_image


def test_tiles_stand_side_by_side_with_their_captions() -> None:
    red, blue = Image.new("RGB", (50, 50), "red"), Image.new("RGBA", (500, 500), "blue")
    sheet = np.asarray(side_by_side([(red, "one"), (blue, "two")]))
    middle = sheet[len(sheet) // 3]
    assert (middle[len(middle) // 4] == [255, 0, 0]).all()
    assert (middle[3 * len(middle) // 4] == [0, 0, 255]).all()
    assert sheet[-35:].min() < 128  # the captions' ink


def test_a_view_is_shown_unchanged() -> None:
    view = np.random.default_rng(0).random((3, 127, 127), np.float32)
    np.testing.assert_allclose(np.asarray(view_image(view)), view.transpose(1, 2, 0) * 255, atol=0.51)
