"""Finding the object: by transparency, by a plain border, or by what stands out."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from r2n2.data.grounds import GROUNDS, photograph
from r2n2.errors import UserError
from r2n2.pictures import background
from r2n2.pictures.background import Background, Kind, Mask, check_background, cut_out, find_object

BOX = (40, 30, 90, 80)


def thing(size: tuple[int, int] = (137, 137), box: tuple[int, int, int, int] = BOX) -> Image.Image:
    """A red block on a transparent ground."""
    image = Image.new("RGBA", size)
    ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), (200, 40, 30, 255))
    return image


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if U2-Net runs."""
    monkeypatch.setattr(background, "_u2net", lambda _: pytest.fail("U2-Net ran"))


@pytest.mark.usefixtures("blind")
def test_transparency_marks_the_object() -> None:
    mask = find_object(thing())
    assert (mask.kind, mask.found) == (Kind.TRANSPARENT, True)
    np.testing.assert_allclose(np.array(mask.box) * 137, BOX, atol=0.5)


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize("ground", ["plain", "dark", "gradient"])
def test_what_differs_from_a_plain_border_is_the_object(ground: str) -> None:
    for seed in range(10):
        photo = photograph(thing(), ground, "corner", [seed])
        mask = find_object(photo.image)
        assert mask.kind is Kind.PLAIN
        left, top, right, bottom = np.array(mask.box) * photo.image.width
        ys, xs = np.nonzero(photo.mask)
        assert left <= xs.min() + 4
        assert top <= ys.min() + 4
        assert xs.max() - 4 <= right <= xs.max() + 20, "except for its shadow"
        assert ys.max() - 4 <= bottom <= ys.max() + 20


@pytest.mark.parametrize("ground", ["wood", "clutter"])
def test_other_grounds_are_busy_and_need_u2net_unless_kept(ground: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(background, "_u2net", lambda image: asked.append(1) or np.zeros((8, 8), np.float32))
    for seed in range(10):
        photo = photograph(thing(), ground, "centred", [seed])
        assert find_object(photo.image, Background.KEEP).kind is Kind.BUSY
        assert len(asked) == seed
        assert find_object(photo.image).kind is Kind.BUSY
        assert len(asked) == seed + 1


def test_a_small_object_on_wood_is_found() -> None:
    photo = photograph(thing(), "wood", "corner", [1])
    mask = find_object(photo.image)
    share = np.asarray(Image.fromarray(mask.share).resize(photo.image.size)) > 0.5
    assert (share & photo.mask).sum() / (share | photo.mask).sum() > 0.9
    alpha = np.asarray(cut_out(photo.image, mask))[..., 3]
    assert alpha[photo.mask].mean() > 230
    assert alpha[~photo.mask].mean() < 10


def test_remove_uses_u2net_on_a_plain_background_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_u2net", lambda _: np.full((8, 8), 0.9, np.float32))
    photo = photograph(thing(), "plain", "centred", [0])
    assert find_object(photo.image, Background.REMOVE).share.min() > 0.8


def test_small_separate_pieces_are_not_part_of_the_object() -> None:
    share = np.zeros((100, 100), np.float32)
    share[20:60, 20:60] = 0.9
    share[80:84, 80:84] = 0.9
    share[60:64, 20:60] = 0.3  # a soft edge stays
    kept = background._without_crumbs(share)
    assert kept[80:84, 80:84].max() == 0
    np.testing.assert_array_equal(kept[:70], share[:70])


@pytest.mark.parametrize("size", [(16, 4000), (4000, 16), (16, 16), (127, 127)])
def test_pictures_of_any_size_are_searched(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_u2net", lambda _: np.zeros((8, 8), np.float32))
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    assert find_object(Image.fromarray(pixels).convert("RGBA")).kind is Kind.BUSY
    white = find_object(Image.new("RGBA", size, "white"))
    assert (white.kind, white.found) == (Kind.PLAIN, False)


def test_an_empty_mask_found_nothing_and_unknown_options_are_refused() -> None:
    assert not Mask(np.zeros((20, 20), np.float32), Kind.BUSY).found
    with pytest.raises(UserError, match="auto, keep, remove"):
        check_background("blur")


def test_the_seed_determines_every_ground() -> None:
    for ground in GROUNDS:
        first, second, other = (photograph(thing(), ground, "4:1", [seed]).image for seed in (3, 3, 4))
        assert first.size == (1016, 254)
        assert first.tobytes() == second.tobytes() != other.tobytes()
