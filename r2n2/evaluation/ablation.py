"""What the recurrence contributes: shapes rebuilt without it, and how much the order of the views matters.

averaged:   o_t = mean_{i <= t} o(only view i)               the same network, views combined by a mean of occupancies
orders:     o(view pi_1, ..., view pi_T) for random pi       the same views, read in another order
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from r2n2.evaluation.metrics import intersection_over_union
from r2n2.network.model import R2N2


class Spread(NamedTuple):
    """Mean, standard deviation and range of the IoU over several orders of an object's views, averaged over objects."""

    mean: float
    deviation: float
    range: float


def occupancy_averaged(model: R2N2, views: Tensor) -> Tensor:
    """The mean occupancy of the first view, of the first two, ... (B, T, 32, 32, 32), each rebuilt separately.

    views: (B, T, 3, 127, 127).
    """
    alone = model.occupancy_by_view(views.flatten(0, 1)[:, None])[:, 0].unflatten(0, views.shape[:2])
    counts = torch.arange(1, views.shape[1] + 1, device=views.device)
    return alone.cumsum(dim=1) / counts[:, None, None, None]


def order_scores(model: R2N2, views: Tensor, truth: np.ndarray, threshold: float, orders: int) -> np.ndarray:
    """The IoU (orders,) of one object from all its views (T, 3, 127, 127) in each of several random orders."""
    permutations = [np.random.default_rng([0, number]).permutation(len(views)) for number in range(orders)]
    features = model.encode(views[None])[0]  # (T, F)
    states = model.recurrence(features[torch.as_tensor(np.stack(permutations))])[0][:, -1]  # (orders, 4, 4, 4, C)
    occupancy = model.decode(states).occupancy.cpu().numpy()
    return np.array([intersection_over_union(one, truth, threshold) for one in occupancy])


def spread(scores: list[np.ndarray]) -> Spread:
    """The spread of several objects' `order_scores`."""
    values = np.stack(scores)  # (N, orders)
    return Spread(*(round(float(v.mean()), 6) for v in (values, values.std(axis=1), np.ptp(values, axis=1))))
