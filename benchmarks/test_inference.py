"""Views to voxels, network by network: what a user waits for once the weights are loaded.

    pytest benchmarks/test_inference.py

One object, three views, float32, the machine's default device and threads; weights are random but for their shapes.
"""

import pytest
import torch

from r2n2.config import NETWORKS
from r2n2.network import R2N2
from r2n2.reconstruction import find_device


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.benchmark(group="one object, three views")
def test_three_views_to_voxels(benchmark, name: str) -> None:
    device = find_device("auto")
    model, views = R2N2(NETWORKS[name]).eval().to(device), torch.rand(1, 3, 3, 127, 127, device=device)

    def reconstruct() -> torch.Tensor:
        with torch.inference_mode():
            return model(views).occupancy.cpu()

    benchmark.pedantic(reconstruct, rounds=7, warmup_rounds=2)
