"""One module from a batch to the loss: DistributedDataParallel wraps it, so that it sees every use of a weight."""

import torch
from torch import Tensor, nn

from r2n2.network.losses import voxel_loss
from r2n2.network.model import R2N2


class Objective(nn.Module):
    """The loss of a model. dice: weight of the Dice term; amp: bfloat16 autocast, with the loss still in float32."""

    def __init__(self, model: R2N2, dice: float = 0.0, amp: bool = False) -> None:
        super().__init__()
        self.model, self.dice, self.amp = model, dice, amp

    def forward(self, views: Tensor, voxels: Tensor, after: list[int]) -> Tensor:
        """The mean loss of the shapes after the views `after`, counted from 0.

        views (B, T, 3, 127, 127) in [0, 1], voxels (B, 32, 32, 32) of classes.
        """
        with torch.autocast(views.device.type, torch.bfloat16, enabled=self.amp):
            logits = self.model.logits_by_view(views, after=after)  # (B, N, 2, 32, 32, 32)
        voxels = voxels.repeat_interleave(logits.shape[1], dim=0)  # (B N, 32, 32, 32)
        return voxel_loss(logits.flatten(0, 1), voxels, self.dice)
