"""The decoder's own convolutions against PyTorch's.

    pytest benchmarks/test_decoder.py

Unpooling: the largest layer of the paper's decoder (128 to 64 channels, 16^3 to 32^3), without its zeros and with them.
A single sample: the finest level of `compact` (32 to 32 channels, 16^3). Both use one sample in float32.
"""

import pytest
import torch
from torch import nn

from r2n2.network.layers import Conv3d, UnpoolConv3d, unpool

UNPOOLING = {
    "without zeros": lambda layer, x: layer(x),
    "with zeros": lambda layer, x: nn.Conv3d.forward(layer, unpool(x)),
}
LONE = {"as two": lambda layer, x: layer(x), "as one": lambda layer, x: nn.Conv3d.forward(layer, x)}


@pytest.mark.parametrize("name", UNPOOLING)
@pytest.mark.benchmark(group="unpool + convolution, 128 -> 64 channels, 16^3 -> 32^3")
def test_unpooling_convolution(benchmark, name: str) -> None:
    layer, x = UnpoolConv3d(128, 64), torch.randn(1, 128, 16, 16, 16)
    with torch.inference_mode():
        benchmark.pedantic(UNPOOLING[name], (layer, x), rounds=15, warmup_rounds=3)


@pytest.mark.parametrize("name", LONE)
@pytest.mark.benchmark(group="convolution of a single small sample, 32 -> 32 channels, 16^3")
def test_lone_sample(benchmark, name: str) -> None:
    layer, x = Conv3d(32, 32), torch.randn(1, 32, 16, 16, 16)
    with torch.inference_mode():
        benchmark.pedantic(LONE[name], (layer, x), rounds=15, warmup_rounds=3)
