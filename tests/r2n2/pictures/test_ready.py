"""People's photographs become pictures like those of training, and renders stay as they are."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from r2n2.data.grounds import photograph
from r2n2.data.sample import sample_folder
from r2n2.data.shapenet import find_models, view_paths
from r2n2.pictures.background import Background
from r2n2.pictures.images import read_image, to_view
from r2n2.pictures.ready import make_ready


@pytest.fixture(scope="module")
def render() -> Image.Image:
    with sample_folder() as folder:
        return read_image(view_paths(next(m for m in find_models(folder)[0] if m.word == "chair"))[0])


def test_no_render_of_the_sample_is_changed() -> None:
    with sample_folder() as folder:
        for item in find_models(folder)[0]:
            for path in view_paths(item)[::3]:
                image = read_image(path)
                ready = make_ready(image)
                assert ready.mask is None, path
                assert ready.doubt is None
                np.testing.assert_array_equal(to_view(ready.image), to_view(image))


@pytest.mark.parametrize("ground", ["plain", "wood"])
def test_an_object_in_a_corner_is_centred(ground: str, render: Image.Image) -> None:
    photo = photograph(render, ground, "corner", [2])
    ready = make_ready(photo.image)
    assert ready.doubt is None
    assert ready.mask is not None
    view = to_view(ready.image)  # (3, 127, 127)
    border = np.concatenate([view[:, :4].reshape(3, -1), view[:, -4:].reshape(3, -1)], axis=1)
    different = np.abs(view - np.median(border, axis=1)[:, None, None]).max(axis=0) > 0.2
    ys, xs = np.nonzero(different)
    assert 0.55 < max(np.ptp(xs), np.ptp(ys)) / 127 < 0.85
    assert abs(xs.min() + xs.max() - 126) < 16
    assert abs(ys.min() + ys.max() - 126) < 16
    if ground == "wood":
        np.testing.assert_allclose(border, 240 / 255, atol=0.05)


def test_a_large_picture_is_scaled_down() -> None:
    image = Image.new("RGBA", (4000, 3000), (230, 228, 225, 255))
    ImageDraw.Draw(image).rectangle((1200, 900, 2800, 2400), (30, 60, 90, 255))
    ready = make_ready(image, Background.KEEP)
    assert max(ready.image.size) <= 1536
    assert ready.image.size == (127, 127)
    assert ready.doubt is None


def test_pictures_that_cannot_be_made_ready_give_a_warning(render: Image.Image) -> None:
    wooden = photograph(render, "wood", "centred", [0]).image
    kept = make_ready(wooden, Background.KEEP, "wood.jpg")
    assert kept.doubt.startswith("wood.jpg has a background that is not plain")
    assert kept.image.size == wooden.size
    blank = make_ready(Image.new("RGBA", (300, 200), "white"), name="blank.jpg")
    assert blank.doubt.startswith("blank.jpg shows nothing that stands out")
    assert make_ready(Image.new("RGBA", (137, 137)), name="air.png").doubt.startswith("air.png shows nothing")
