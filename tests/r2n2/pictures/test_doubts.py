"""Warnings appear where they should, and only there."""

import numpy as np
import pytest

from r2n2.pictures.background import Background, Kind, Mask
from r2n2.pictures.doubts import doubt_of_mask, doubt_of_shape, odd_ones_out, similarity


def mask(*boxes: tuple[int, int, int, int], level: float = 1.0, kind: Kind = Kind.BUSY) -> Mask:
    share = np.zeros((100, 100), np.float32)
    for left, top, right, bottom in boxes:
        share[top:bottom, left:right] = level
    return Mask(share, kind)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (mask((30, 30, 70, 70)), None),
        (mask((30, 30, 70, 70), (80, 80, 84, 84)), None),
        (mask((30, 30, 60, 60), (70, 70, 90, 90)), "more than one thing"),
        (mask((0, 30, 70, 70)), "reaches the edge"),
        (mask((30, 30, 70, 70), level=0.7), "does not show clearly"),
        (mask(), "nothing that stands out"),
        (mask((30, 30, 60, 60), (70, 70, 90, 90), kind=Kind.PLAIN), None),
        (mask(kind=Kind.TRANSPARENT), "nothing that stands out"),
    ],
)
def test_doubtful_masks_give_a_one_line_warning(given: Mask, says: str | None) -> None:
    doubt = doubt_of_mask(given, Background.AUTO, "a.jpg")
    assert doubt is None if says is None else says in doubt
    assert doubt is None or (doubt.startswith("a.jpg ") and doubt.endswith(".") and "\n" not in doubt)


def test_keeping_a_busy_background_gives_a_warning() -> None:
    assert "was kept" in doubt_of_mask(mask(), Background.KEEP, "a.jpg")
    assert doubt_of_mask(mask((30, 30, 70, 70), kind=Kind.PLAIN), Background.KEEP, "a.jpg") is None


def test_similarity_of_sets_is_their_iou() -> None:
    a, b = np.zeros((2, 4, 4, 4), np.float32)
    assert similarity(a, b) == 1
    a[:2], b[1:3] = 1, 1
    assert similarity(a, b) == pytest.approx(1 / 3)
    assert similarity(a, a) == 1


def test_shapes_with_probabilities_near_the_threshold_are_unsure() -> None:
    sure = np.zeros((32, 32, 32), np.float32)
    sure[10:20, 10:20, 10:20] = 0.95
    assert doubt_of_shape(sure, 0.4) is None
    assert "unsure" in doubt_of_shape(np.full((32, 32, 32), 0.3, np.float32) + 0.2 * sure, 0.4)
    assert doubt_of_shape(np.zeros((32, 32, 32), np.float32), 0.4) is None  # an empty shape is reported elsewhere


def test_a_shape_unlike_all_others_is_the_odd_one_out() -> None:
    block, plate = np.zeros((2, 16, 16, 16), np.float32)
    block[4:12, 4:12, 4:12] = 0.9
    plate[:, 0:2] = 0.9
    assert odd_ones_out(np.stack([block, block])) == []
    assert odd_ones_out(np.stack([block, plate, block * 0.9])) == [1]
    assert odd_ones_out(np.stack([block, plate])) == [0, 1]
    assert odd_ones_out(np.stack([block, block, plate, plate])) == []  # two pairs: each has a match
    assert odd_ones_out(block[None]) == []
