"""The bundled sample is what it promises to be."""

import json

import numpy as np
from PIL import Image

from r2n2.data.binvox import read_binvox
from r2n2.data.camera import View
from r2n2.data.sample import sample_folder
from r2n2.data.shapenet import check_model, find_models, view_paths
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


def test_the_truth_covers_its_pictures() -> None:
    """Axes, scale and camera agree: the voxels' silhouettes over the renders, a voxel thicker as they are."""
    overlaps, covered = [], []
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
    assert np.mean(overlaps) >= 0.70
    assert np.mean(covered) >= 0.99
