"""Arrays and tensors of any layout are accepted as pictures or refused with a one-line message."""

import numpy as np
import pytest
import torch
from PIL import Image

from r2n2.errors import UserError
from r2n2.pictures.given import pictures_from_array

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8)


def only(given: np.ndarray | torch.Tensor) -> np.ndarray:
    (picture,) = pictures_from_array(given, "Picture 1")
    return np.asarray(picture)


@pytest.mark.parametrize(
    "given",
    [
        PIXELS,
        PIXELS.transpose(2, 0, 1),
        PIXELS[None],
        PIXELS.transpose(2, 0, 1)[None],
        PIXELS.astype(np.float32) / 255,
        PIXELS.astype(np.float64) / 255,
        PIXELS.astype(np.int64),
        PIXELS.astype(np.uint16) * 257,
        np.asfortranarray(PIXELS),
        torch.from_numpy(PIXELS),
        torch.from_numpy(PIXELS).permute(2, 0, 1) / 255,
        (torch.from_numpy(PIXELS).permute(2, 0, 1)[None] / 255).requires_grad_(),
    ],
)
def test_every_layout_and_type_gives_the_same_picture(given: np.ndarray | torch.Tensor) -> None:
    np.testing.assert_array_equal(only(given), PIXELS)


def test_half_precision_arrays_are_accepted() -> None:
    np.testing.assert_allclose(only((PIXELS / 255).astype(np.float16)), PIXELS, atol=1)
    np.testing.assert_allclose(only((torch.from_numpy(PIXELS) / 255).bfloat16()), PIXELS, atol=2)


def test_greys_alpha_and_batches_are_accepted() -> None:
    assert only(PIXELS[..., 0]).shape == (24, 20)
    assert only(PIXELS[..., :1]).shape == (24, 20)
    assert only(PIXELS[..., 0] > 127).max() == 255
    assert only(np.dstack([PIXELS, PIXELS[..., :1]]).transpose(2, 0, 1)).shape == (24, 20, 4)
    batch = pictures_from_array(torch.rand(5, 3, 20, 30), "Picture 1")
    assert [picture.size for picture in batch] == [(30, 20)] * 5
    assert all(isinstance(picture, Image.Image) for picture in batch)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (np.zeros((20, 20, 2), np.uint8), "without an axis of 1, 3 or 4 channels"),
        (np.zeros((20, 30, 40), np.uint8), "without an axis of 1, 3 or 4 channels"),
        (np.zeros(20, np.uint8), r"the shape \(20,\)"),
        (np.zeros((1, 2, 3, 20, 20), np.uint8), "the shape"),
        (np.zeros((0, 20, 20, 3), np.uint8), "the shape"),
        (np.full((20, 20, 3), 200.0), "fractions from 200 to 200; scale them to 0 to 1"),
        (torch.randn(3, 20, 20), "fractions from -"),
        (np.full((20, 20, 3), np.nan), "not finite"),
        (np.full((20, 20, 3), 300), "whole numbers from 300 to 300"),
        (np.full((20, 20, 3), -1), "whole numbers from -1"),
        (np.zeros((20, 20, 3), complex), "which cannot hold colours"),
        (np.full((20, 20), "a"), "which cannot hold colours"),
        (np.full((20, 20), None), "which cannot hold colours"),
        (torch.zeros(20, 20, 3, dtype=torch.complex64), "which cannot hold colours"),
        (torch.zeros(3, 20, 20).to_sparse(), "without plain pixels"),
    ],
)
def test_other_arrays_are_refused_with_a_one_line_message(given: np.ndarray | torch.Tensor, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        pictures_from_array(given, "Picture 7")
    assert str(caught.value).startswith("Picture 7 ")
    assert "\n" not in str(caught.value)
