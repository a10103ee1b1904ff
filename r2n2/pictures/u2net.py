"""U2-Net small (U2NETp), nested U-shaped networks that find what stands out in a picture.

Qin, Zhang, Huang, Dehghan, Zaiane, Jagersand: U^2-Net, Pattern Recognition 2020 (arXiv 2005.09007). Each of its
blocks is a small U-Net of L levels with a residual connection,

    x0 = conv(x)
    e1 = conv(x0),   ei = conv(pool(e(i-1))),   eL = conv(e(L-1)) with dilation 2
    d(L-1) = conv([eL, e(L-1)]),   di = conv([up(d(i+1)), ei])
    y = d1 + x0

and the whole network is a U-Net of these blocks, six down and five up. Where maps are only 20 and 10 pixels wide, a
block does not pool but uses dilations of 1, 2, 4 and 8. Each level on the way up, and the deepest, gives a map of
logits; a 1x1 convolution combines the six. The convolutions are for inference, with batch normalisation folded in.
"""

from functools import cache
from importlib.resources import as_file, files

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 320  # pixels along a side of the pictures it was trained on
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
INNER, OUTER = 16, 64  # channels within a block and between blocks
FLAT = 4  # levels of a block that does not pool
WEIGHTS = "u2netp.safetensors"


class Block(nn.Module):
    """A residual U-Net: maps (N, in_channels, H, W) to (N, 64, H, W); flat: dilate instead of pooling."""

    def __init__(self, in_channels: int, levels: int, flat: bool = False) -> None:
        super().__init__()
        dilations = [2**level for level in range(levels)] if flat else [1] * (levels - 1) + [2]
        self.flat = flat
        self.first = _convolution(in_channels, OUTER)
        self.down = nn.ModuleList(
            _convolution(INNER if level else OUTER, INNER, dilation) for level, dilation in enumerate(dilations)
        )
        self.up = nn.ModuleList(
            _convolution(2 * INNER, INNER if level else OUTER, dilations[level] if flat else 1)
            for level in reversed(range(levels - 1))
        )

    def forward(self, x: Tensor) -> Tensor:
        first = F.relu(self.first(x), inplace=True)
        maps = [first]
        for level, convolution in enumerate(self.down):
            pooled = not self.flat and 0 < level < len(self.down) - 1
            maps.append(F.relu(convolution(_pool(maps[-1]) if pooled else maps[-1]), inplace=True))
        y = maps.pop()
        for convolution in self.up:
            beside = maps.pop()
            y = F.relu(convolution(torch.cat([_resize(y, beside), beside], dim=1)), inplace=True)
        return y + first


class U2NetSmall(nn.Module):
    """Normalised pictures (N, 3, H, W) to the probability (N, 1, H, W) that a pixel belongs to what stands out."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            [Block(3, 7), *(Block(OUTER, levels) for levels in (6, 5, 4)), *(Block(OUTER, FLAT, True) for _ in "56")]
        )
        self.up = nn.ModuleList([Block(2 * OUTER, FLAT, True), *(Block(2 * OUTER, levels) for levels in (4, 5, 6, 7))])
        self.sides = nn.ModuleList(nn.Conv2d(OUTER, 1, 3, padding=1) for _ in range(6))
        self.fuse = nn.Conv2d(6, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps: list[Tensor] = []
        for block in self.down:
            maps.append(block(_pool(maps[-1]) if maps else x))
        deepest = y = maps.pop()
        levels = [deepest]
        for block in self.up:
            beside = maps.pop()
            y = block(torch.cat([_resize(y, beside), beside], dim=1))
            levels.insert(0, y)
        logits = [_resize(side(level), x) for side, level in zip(self.sides, levels, strict=True)]
        return torch.sigmoid(self.fuse(torch.cat(logits, dim=1)))


@cache
def load_u2net() -> U2NetSmall:
    """Return the network with the packaged weights, on the CPU in evaluation mode; loaded once per process."""
    model = U2NetSmall()
    with as_file(files("r2n2") / "weights" / WEIGHTS) as path:
        model.load_state_dict(load_file(path))  # stored in half precision, copied into float32
    # Channels innermost, which CPUs convolve faster; `python -m benchmarks.pictures` times a picture.
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def normalized(pictures: Tensor) -> Tensor:
    """Normalise pictures (N, 3, H, W) in [0, 1] as in training: divide each by its maximum, then standardise."""
    brightest = pictures.amax(dim=(1, 2, 3), keepdim=True).clamp_min(1 / 255)
    mean, deviation = (pictures.new_tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    return (pictures / brightest - mean) / deviation


def _convolution(in_channels: int, out_channels: int, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation)


def _pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2, ceil_mode=True)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    size = like.shape[2:]
    return x if x.shape[2:] == size else F.interpolate(x, size=size, mode="bilinear", align_corners=False)
