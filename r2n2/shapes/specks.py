"""Small pieces beside a shape, which a network sometimes adds, left out."""

import numpy as np
from skimage.measure import label

from r2n2.errors import UserError


def without_specks(
    occupancy: np.ndarray, threshold: float, keep_largest: bool = False, min_voxels: int = 0
) -> np.ndarray:
    """The occupancy with the pieces of too few voxels lowered to the threshold, so that they count as empty.

    A piece is a set of voxels above the threshold that hang together through faces: one body of the surface. Raises
    UserError if none has `min_voxels`.
    """
    pieces = label(occupancy > threshold, connectivity=1)  # (X, Y, Z), 0 where empty
    sizes = np.bincount(pieces.reshape(-1))
    sizes[0] = 0
    kept = sizes >= max(min_voxels, 1)
    if sizes.any() and not kept.any():
        raise UserError(
            f"No piece of the shape has {min_voxels} voxels; the largest has {sizes.max()}: "
            "choose a lower --min-voxels."
        )
    if keep_largest:
        kept &= np.arange(len(sizes)) == sizes.argmax()
    kept[0] = True
    return np.where(kept[pieces], occupancy, np.minimum(occupancy, occupancy.dtype.type(threshold)))
