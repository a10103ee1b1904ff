"""Near-duplicates: objects of one category whose voxels hardly differ. They are kept on one side of the split.

Makers vary a cabinet's handles and generators a table's top; if one copy is in the training part, the other tests
nothing. Two objects are near-duplicates if the intersection over union of their voxels is at least THRESHOLD or if a
chain of such pairs connects them. `duplicates.json` in the data folder maps each object that is not the first of its
group by name to that first one, whose split the whole group takes. It also holds the fingerprint of the objects that
were compared, so that a reader notices when the objects have changed since.
"""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from r2n2.data.fingerprint import Fingerprint
from r2n2.errors import UserError
from r2n2.files import written_beside

DUPLICATES_FILE = "duplicates.json"
THRESHOLD = 0.85


def group(voxels: np.ndarray, threshold: float = THRESHOLD) -> np.ndarray:
    """For each of N grids (N, X, Y, Z) bool, the index (N,) of the first of its group: its own if it is the first."""
    flat = voxels.reshape(len(voxels), -1).astype(np.float32)
    both = flat @ flat.T
    count = flat.sum(axis=1)
    near = both >= threshold * np.maximum(count[:, None] + count - both, 1)
    first = np.arange(len(voxels))
    while True:  # the smallest index spreads along chains of pairs
        spread = np.where(near, first, len(voxels)).min(axis=1)
        spread = np.minimum(spread, first)
        if (spread == first).all():
            return first
        first = spread


def nearest(voxels: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of N grids (N, X, Y, Z) bool, the index (N,) of the most similar of M others, and their IoU (N,)."""
    flat, other = (grids.reshape(len(grids), -1).astype(np.float32) for grids in (voxels, others))
    both = flat @ other.T  # (N, M)
    iou = both / np.maximum(flat.sum(axis=1)[:, None] + other.sum(axis=1) - both, 1)
    return iou.argmax(axis=1), iou.max(axis=1)


def read_duplicates(folder: Path) -> tuple[dict[str, str], Fingerprint | None]:
    """Map "category/name" of an object to the one whose split it shares; also return the compared objects' fingerprint.

    The fingerprint is None if the file has none. Raises UserError if the file is damaged.
    """
    path = folder / DUPLICATES_FILE
    if not path.exists():
        return {}, None
    try:
        found = json.loads(path.read_text())
        compared = Fingerprint(**found["compared"]) if "compared" in found else None
        first = found["first"] if compared else found
        if isinstance(first, dict) and all(isinstance(value, str) for value in first.values()):
            return first, compared
    except (OSError, ValueError, TypeError, KeyError):
        pass
    raise UserError(f"{path} is damaged; rewrite it with r2n2 data duplicates {folder}.")


def write_duplicates(folder: Path, first_of: dict[str, str], compared: Fingerprint) -> None:
    """Write the file that `read_duplicates` reads. compared: fingerprint of the objects that were compared."""
    with written_beside(folder / DUPLICATES_FILE) as temporary:
        content = {"compared": asdict(compared), "first": dict(sorted(first_of.items()))}
        temporary.write_text(json.dumps(content, indent=1) + "\n")
