"""The products of a recurrence on a CPU: oneDNN's convolution with a weight packed once, and matrix products for dW.

`F.conv3d` packs its weight, into the order that suits the processor, in every call; with few samples that takes longer
than the convolution itself. Here the weight is packed once for all steps, and a frozen weight only once. dW is a sum
over rows, all (b, t) at all voxels v, tap by tap:

    dW[:, :, o + R] = sum over v with v + o inside of  da[v] h[v + o]^T

Each tap is one matrix product, without any row outside the grid. `python -m benchmarks.recurrence` times this as
`onednn`.
"""

from itertools import product

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import Parameter

from convrnn3d.frozen import promise_of
from convrnn3d.plain import Plain, Products, by_gate, side_by_side

# Operators of torch.ops.mkldnn that PyTorch's own compiler calls; PyTorch has no public name for either.
PACKS, CONVOLVES = "_reorder_convolution_weight", "_convolution_pointwise"
CAPABLE = ("AVX2", "AVX512")
# With fewer channels than this, the calls themselves take longer than the products. With NARROW = 1, five steps of one
# sample with 24 channels take 1.9 ms forward (reference: 1.7) and 8.1 ms with the backward pass (reference: 5.4):
# `python -m benchmarks.recurrence --cells gru --types fp32 --batch 1 --steps 5 --channels 24`, two threads of an EPYC
# with AVX2.
NARROW = 32
# Packing a weight that is used once or twice costs more than it saves: forward, in a single step of fewer than FEW
# samples; backward, in calls of up to FEW_STEPS steps. Two samples, one step: forward, FEW = 0 takes 3.9 ms (reference:
# 3.1), FEW = 4 takes 2.9 (2.8); with the backward pass, FEW_STEPS = 0 takes 14.8 ms (12.3), FEW_STEPS = 2 takes 11.5
# (11.0): `python -m benchmarks.recurrence --cells gru --types fp32 --batch 2 --steps 1`, contenders `onednn, packing`
# and `onednn`.
FEW, FEW_STEPS = 4, 2


def hindrance(tensor: Tensor, *others: Tensor | None) -> str | None:
    """Return the reason why a call on `tensor`, the projection, and others cannot have these products, or None."""
    if (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()
        or torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
    ):
        return "oneDNN's products do not support compilers, torch.func's transforms and forward-mode derivatives"
    if tensor.device.type != "cpu":
        return f"oneDNN runs on CPUs, and the tensors are on {tensor.device}"
    if tensor.dtype != torch.float32:
        return f"oneDNN is used for float32 only, not {tensor.dtype}"
    if torch.is_autocast_enabled("cpu"):
        return "oneDNN is used for float32 only, and under autocast products are in another type"
    kinds = {type(given) for given in (tensor, *others) if given is not None} - {Tensor, Parameter}
    if kinds:
        return f"oneDNN reads memory, and a {kinds.pop().__name__} may have none"
    if torch.backends.cpu.get_cpu_capability() not in CAPABLE:
        return f"what oneDNN does is known only for CPUs with {' or '.join(CAPABLE)}"
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled):
        return "PyTorch's oneDNN is missing, or switched off by torch.backends.mkldnn"
    if not all(hasattr(torch.ops.mkldnn, name) for name in (PACKS, CONVOLVES)):
        return f"PyTorch {torch.__version__} has no convolution with a packed weight"
    return None


def products(weight: Tensor, grid: Tensor, steps: int, backward: bool) -> Products:
    """The products for a call with a weight (3, C, C, K, K, K), states like `grid` (B, X, Y, Z, C), and `steps` that
    convolve.

    backward: whether they are for a backward pass, or for a forward pass before one; such calls neither cache nor check
    a frozen weight. Others that convolve raise RuntimeError if a frozen weight has changed.
    """
    if steps == 0:
        return Plain(weight)
    promise = None if backward else promise_of(weight)
    forward = steps > 1 or len(grid) >= FEW or (promise is not None and promise.lasting)
    # One sample's rows are also too few for products tap by tap.
    if weight.shape[1] < NARROW or (not forward and (promise is not None or len(grid) < 2)):
        return Plain(weight)
    if promise is None:
        return Packed(weight.detach(), grid.shape, forward, back=steps > FEW_STEPS)
    found = promise.kept.get(__name__)
    if found is None or found.shape != grid.shape:
        found = promise.kept[__name__] = Packed(weight.detach(), grid.shape)
    return found


