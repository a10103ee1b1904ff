"""The 3D decoders of 2016: from the hidden grid (4, 4, 4) to two-class logits of every voxel (32, 32, 32).

Three unpooling levels and one without, then a last convolution to two channels. Simple level: conv, LeakyReLU.
Residual level: conv, LeakyReLU, conv, LeakyReLU, plus skip. The skips are as coded in 2016: the unpooled grid itself in
levels 1 and 2, a 1x1x1 convolution of it in level 3, a 3x3x3 convolution of the level's first activation in level 4.
"""

from torch import Tensor, nn

from r2n2.config import NetworkConfig
from r2n2.network.layers import CLASSES, Conv3d, UnpoolConv3d, UnpoolPointwise3d, activate, unpool

SKIP_LEVELS = (2, 3)  # residual levels 3 and 4 of 2016 have a convolution on the skip


class Decoder(nn.Module):
    """Hidden grid (B, X, Y, Z, C) to logits (B, 2, 8X, 8Y, 8Z)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        channels = (config.hidden_channels, *config.decoder_channels)
        level = ResidualLevel if config.graph == "residual" else SimpleLevel
        self.levels = nn.Sequential(*(level(n, *channels[n : n + 2]) for n in range(4)))
        self.out = Conv3d(channels[-1], CLASSES)

    def forward(self, grid: Tensor) -> Tensor:
        return self.out(self.levels(grid.movedim(-1, 1)))


class SimpleLevel(nn.Module):
    def __init__(self, level: int, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = _conv(level, in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return activate(self.conv(x))


class ResidualLevel(nn.Module):
    def __init__(self, level: int, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.level = level
        self.first = _conv(level, in_channels, out_channels)
        self.second = Conv3d(out_channels, out_channels)
        if level == 2:
            self.skip: nn.Conv3d = UnpoolPointwise3d(in_channels, out_channels)
        elif level == 3:
            self.skip = Conv3d(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        first = activate(self.first(x))
        out = activate(self.second(first))
        if self.level not in SKIP_LEVELS:
            return out + unpool(x)
        return out + self.skip(first if self.level == 3 else x)


def _conv(level: int, in_channels: int, out_channels: int) -> nn.Conv3d:
    return (Conv3d if level == 3 else UnpoolConv3d)(in_channels, out_channels)
