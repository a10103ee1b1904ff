"""The table of grounds, on one ground and with a small network."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from small import small_network

from r2n2.data.grounds import FRAMINGS, GROUNDS
from r2n2.data.sample import sample_folder
from r2n2.data.shapenet import find_models
from r2n2.errors import UserError
from r2n2.evaluation import grounds
from r2n2.evaluation.grounds import draw_grounds, evaluate_grounds
from r2n2.network import R2N2


def test_every_object_is_photographed_and_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grounds, "GROUNDS", {name: GROUNDS[name] for name in ("plain", "dark")})
    monkeypatch.setattr(grounds, "FRAMINGS", {"centred": FRAMINGS["centred"]})
    torch.manual_seed(0)
    model = R2N2(small_network("3d-gru-3")).eval()
    with sample_folder() as folder:
        models = find_models(folder)[0][::7]
        result = evaluate_grounds(model, models, threshold=0.5)
    assert len(result.shots) == 2 * len(models)
    assert {(shot.ground, shot.framing) for shot in result.shots} == {("plain", "centred"), ("dark", "centred")}
    table = result.to_markdown()
    assert "| centred | plain |" in table
    assert f"of {2 * len(models)} |" in table
    assert "Warned of different objects" in table
    draw_grounds(result, tmp_path / "worst.png", threshold=0.5, count=2)
    with Image.open(tmp_path / "worst.png") as sheet:
        assert sheet.width > 1000
    with pytest.raises(UserError, match="no object"):
        evaluate_grounds(model, [])
