"""Remove the small pieces that a network sometimes adds next to a shape."""

import numpy as np
from skimage.measure import label

from r2n2.errors import UserError


def without_specks(
    occupancy: np.ndarray, threshold: float, keep_largest: bool = False, min_voxels: int = 0
) -> np.ndarray:
    """The occupancy with every piece that is too small lowered to the threshold, so that it counts as empty.

    A piece is a set of voxels above the threshold that are connected through faces: one body of the surface. Raises
    UserError if no piece has `min_voxels`.
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