class Packed(Plain):
    """Products with a weight of float32 and grids of `shape` (B, X, Y, Z, C).

    The weight of a run of gates is packed when it is first used: oneDNN chooses the order by the grids' shape, and for
    grids of another shape it may pack again in each call. forward, back: whether to pack for the forward and for the
    backward pass; without packing, PyTorch's own convolutions are used.
    """

    def __init__(self, weight: Tensor, shape: torch.Size, forward: bool = True, back: bool = True) -> None:
        super().__init__(weight)
        self.shape, self.forward, self.back = shape, forward, back
        self._how = [weight.shape[-1] // 2] * 3, [1] * 3, [1] * 3  # padding, stride, dilation
        self._packed: dict[tuple[int, int, bool], Tensor] = {}

    def conv(self, grid: Tensor, gates: slice) -> Tensor:
        if not self.forward:
            return super().conv(grid, gates)
        return by_gate(self._convolved(grid, gates, transposed=False), grid.shape[-1])

    def conv_transposed(self, da: Tensor, gates: slice) -> Tensor:
        if not self.back:
            return super().conv_transposed(da, gates)
        return self._convolved(side_by_side(da), gates, transposed=True)

    def _convolved(self, grid: Tensor, gates: slice, transposed: bool) -> Tensor:
        key = gates.start, gates.stop, transposed
        if key not in self._packed:
            self._packed[key] = self._pack(self.weight[gates], transposed)
        channels_second = grid.contiguous().movedim(-1, 1)  # innermost in memory
        groups = 1
        fused_with_it: tuple[str, list[float], str] = ("none", [], "")
        return torch.ops.mkldnn._convolution_pointwise(
            channels_second, self._packed[key], None, *self._how, groups, *fused_with_it
        ).movedim(1, -1)

    def _pack(self, weight: Tensor, transposed: bool) -> Tensor:
        kernel = weight.flatten(0, 1)  # (out, in, K, K, K)
        if transposed:
            kernel = kernel.transpose(0, 1).flip(2, 3, 4)
        batch, *sides, _ = self.shape
        shape = batch, kernel.shape[1], *sides
        return torch.ops.mkldnn._reorder_convolution_weight(kernel.contiguous(), *self._how, 1, shape)

    def weight_gradient(self, sources: Tensor, da: Tensor) -> Tensor:
        size, channels, columns = self.weight.shape[-1], sources.shape[-1], da.shape[2] * sources.shape[-1]
        # Voxels outermost, so that a box of them is in few pieces.
        h = sources.flatten(0, 1).movedim(0, 3).contiguous()  # (X, Y, Z, B T, C)
        da = da.flatten(0, 1).permute(2, 3, 4, 0, 1, 5).contiguous()  # (X, Y, Z, B T, n, C)
        dw = h.new_empty(columns, size**3, channels)
        taps = product(range(-(size // 2), size // 2 + 1), repeat=3)
        for number, offsets in enumerate(taps):
            to, of = zip(*(_inside(*each) for each in zip(offsets, h.shape[:3], strict=True)), strict=True)
            torch.mm(da[to].reshape(-1, columns).T, h[of].reshape(-1, channels), out=dw[:, number])
        return dw.view(-1, channels, *[size] * 3, channels).movedim(-1, 2)


def _inside(offset: int, side: int) -> tuple[slice, slice]:
    """Along an axis, the voxels v with v + offset inside the grid, and those v + offset."""
    return slice(max(0, -offset), side - max(0, offset)), slice(max(0, offset), side - max(0, -offset))
