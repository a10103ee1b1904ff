"""The bundled sample is what it promises to be."""

import json

from r2n2.data.sample import sample_folder
from r2n2.data.shapenet import check_model, find_models, view_paths


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
