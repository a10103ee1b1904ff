"""The training loss: the cross entropy of all voxels and, weighted by `dice`, one minus the soft Dice overlap.

    z = l_1 - l_0,  p = sigmoid(z)                             occupied against empty
    L = mean(-t log p - (1 - t) log(1 - p)) + dice (1 - mean_samples (2 sum(p t) + 1) / (sum p + sum t + 1))

The first term is the two-class cross entropy of 2016. It hardly penalises a thin object that is missing altogether; the
second does.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def voxel_loss(logits: Tensor, voxels: Tensor, dice: float = 0.0) -> Tensor:
    """The loss of logits (N, 2, X, Y, Z) against classes (N, X, Y, Z) of whole numbers 0 and 1.

    A scalar: float32 if the logits have half precision, else of their type.
    """
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    z = precise[:, 1] - precise[:, 0]  # (N, X, Y, Z)
    truth = voxels.to(z.dtype)
    loss = F.binary_cross_entropy_with_logits(z, truth)
    if not dice:
        return loss
    p = z.sigmoid().flatten(1)
    truth = truth.flatten(1)
    overlap = (2 * (p * truth).sum(1) + 1) / (p.sum(1) + truth.sum(1) + 1)  # (N,)
    return loss + dice * (1 - overlap.mean())
