"""How much work a network is: its layers' operations, counted on one forward pass of the port.

A multiply-add counts as two operations. Nominal operations are those of the matrix products and of the port's
convolutions, including padding and inserted zeros. Useful ones have a factor that is inside the grid, not an inserted
zero, and not the zeros of the first view's state. A training step counts three times the forward pass, without the
first layer's gradient to the picture. Bytes are those that no implementation can avoid: views and weights read and the
result written once; for a training step the weights and Adam's two moments, each read and written once.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from benchmarks.networks.port import Port, WithZeros
from benchmarks.work.phases import phases
from benchmarks.work.sizes import Sizes
from r2n2.config import VOXEL_SIDE
from r2n2.network import R2N2
from r2n2.network.efficientnet import ConvNorm


@dataclass
class Work:
    """Operations and bytes; `first` holds the useful and nominal operations of the first layer."""

    useful: float = 0.0
    nominal: float = 0.0
    bytes: float = 0.0
    first: tuple[float, float] | None = field(default=None, repr=False)

    def add(self, useful: float, nominal: float) -> None:
        self.first = self.first or (useful, nominal)
        self.useful, self.nominal = self.useful + useful, self.nominal + nominal


def network_work(model: R2N2, batch: int, views: int, training: bool) -> Work:
    """The work of `model`'s inference, or of a training step with Adam; weights and moments have four bytes."""
    work = Work()
    config = model.config
    _count_layers(Port(model), batch, views, work)
    sizes = Sizes(batch, views, model.recurrence.grid[0], config.hidden_channels, config.features, config.kernel_size)
    forward = 2 if config.recurrence == "gru" else 1  # launches of a step
    projection, *step = phases(config.recurrence, sizes)[: 1 + forward]
    work.add(projection.useful, projection.nominal)
    for phase in step:
        work.add((views - 1) * phase.useful, views * phase.nominal)
    parameters = 4 * sum(parameter.numel() for parameter in model.parameters())
    picture = math.prod((batch, views, 3, 127, 127)) * 4
    if training:
        work.useful, work.nominal = 3 * work.useful - work.first[0], 3 * work.nominal - work.first[1]
        work.bytes = picture + 6 * parameters
    else:
        work.bytes = picture + parameters + batch * VOXEL_SIDE**3 * 2 * 4
    return work


def _count_layers(port: Port, batch: int, views: int, work: Work) -> None:
    """Count encoder and decoder, from the shapes that their layers see on one view. `port` is unusable afterwards."""
    convolved = _LastConvolution()

    def count(layer: nn.Module, inputs: tuple[Tensor], output: Tensor, times: int) -> None:
        if isinstance(layer, ConvNorm):  # it does not call its layers, but convolves with the norm in the filters
            layer = layer[0]
        if isinstance(layer, nn.Linear):
            operations = 2 * times * layer.weight.numel()
            work.add(operations, operations)
            return
        inserted = 2 if isinstance(layer, WithZeros) else 1
        per_pair = 2 * times * layer.weight.shape[1] * layer.out_channels
        sides = zip(output.shape[2:], layer.kernel_size, layer.stride, inputs[0].shape[2:], strict=True)
        useful = math.prod(
            pairs(side, size, inserted, stride, inserted * source) for side, size, stride, source in sides
        )
        work.add(per_pair * useful, times * convolved.operations)

    for part, times in ((port.encoder, batch * views), (port.decoder, batch)):
        for layer in part.modules():
            if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear | ConvNorm):
                layer.register_forward_hook(lambda *seen, times=times: count(*seen, times))
    with torch.inference_mode(), convolved:
        port.eval()(next(port.parameters()).new_zeros(1, 1, 3, 127, 127))


class _LastConvolution(TorchFunctionMode):
    """Operations of the last convolution called, for one sample, including results that nobody uses."""

    operations = 0

    def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        output = function(*args, **(kwargs or {}))
        if function in (F.conv2d, F.conv3d):
            self.operations = 2 * args[1].numel() * math.prod(output.shape[2:])
        return output


def pairs(side: int, size: int, inserted: int, stride: int = 1, source_side: int | None = None) -> int:
    """Pairs of an output place and a tap along an axis whose input is inside and not a zero inserted by unpooling.

    side, size: sides of the output and the kernel. inserted: 2 for an unpooled input, else 1. source_side: the input's
    side, by default the output's. Padding is as even as possible.
    """
    source_side = source_side or side
    before = max((side - 1) * stride + size - source_side, 0) // 2
    sources = (place * stride + tap - before for place in range(side) for tap in range(size))
    return sum(0 <= source < source_side and source % inserted == 0 for source in sources)
