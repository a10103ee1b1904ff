"""A network's loss over a few steps on one random batch: with correct kernels it follows the reference's."""

import math

import torch
from torch.nn import functional as F

from r2n2.config import NetworkConfig
from r2n2.network import R2N2

LARGEST_DISTANCE = 2e-2  # relative, of a loss from the reference's, in bfloat16 after ten steps


def losses(
    network: NetworkConfig, backend: str, device: torch.device, batch: int = 8, views: int = 3, steps: int = 10
) -> list[float]:
    """The losses of `steps` Adam steps on one batch of pictures, under bfloat16 autocast; all backends start alike."""
    torch.manual_seed(0)
    model = R2N2(network).to(device)
    model.recurrence.backend = backend
    pictures = torch.rand(batch, views, 3, 127, 127, device=device)
    voxels = (torch.rand(batch, 32, 32, 32, device=device) > 0.7).long()
    optimizer, found = torch.optim.Adam(model.parameters(), lr=1e-4), []
    for _ in range(steps):
        with torch.autocast(device.type, torch.bfloat16):
            logits = model(pictures).logits
        loss = F.cross_entropy(logits.float(), voxels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.detach())
    return torch.stack(found).tolist()


def apart(reference: list[float], kernels: list[float]) -> float:
    """The largest relative distance between two loss curves; infinite if one is not finite."""
    distances = [abs(a - b) / a for a, b in zip(reference, kernels, strict=True)]
    return max(distances) if all(map(math.isfinite, distances)) else math.inf
