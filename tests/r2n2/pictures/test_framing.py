"""Objects of the wrong size or place are scaled and centred; others stay as they are."""

import numpy as np
import pytest
from PIL import Image

from r2n2.pictures.framing import FILL, frame, needs_framing


def box(fill: float, x: float = 0.5, y: float = 0.5) -> tuple[float, float, float, float]:
    return x - fill / 2, y - fill / 2, x + fill / 2, y + fill / 2


@pytest.mark.parametrize(
    ("size", "place", "expected"),
    [
        ((800, 800), box(0.75), False),
        ((800, 800), box(0.62), False),
        ((800, 800), box(0.58), True),
        ((800, 800), box(0.88), False),
        ((800, 800), box(0.92), True),
        ((800, 800), box(0.65, x=0.6), False),
        ((800, 800), box(0.65, y=0.66), True),
        ((1600, 400), (0.4, 0.1, 0.6, 0.9), True),  # a fifth of the longer side
        ((137, 137), box(0.45), False),  # renders may be this small
        ((137, 137), box(0.98), False),
        ((127, 127), box(0.35), True),
        ((137, 137), box(0.5, x=0.3), True),
    ],
)
def test_only_objects_of_the_wrong_size_or_place_need_framing(
    size: tuple[int, int], place: tuple[float, ...], expected: bool
) -> None:
    assert needs_framing(size, place) is expected


@pytest.mark.parametrize("size", [(600, 600), (1600, 400), (90, 300)])
@pytest.mark.parametrize("place", [(0.05, 0.1, 0.2, 0.3), (0.8, 0.7, 0.99, 0.98), (0.3, 0.01, 0.7, 0.99)])
@pytest.mark.parametrize("opaque", [True, False])
def test_framing_centres_and_scales_the_object(size: tuple[int, int], place: tuple[float, ...], opaque: bool) -> None:
    pixels = np.zeros((size[1], size[0], 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = (200, 210, 220), 255 if opaque else 0
    left, top, right, bottom = (round(v * s) for v, s in zip(place, size * 2, strict=True))
    pixels[top:bottom, left:right] = (250, 0, 0, 255)
    framed = np.asarray(frame(Image.fromarray(pixels), place))
    assert framed.shape == (127, 127, 4)
    red = (framed[..., 0] > 225) & (framed[..., 1] < 100) & (framed[..., 3] > 127)
    ys, xs = np.nonzero(red)
    np.testing.assert_allclose([(xs.min() + xs.max()) / 2, (ys.min() + ys.max()) / 2], 63, atol=2)
    assert max(np.ptp(xs), np.ptp(ys)) + 1 == pytest.approx(FILL * 127, abs=3)
    assert bool(framed[..., 3].min() == 255) is opaque


def test_outside_an_opaque_picture_its_edge_is_repeated() -> None:
    pixels = np.full((100, 100, 4), 255, np.uint8)
    pixels[:, :, 0] = np.linspace(0, 200, 100)  # darker to the left
    framed = np.asarray(frame(Image.fromarray(pixels), (0.0, 0.4, 0.3, 0.6)))
    assert framed[:, 0, 0].max() < 5
    assert framed[..., 3].min() == 255
