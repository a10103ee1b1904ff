"""U2-Net small matches the original weights in onnxruntime, up to rounding to half precision."""

from pathlib import Path

import numpy as np
import torch
import u2net_golden
from u2net_golden import STEP, enlarged

from r2n2.pictures.u2net import load_u2net

GOLDEN = Path(u2net_golden.__file__).with_suffix(".npz")


def test_the_answers_match_onnxruntimes() -> None:
    stored = np.load(GOLDEN)
    with torch.inference_mode():
        answers = load_u2net()(enlarged(stored["pictures"]))[:, 0, ::STEP, ::STEP].numpy()
    different = np.abs(answers - stored["answers"])
    assert different.mean(axis=(1, 2)).max() < 0.005
    assert ((answers > 0.5) != (stored["answers"] > 0.5)).mean() < 0.005
    assert 0.05 < (stored["answers"] > 0.5).mean() < 0.5


def test_pictures_need_not_be_square() -> None:
    with torch.inference_mode():
        assert load_u2net()(torch.zeros(2, 3, 65, 97)).shape == (2, 1, 65, 97)
