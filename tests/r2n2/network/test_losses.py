"""The loss is the cross entropy of 2016, and the Dice term follows its formula."""

import pytest
import torch
from torch.nn import functional as F

from r2n2.network.losses import voxel_loss


def test_without_dice_the_loss_is_the_two_class_cross_entropy() -> None:
    logits = 5 * torch.randn(3, 2, 4, 5, 6, dtype=torch.float64)
    voxels = torch.randint(0, 2, (3, 4, 5, 6))
    assert voxel_loss(logits, voxels).item() == pytest.approx(F.cross_entropy(logits, voxels).item(), rel=1e-6)


def test_dice_is_computed_for_each_sample_on_its_own() -> None:
    voxels = torch.zeros(2, 4, 4, 4, dtype=torch.long)
    voxels[0, :2] = 1  # 32 of 64; the second sample is empty
    sure = 50.0 * torch.stack([1 - 2 * voxels, 2 * voxels - 1], dim=1).float()
    assert voxel_loss(sure, voxels, dice=0.5).item() == pytest.approx(0, abs=1e-6)
    missed = sure.clone()
    missed[0] = sure[1]  # nothing where half should be
    base = voxel_loss(missed, voxels).item()
    assert voxel_loss(missed, voxels, dice=0.5).item() - base == pytest.approx(0.5 * (1 - (1 / 33 + 1) / 2), rel=1e-4)


def test_dice_sums_probabilities_without_rounding_or_squaring() -> None:
    """Probability 0.5 for each of 64 voxels, 32 of them occupied: (2 16 + 1) / (32 + 32 + 1)."""
    voxels = torch.zeros(1, 4, 4, 4, dtype=torch.long)
    voxels[:, :2] = 1
    unsure = torch.zeros(1, 2, 4, 4, 4)
    difference = voxel_loss(unsure, voxels, dice=1.0) - voxel_loss(unsure, voxels)
    assert difference.item() == pytest.approx(1 - 33 / 65)


def test_a_missing_thin_object_costs_little_entropy_and_much_dice() -> None:
    voxels = torch.zeros(1, 32, 32, 32, dtype=torch.long)
    voxels[0, 16, 16] = 1
    logits = torch.zeros(1, 2, 32, 32, 32)
    logits[:, 0] = 4.0
    assert voxel_loss(logits, voxels) < 0.05
    assert voxel_loss(logits, voxels, dice=1.0) > 0.9
