"""Rebuild the bundled sample from a folder that `r2n2 data sweethome` prepared.

python tests/r2n2/data/make_sample.py PREPARED r2n2/data/sample
"""

import json
import shutil
import sys
from pathlib import Path

from r2n2.data.shapenet import Model, find_models, select, view_paths

VIEWS = 12
OBJECTS = (  # all in r2n2/weights/excluded.txt, which keeps them out of training
    "Blend-Swap-CC-0-cartoon-biplane",
    "Scopia-wood-bank",
    "Blend-Swap-CC-BY-wardrobe",
    "Blend-Swap-CC-0-highCabinet",
    "Scopia-smart-car",
    "Blend-Swap-CC-0-chairWithCushion",
    "Scopia-office-chair",
    "Scopia-bar-chair",
    "Scopia-chair3",
    "Scopia-armchair",
    "Scopia-living-lamp",
    "Scopia-desk-lamp1",
    "Blend-Swap-CC-BY-sofa2",
    "Blend-Swap-CC-0-couch",
    "Scopia-desk-table",
    "Scopia-table3",
    "Scopia-saloon-table",
    "Scopia-table-on-trestles",
    "Blend-Swap-CC-0-bed2",
    "Blend-Swap-CC-0-bed3",
    "Scopia-dining-room",
)
LINKS = {  # by the beginning of a library's licence text
    "Public domain": "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/",
    "Creative Commons Attribution 3.0": "CC BY 3.0, https://creativecommons.org/licenses/by/3.0/",
}


def build_sample(prepared: Path, sample: Path) -> None:
    """Copy the first views, cameras and voxels of OBJECTS, and write ATTRIBUTION.md from the folder's sources.json."""
    sources = json.loads((prepared / "sources.json").read_text())
    chosen = [model for model in select(find_models(prepared)[0], "all") if model.name[5:] in OBJECTS]
    if len(chosen) != len(OBJECTS):
        raise ValueError(f"{len(chosen)} of {len(OBJECTS)} objects are in {prepared}")
    records = {f"{model.category}/{model.name}": sources[f"{model.category}/{model.name}"] for model in chosen}
    for model in chosen:
        _copy(model, sample)
    (sample / "sources.json").write_text(json.dumps(records, indent=1) + "\n")
    rows = [
        f"| {key} | {record['title']} | {record['author']} | {record['entry']} | {_license(record['license'])} |"
        for key, record in records.items()
    ]
    (sample / "ATTRIBUTION.md").write_text(ATTRIBUTION + "\n".join(rows) + "\n")


ATTRIBUTION = """# Where the sample's objects come from

All are entries of the Sweet Home 3D furniture libraries (sweethome3d.com, version 1.8, packaged by Debian as
`sweethome3d-furniture`). The models were rendered to pictures and turned into voxels by this project; nothing else
was changed. Each entry is under the licence named in its row.

| model | title | author | catalogue entry | licence |
| --- | --- | --- | --- | --- |
"""


def _license(text: str) -> str:
    """The library's licence text, copyright notice included, and a link to the licence."""
    return next(f"{text} ({link})" for start, link in LINKS.items() if text.startswith(start))


def _copy(model: Model, sample: Path) -> None:
    rendering = sample / "ShapeNetRendering" / model.category / model.name / "rendering"
    binvox = sample / "ShapeNetVox32" / model.category / model.name / "model.binvox"
    rendering.mkdir(parents=True, exist_ok=True)
    binvox.parent.mkdir(parents=True, exist_ok=True)
    for path in view_paths(model)[:VIEWS]:
        shutil.copy(path, rendering / path.name)
    for name in ("renderings.txt", "rendering_metadata.txt"):
        lines = (model.rendering / name).read_text().splitlines()[:VIEWS]
        (rendering / name).write_text("\n".join(lines) + "\n")
    shutil.copy(model.binvox, binvox)


if __name__ == "__main__":
    build_sample(Path(sys.argv[1]), Path(sys.argv[2]))
