"""The renderers' benchmark draws what it says it draws."""

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.rendering import bumpy_sphere, draw


def test_the_sphere_has_about_as_many_faces_as_asked_for_and_several_colours() -> None:
    surface = bumpy_sphere(5000)
    assert 4000 < len(surface.triangles) < 6000
    assert len(np.unique(surface.colors, axis=0)) == 8


def test_every_picture_is_written(tmp_path: Path) -> None:
    assert draw("light", bumpy_sphere(400), 3, tmp_path, seed=1) == 3
    pictures = [np.asarray(Image.open(path)) for path in sorted(tmp_path.iterdir())]
    assert [picture.shape for picture in pictures] == [(137, 137, 4)] * 3
    assert all(0.02 < (picture[..., 3] > 0).mean() < 0.9 for picture in pictures)
