"""The table of grounds, on two grounds and with a small network."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from small import small_network

from r2n2.data.grounds import FRAMINGS, GROUNDS, Photograph
from r2n2.data.packed import read_pack, write_split
from r2n2.data.sample import sample_folder
from r2n2.data.shapenet import find_models
from r2n2.errors import UserError
from r2n2.evaluation import grounds
from r2n2.evaluation.grounds import draw_grounds, evaluate_grounds
from r2n2.network import R2N2
from r2n2.pictures.background import Kind, Mask
from r2n2.pictures.doubts import odd_ones_out
from r2n2.pictures.ready import Ready


def test_every_object_is_photographed_and_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grounds, "GROUNDS", {name: GROUNDS[name] for name in ("plain", "dark")})
    monkeypatch.setattr(grounds, "FRAMINGS", {"centred": FRAMINGS["centred"]})
    torch.manual_seed(0)
    model = R2N2(small_network("3d-gru-3")).eval()
    with sample_folder() as folder:
        models = find_models(folder)[0][::14]
        result = evaluate_grounds(model, models, threshold=0.5)
        write_split(models, tmp_path / "pack", "test")
    assert len(result.shots) == 2 * len(models)
    assert {(shot.ground, shot.framing) for shot in result.shots} == {("plain", "centred"), ("dark", "centred")}
    table = result.to_markdown()
    assert "| centred | plain |" in table
    assert f"of {2 * len(models)} |" in table
    assert "Warnings about different objects" in table
    draw_grounds(result, tmp_path / "worst.png", threshold=0.5, count=2)
    with Image.open(tmp_path / "worst.png") as sheet:
        assert sheet.width > 1000
    packed = evaluate_grounds(model, read_pack(tmp_path / "pack", "test"), threshold=0.5)
    assert packed.to_markdown() == table
    with pytest.raises(UserError, match="no object"):
        evaluate_grounds(model, [])


@pytest.mark.parametrize(("columns", "right"), [(8, True), (7, False), (0, False), (None, True)])
def test_a_picture_is_right_if_its_mask_matches_the_object(
    monkeypatch: pytest.MonkeyPatch, columns: int | None, right: bool
) -> None:
    """IoUs of 0.8, 0.7 and 0 with an object of ten columns, and a picture that is left as it is."""
    image, covered = Image.new("RGBA", (20, 20), (200, 200, 200, 255)), np.zeros((20, 20), bool)
    covered[:, :10] = True
    share = np.zeros((20, 20), np.float32)
    share[:, : columns or 0] = 1
    mask = None if columns is None else Mask(share, Kind.BUSY)
    monkeypatch.setattr(grounds, "photograph", lambda *_: Photograph(image, covered))
    monkeypatch.setattr(grounds, "make_ready", lambda _: Ready(image, mask, None))
    model = R2N2(small_network("3d-gru-1")).eval()
    shot = grounds._shot(model, image, ("plain", "centred"), 0, 0.5, np.ones((32, 32, 32), bool), 0.5)
    assert shot.right is right


def test_views_are_mixed_with_the_last_view_of_another_category(monkeypatch: pytest.MonkeyPatch) -> None:
    """The objects of a category have one shape, so that only another category's object stands out."""
    words = ["chair", "chair", "lamp", "lamp", "lamp"]
    strangers = []

    def occupancies(_: object, views: np.ndarray) -> np.ndarray:
        """Each category's block of voxels, and the view's number in a corner, where it carries no weight."""
        shapes = np.zeros((len(views), 32, 32, 32), np.float32)
        for shape, (number, view) in zip(shapes, views, strict=True):
            shape[:8] = words[number] == "chair"
            shape[8:16] = words[number] == "lamp"
            shape[-1, -1, -1] = (10 * number + view) / 100
        return shapes

    def compared(shapes: np.ndarray) -> list[int]:
        *own, last = np.round(100 * shapes[:, -1, -1, -1]).astype(int).tolist()
        assert own == [10 * (own[0] // 10) + view for view in range(grounds.VIEWS - 1)]
        if own[0] // 10 != last // 10:
            strangers.append((own[0] // 10, *divmod(last, 10)))
        return odd_ones_out(shapes)

    monkeypatch.setattr(grounds, "to_view", np.array)
    monkeypatch.setattr(grounds, "_occupancies", occupancies)
    monkeypatch.setattr(grounds, "odd_ones_out", compared)
    objects = [
        SimpleNamespace(word=word, count_views=lambda: 5, read_views=lambda views, n=n: [(n, view) for view in views])
        for n, word in enumerate(words)
    ]
    assert grounds._mixed(None, objects) == (0, 5)
    last = grounds.VIEWS - 1
    assert strangers == [(0, 2, last), (1, 3, last), (2, 0, last), (3, 1, last), (4, 0, last)]
    assert grounds._mixed(None, objects[:2]) == (0, 0)  # there is no other category
