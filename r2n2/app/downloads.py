"""The shape in every format; each file is written when its link is followed."""

import tempfile
from dataclasses import replace
from pathlib import Path

from r2n2.config import check_threshold
from r2n2.shapes.reconstruction import SUFFIXES, Reconstruction, check_suffix

PURPOSES = {
    ".glb": "for viewers and games",
    ".obj": "for modelling",
    ".ply": "for scans",
    ".stl": "for printing",
    ".3mf": "for printing, with its size",
    ".html": "a page to turn it, with all views",
    ".gif": "turning",
    ".webp": "turning, smaller",
    ".binvox": "voxels",
    ".npy": "probabilities",
    ".png": "views and shape side by side",
}  # in the order of the links; formats that are not listed come last


def saved(shape: Reconstruction, suffix: str, threshold: float, folder: Path) -> bytes:
    """The content of the shape's file with this suffix. `folder` is used for temporary files only.

    Raises UserError if the shape cannot be saved.
    """
    check_threshold(threshold)
    check_suffix(Path(f"shape{suffix}"))
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        path = Path(temporary) / f"shape{suffix}"
        replace(shape, threshold=threshold).save(path)
        return path.read_bytes()


def links(token: str, threshold: float) -> str:
    """A row of links in HTML, one for each format that a shape can be saved in."""
    order = [*PURPOSES, *SUFFIXES]
    anchors = (
        f'<a href="shapes/{token}/shape{suffix}?threshold={threshold:g}" download="shape{suffix}" '
        f'title="{PURPOSES.get(suffix, "")}">{suffix[1:]}</a>'
        for suffix in sorted(SUFFIXES, key=order.index)
    )
    return f'<div class="downloads"><span>Download</span>{"".join(anchors)}</div>'
