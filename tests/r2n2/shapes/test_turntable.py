"""A turntable loops without end at its frame rate, and its card does not flicker."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from r2n2.shapes.drawing import CARD, draw_turning
from r2n2.shapes.turntable import write_turntable

COUNT, SIZE = 6, 64


@pytest.fixture(scope="module")
def mesh() -> trimesh.Trimesh:
    return trimesh.creation.box((0.6, 0.3, 0.2))


def frames_of(path: Path) -> list[np.ndarray]:
    with Image.open(path) as image:
        assert image.n_frames == COUNT
        assert image.info["loop"] == 0
        frames = []
        for number in range(COUNT):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")).astype(int))
            if path.suffix == ".gif":
                assert image.info["duration"] == 80
    return frames


@pytest.mark.parametrize(("suffix", "error"), [(".gif", 3), (".webp", 4)])
def test_every_frame_is_the_drawing_of_its_side(
    tmp_path: Path, mesh: trimesh.Trimesh, suffix: str, error: float
) -> None:
    write_turntable(mesh, tmp_path / f"a{suffix}", smooth=False, count=COUNT, size=SIZE)
    drawn = draw_turning(mesh, COUNT, SIZE, smooth=False)
    for frame, expected in zip(frames_of(tmp_path / f"a{suffix}"), drawn, strict=True):
        assert np.abs(frame - np.asarray(expected).astype(int)).mean() < error


def test_the_frames_of_a_gif_share_their_colours(tmp_path: Path, mesh: trimesh.Trimesh) -> None:
    write_turntable(mesh, tmp_path / "a.gif", smooth=False, count=COUNT, size=SIZE)
    frames = frames_of(tmp_path / "a.gif")
    assert len({tuple(pixel) for frame in frames for pixel in frame.reshape(-1, 3)}) <= 256
    for frame in frames:
        assert np.abs(frame[0, 0] - CARD).max() <= 2
    assert np.abs(frames[0] - frames[1]).mean() > 5
