"""The 2D encoders of 2016: from a view (3, 127, 127) to a feature vector.

Six blocks halve the picture (127, 64, 33, 17, 9, 5, 3), then one matrix follows. Pooling is 2x2 with stride 2 and a
padding that is never the maximum. Simple block: conv, pool, LeakyReLU. Residual block: conv, LeakyReLU, conv,
LeakyReLU, plus skip, pool.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from r2n2.config import NetworkConfig
from r2n2.network.layers import activate

LAST_SIDE = 3  # pixels along a side after six blocks
SKIP_BLOCKS = (1, 2, 4)  # residual blocks 2, 3 and 5 of 2016: the skip is a 1x1 convolution of the block's input
IDENTITY_BLOCKS = (5,)  # block 6: the skip is the input itself; blocks 1 and 4 have none


class Encoder(nn.Module):
    """Views (N, 3, 127, 127) in [0, 1] to features (N, F)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        channels = (3, *config.encoder_channels)
        block = ResidualBlock if config.graph == "residual" else SimpleBlock
        self.blocks = nn.Sequential(*(block(level, *channels[level : level + 2]) for level in range(6)))
        self.fc = nn.Linear(channels[-1] * LAST_SIDE**2, config.features)

    def forward(self, views: Tensor) -> Tensor:
        maps = self.blocks(views)  # (N, C, 3, 3)
        return activate(self.fc(maps.flatten(1)))  # (N, F)


class SimpleBlock(nn.Module):
    def __init__(self, level: int, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = _conv(level, in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return activate(_pool(self.conv(x)))


class ResidualBlock(nn.Module):
    def __init__(self, level: int, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = _conv(level, in_channels, out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.skip: nn.Module | None = None
        if level in SKIP_BLOCKS:
            self.skip = nn.Conv2d(in_channels, out_channels, 1)
        elif level in IDENTITY_BLOCKS:
            self.skip = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        first = activate(self.first(x))
        out = activate(self.second(first))
        return _pool(out if self.skip is None else out + self.skip(x))


def _conv(level: int, in_channels: int, out_channels: int) -> nn.Conv2d:
    size = 7 if level == 0 else 3
    return nn.Conv2d(in_channels, out_channels, size, padding=size // 2)


def _pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, kernel_size=2, stride=2, padding=1)
