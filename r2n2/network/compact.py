"""The encoder and the decoder of `compact`: ImageNet features before the recurrence, a light decoder after it.

    features = act(W dropout(maps) + b)                    maps (320, 4, 4): the last of EfficientNet-Lite0
    4^3:  conv, norm, act, residual                        hidden grid to a channels
    8^3:  unpool, conv, norm, act, residual                b channels
    16^3: unpool, conv, norm, act, conv, norm, act         c channels
    32^3: conv to 8 x 2 classes, shuffle                   no convolution at the finest level

The last convolution computes the logits of 2x2x2 voxels at each of 16^3 positions: at 32^3 the same filters would take
eight times as many multiplications.
"""

from torch import Tensor, nn

from r2n2.config import NetworkConfig
from r2n2.network.efficientnet import OUT_CHANNELS, EfficientNetLite0
from r2n2.network.layers import CLASSES, Conv3d, UnpoolConv3d, activate

LAST_SIDE = 4  # pixels along a side of the last maps of a 127x127 view


class CompactEncoder(nn.Module):
    """Views (N, 3, 127, 127) in [0, 1] to features (N, F)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.trunk = EfficientNetLite0()
        self.dropout = nn.Dropout(0.0)
        self.fc = nn.Linear(OUT_CHANNELS * LAST_SIDE**2, config.features)

    def forward(self, views: Tensor) -> Tensor:
        maps = self.trunk(views)  # (N, 320, 4, 4)
        return activate(self.fc(self.dropout(maps.flatten(1))))  # (N, F)


class CompactDecoder(nn.Module):
    """Hidden grid (B, X, Y, Z, C) to logits (B, 2, 8X, 8Y, 8Z)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        a, b, c = config.decoder_channels
        self.levels = nn.Sequential(
            ConvNorm(Conv3d(config.hidden_channels, a)),
            Residual(a),
            ConvNorm(UnpoolConv3d(a, b)),
            Residual(b),
            ConvNorm(UnpoolConv3d(b, c)),
            ConvNorm(Conv3d(c, c)),
        )
        self.out = Conv3d(c, CLASSES * 2**3)

    def forward(self, grid: Tensor) -> Tensor:
        return shuffle(self.out(self.levels(grid.movedim(-1, 1))))


class ConvNorm(nn.Module):
    """A convolution, batch normalisation, LeakyReLU."""

    def __init__(self, conv: nn.Conv3d) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm3d(conv.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return activate(self.norm(self.conv(x)))


class Residual(nn.Module):
    """x + norm(conv(ConvNorm(x))), then LeakyReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(Conv3d(channels, channels))
        self.second = Conv3d(channels, channels)
        self.norm = nn.BatchNorm3d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return activate(x + self.norm(self.second(self.first(x))))


def shuffle(x: Tensor) -> Tensor:
    """Move the eight channels of each position to its 2x2x2 voxels: (B, 8 O, X, Y, Z) to (B, O, 2X, 2Y, 2Z)."""
    x = x.unflatten(1, (-1, 2, 2, 2))  # (B, O, i, j, k, X, Y, Z)
    return x.permute(0, 1, 5, 2, 6, 3, 7, 4).flatten(6, 7).flatten(4, 5).flatten(2, 3)


def prepare_training(model: nn.Module, dropout: float, frozen: int) -> None:
    """Set the dropout rate of the encoder's last maps, and freeze the first `frozen` parts of its trunk.

    If any part is frozen, the depthwise filters of the others are, too: their gradients are slow on a CPU, and they are
    7 % of the trunk's weights. Does nothing to a model whose encoder is not `compact`'s.
    """
    if isinstance(encoder := getattr(model, "encoder", None), CompactEncoder):
        encoder.dropout.p = dropout
        encoder.trunk.frozen = frozen
        for number, part in enumerate(encoder.trunk.parts):
            part.requires_grad_(number >= frozen)
            if frozen and number:
                part.depthwise.requires_grad_(False)
