"""The bundled sample: real objects that no shipped weights were trained on, in the ShapeNet layout."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path


@contextmanager
def sample_folder() -> Iterator[Path]:
    """Yield the folder that holds the sample's ShapeNetRendering, ShapeNetVox32 and ATTRIBUTION.md."""
    with as_file(files("r2n2") / "data" / "sample") as folder:
        yield folder
