"""Intersection over union and average precision of predicted occupancy, per sample."""

import numpy as np

from r2n2.config import THRESHOLD


def intersection_over_union(occupancy: np.ndarray, truth: np.ndarray, threshold: float = THRESHOLD) -> float:
    """The IoU of the voxels with occupancy above `threshold` and `truth` (bool); 1 if both are empty."""
    predicted = occupancy > threshold
    union = np.logical_or(predicted, truth).sum()
    return float(np.logical_and(predicted, truth).sum() / union) if union else 1.0


def average_precision(occupancy: np.ndarray, truth: np.ndarray) -> float:
    """The area under the precision-recall curve as a step function; voxels of equal occupancy are added together.

    If no voxel of `truth` is occupied there is no curve, and the result is 1 by the convention above.
    """
    scores, positive = np.ravel(occupancy), np.ravel(truth).astype(bool)
    if not positive.any():
        return 1.0
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(positive[order])
    last_of_equals = np.r_[np.flatnonzero(np.diff(scores)), len(scores) - 1]
    hits = hits[last_of_equals]
    precision = hits / (last_of_equals + 1)
    recall_gained = np.diff(np.r_[0, hits]) / hits[-1]
    return float((precision * recall_gained).sum())
