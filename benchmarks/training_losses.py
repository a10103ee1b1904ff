"""A network's loss over a few steps on one random batch: kernels that learn go where the reference goes."""

import torch
from torch.nn import functional as F

from r2n2.config import NETWORKS
from r2n2.network import R2N2


def losses(name: str, backend: str, device: torch.device, steps: int = 10) -> list[float]:
    """Losses of `steps` of Adam, bfloat16 autocast, eight samples of three views; the same start for every backend."""
    torch.manual_seed(0)
    model = R2N2(NETWORKS[name]).to(device)
    model.recurrence.backend = backend
    views = torch.rand(8, 3, 3, 127, 127, device=device)
    voxels = (torch.rand(8, 32, 32, 32, device=device) > 0.7).long()
    optimizer, found = torch.optim.Adam(model.parameters(), lr=1e-4), []
    for _ in range(steps):
        with torch.autocast(device.type, torch.bfloat16):
            logits = model(views).logits
        loss = F.cross_entropy(logits.float(), voxels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.detach())
    return torch.stack(found).tolist()
