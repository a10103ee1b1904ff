"""Train a few steps in float64, each process with its share of every batch: train_shared.py OUT NAME...

Runs under torchrun or as a single process. In float64 the results differ only if the arithmetic does; in float32 a few
steps of Adam make rounding visible, too. Writes as JSON the losses, the sum of squares of each parameter, and the
largest signal received.
"""

import json
import sys
from pathlib import Path

import torch
from small import small_network

from r2n2.training.processes import Processes, joined
from r2n2.training.recipes import TrainingConfig
from r2n2.training.run import Run

STEPS, BATCH, VIEWS = 3, 2, 2


def losses(name: str, processes: Processes, accumulate: int = 1) -> dict[str, list[float]]:
    """Losses of all processes together, and the final sum of squares of every parameter."""
    torch.set_default_dtype(torch.float64)
    sizes = {"batch_size": BATCH, "max_views": VIEWS, "accumulate": accumulate, "frozen": 16, "loss_views": 2}
    config = TrainingConfig(**sizes, learning_rate=1e-3, dropout=0.3, dice=1.0, clip=0.5, average=0.9)
    run = Run(small_network(name), config, torch.device("cpu"), processes)
    generator, found = torch.Generator().manual_seed(1), []
    for _ in range(STEPS):
        views = torch.rand(BATCH, VIEWS, 3, 127, 127, generator=generator)
        voxels = torch.randint(0, 2, (BATCH, 32, 32, 32), generator=generator)
        own = [tensor.chunk(processes.count)[processes.rank] for tensor in (views, voxels)]
        found.append(processes.mean(run.step(*own)).item())
    tensors = run.average.tensors.values()
    return {"losses": found, "weights": [tensor.double().square().sum().item() for tensor in tensors]}


if __name__ == "__main__":
    with joined("cpu") as (together, _):
        results = {name: losses(name, together) for name in sys.argv[2:]}
        results["heard"] = together.largest(together.rank)  # a signal that only the last process received
        if together.writes:
            Path(sys.argv[1]).write_text(json.dumps(results))
