"""The bundled sample is complete, attributed, and in ShapeNet's frame."""

import json

import numpy as np
from PIL import Image

from r2n2.data.binvox import read_binvox
from r2n2.data.camera import View
from r2n2.data.check import check_model
from r2n2.data.sample import sample_folder
from r2n2.data.shapenet import find_models, view_paths
from r2n2.data.silhouette import silhouette


def test_the_sample_is_complete_and_small() -> None:
    with sample_folder() as folder:
        models, problems = find_models(folder)
        assert problems == []
        assert len(models) >= 12
        assert len({model.word for model in models}) >= 4
        for model in models:
            assert check_model(model) == []
            assert len(view_paths(model)) >= 8
        assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 6e6


def test_every_object_names_its_author_source_and_licence() -> None:
    with sample_folder() as folder:
        records = json.loads((folder / "sources.json").read_text())
        text = (folder / "ATTRIBUTION.md").read_text()
        for model in find_models(folder)[0]:
            record = records[f"{model.category}/{model.name}"]
            row = next(line for line in text.splitlines() if f"{model.category}/{model.name}" in line)
            assert record["author"] in row
            assert record["entry"] in row
            assert "creativecommons.org" in row
            assert record["license"].startswith(("Public domain", "Creative Commons Attribution"))


def test_fronts_are_along_x() -> None:
    """ShapeNet's frame: backs of chairs at -X, sofas wide along Z, cars long along X."""
    with sample_folder() as folder:
        grids: dict[str, list[np.ndarray]] = {}
        for model in find_models(folder)[0]:
            grids.setdefault(model.word, []).append(read_binvox(model.binvox).voxels)
    for voxels in grids["chair"]:
        top = np.nonzero(voxels.any(axis=(0, 2)))[0].max()
        back = np.nonzero(voxels[:, top - 3 : top + 1])[0]
        assert back.mean() < np.nonzero(voxels)[0].mean() - 2
    for word, longer, shorter in (("sofa", 2, 0), ("car", 0, 2), ("bench", 2, 0), ("bed", 0, 2)):
        for voxels in grids[word]:
            extents = [len(np.unique(axis)) for axis in np.nonzero(voxels)]
            assert extents[longer] > extents[shorter], word


def test_the_voxels_cover_the_object_in_its_pictures() -> None:
    """Axes, scale and camera agree: the voxels' silhouettes, about a voxel thicker, cover the renders."""
    overlaps, covered, turned = [], [], []
    with sample_folder() as folder:
        for model in find_models(folder)[0]:
            grid = read_binvox(model.binvox)
            lines = (model.rendering / "rendering_metadata.txt").read_text().splitlines()
            for path, line in zip(view_paths(model)[:4], lines, strict=False):
                with Image.open(path) as image:
                    seen = np.asarray(image)[..., 3] > 127
                mask = silhouette(grid.voxels, View.from_metadata(line), grid.scale)
                overlaps.append((mask & seen).sum() / (mask | seen).sum())
                covered.append((mask & seen).sum() / seen.sum())
                aside = silhouette(np.rot90(grid.voxels, axes=(0, 2)), View.from_metadata(line), grid.scale)
                turned.append((aside & seen).sum() / (aside | seen).sum())
    assert np.mean(overlaps) >= 0.70
    assert np.mean(turned) < 0.6  # voxels turned by 90 degrees fit worse: views and voxels turn together
    assert np.mean(covered) >= 0.99
