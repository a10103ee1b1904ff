"""A short fingerprint of a data set: enough to notice that the data changed, without reading every picture.

    digest = sha256 over the models, in their order, of category/name and the sizes of their files

The sizes are those of the voxels (run lengths: another shape has another size), the list of pictures, the cameras (as
text: other cameras have other digits) and the first picture. `r2n2 data check` reads everything; this reads no file.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from r2n2.data.readable import Readable


@dataclass(frozen=True)
class Fingerprint:
    """The number of models and their digest."""

    models: int
    digest: str


def fingerprint(models: Iterable[Readable]) -> Fingerprint:
    """The fingerprint of models in their order."""
    digest, count = hashlib.sha256(), 0
    for model in models:
        digest.update(model.stamp.encode(errors="surrogateescape") + b"\n")
        count += 1
    return Fingerprint(count, digest.hexdigest()[:32])
