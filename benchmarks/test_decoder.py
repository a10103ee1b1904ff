"""The unpooling convolution without its zeros against the convolution of the unpooled grid.

    pytest benchmarks/test_decoder.py

The largest layer of the paper's decoder (128 to 64 channels, 16^3 to 32^3), one sample, float32.
"""

import pytest
import torch
from torch import nn

from r2n2.layers import UnpoolConv3d, unpool

CONTENDERS = {
    "without zeros": lambda layer, x: layer(x),
    "with zeros": lambda layer, x: nn.Conv3d.forward(layer, unpool(x)),
}


@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.benchmark(group="unpool + convolution, 128 -> 64 channels, 16^3 -> 32^3")
def test_unpooling_convolution(benchmark, name: str) -> None:
    layer, x = UnpoolConv3d(128, 64), torch.randn(1, 128, 16, 16, 16)
    with torch.inference_mode():
        benchmark.pedantic(CONTENDERS[name], (layer, x), rounds=15, warmup_rounds=3)
