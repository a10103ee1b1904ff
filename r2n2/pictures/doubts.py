"""One-sentence warnings: a mask that may be wrong, a shape that is uncertain, views of different objects.

sim(a, b) = sum min(a, b) / sum max(a, b)          of two occupancies, 1 if they are equal
sure(o)   = sim(o, o > threshold)                  how close the probabilities are to 0 and 1
agree_i   = max over j != i of sim(o_i, o_j)       of the shapes from each view alone

The limits were chosen on the validation split; `r2n2 evaluate --grounds` prints how often they are right.
"""

import numpy as np
from skimage.measure import label

from r2n2.pictures.background import Background, Kind, Mask

SECOND = 0.1  # of the largest piece; a second piece larger than this is another thing
EDGE = 0.02  # share of the picture's border that the object may touch
UNSURE = 0.8  # undecided pixels per pixel inside the mask
SURE = 0.6
AGREE = 0.2


def doubt_of_mask(mask: Mask, background: Background, name: str) -> str | None:
    """Return what may be wrong with the object's mask in the picture called `name`; None if nothing."""
    if mask.kind is Kind.BUSY and background is Background.KEEP:
        return f"{name} has a background that is not plain and was kept; use background remove to cut the object out."
    if not mask.found:
        return f"{name} shows nothing that stands out, so it was used whole; photograph the object on a plain ground."
    if mask.kind is not Kind.BUSY:
        return None
    inside = mask.share > 0.5
    if np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]]).mean() > EDGE:
        return f"{name} is cluttered, or the object is cut off: what stands out reaches the edge; leave room around it."
    pieces = np.sort(np.bincount(label(inside).ravel())[1:])
    if len(pieces) > 1 and pieces[-2] > SECOND * pieces[-1]:
        return f"{name} is cluttered: more than one thing stands out; crop it to the object."
    if ((mask.share > 0.1) & (mask.share < 0.9)).sum() > UNSURE * inside.sum():
        return f"{name} does not show clearly what the object is; photograph it on a plain ground."
    return None


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """The similarity of two occupancies, from 0 to 1."""
    either = np.maximum(a, b).sum()
    return float(np.minimum(a, b).sum() / either) if either else 1.0


def doubt_of_shape(occupancy: np.ndarray, threshold: float) -> str | None:
    """Return a warning if the network is unsure of a shape (32, 32, 32) that has voxels, else None."""
    voxels = occupancy > threshold
    if not voxels.any() or similarity(occupancy, voxels) >= SURE:
        return None
    return "The network is unsure of this shape; check what it saw, and use more or better views."


def odd_ones_out(alone: np.ndarray) -> list[int]:
    """The indices of the shapes (N, 32, 32, 32) that are not similar to any other."""
    if len(alone) < 2:
        return []
    alike = np.array([[-1.0 if i == j else similarity(a, b) for j, b in enumerate(alone)] for i, a in enumerate(alone)])
    return np.flatnonzero(alike.max(axis=1) < AGREE).tolist()
