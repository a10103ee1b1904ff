"""Shared by the kernels' tests: a problem, and how far each backend is from its solution in float64."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from convrnn3d import conv_gru, conv_lstm, onednn, plain, reference
from convrnn3d.reference import conv
from torch import Tensor

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
WITHOUT_ONEDNN = onednn.hindrance(torch.empty(0, device=DEVICE))
ONLY_CPU = pytest.mark.skipif(WITHOUT_ONEDNN is not None, reason=str(WITHOUT_ONEDNN))
ONEDNN = pytest.param("onednn", marks=ONLY_CPU)
# The interpreter takes minutes for what a GPU does in less than one.
LONG, SPARE = (pytest.mark.long, (pytest.mark.long, pytest.mark.spare)) if DEVICE == "cpu" else ((), ())


@dataclass(frozen=True)
class Problem:
    """A call of one cell. `arguments` returns projection, weight and, with a state, h and, for the LSTM, s."""

    cell: str
    batch: int = 3
    steps: int = 2
    grid: tuple[int, int, int] = (1, 2, 3)
    channels: int = 5
    kernel_size: int = 3
    masked: bool = False
    state: bool = True
    dtype: torch.dtype = torch.float32
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        sizes = f"B{self.batch}-T{self.steps}-G{'x'.join(map(str, self.grid))}-C{self.channels}-k{self.kernel_size}"
        flags = "".join(f"-{name}" for name in ("masked", "state") if getattr(self, name))
        return f"{self.cell}-{sizes}{flags}-{str(self.dtype)[6:]}" + "".join(f"-{name}" for name in self.options)

    def arguments(self) -> tuple[list[Tensor], Tensor | None]:
        """Random arguments that are not contiguous, and the mask."""
        channels, size = self.channels, self.kernel_size
        projection = torch.randn(self.steps, self.batch, *self.grid, channels, 3).permute(1, 0, 6, 2, 3, 4, 5)
        weight = torch.randn(size, size, size, channels, 3, channels).permute(4, 3, 5, 0, 1, 2)
        states = [torch.randn(channels, self.batch, *self.grid).movedim(0, -1) for _ in range(self.states)]
        mask = torch.rand(self.steps, self.batch).T > 0.4 if self.masked else None
        scaled = [projection, weight / (channels * size**3) ** 0.5, *states]
        return [tensor.to(DEVICE, self.dtype) for tensor in scaled], None if mask is None else mask.to(DEVICE)

    @property
    def states(self) -> int:
        return (2 if self.cell == "lstm" else 1) * self.state

    def forward(self, arguments: list[Tensor], mask: Tensor | None, **options: Any) -> list[Tensor]:
        """All states, the last one and, for the LSTM, the last cell."""
        projection, weight, *state = arguments
        if self.cell == "gru":
            return list(conv_gru(projection, weight, state[0] if state else None, mask, **options))
        states, pair = conv_lstm(projection, weight, tuple(state) if state else None, mask, **options)
        return [states, *pair]

    def solve(
        self, arguments: list[Tensor], mask: Tensor | None, upstream: list[Tensor], **options: Any
    ) -> list[Tensor]:
        """The outputs, then the gradients of all arguments, given the outputs' gradients `upstream`."""
        leaves = [argument.detach().requires_grad_() for argument in arguments]
        outputs = self.forward(leaves, mask, **options)
        into = [d.to(output.dtype) for d, output in zip(upstream, outputs, strict=True)]
        return [output.detach() for output in outputs] + list(torch.autograd.grad(outputs, leaves, into))


def distance(left: Tensor, right: Tensor) -> float:
    return ((left.double() - right.double()).norm() / right.double().norm().clamp(min=1e-30)).item()


def distances(problem: Problem) -> list[tuple[float, float]]:
    """How far the kernels, and PyTorch at the problem's dtype, are from float64 for each output and gradient."""
    arguments, mask = problem.arguments()
    outputs = problem.forward(arguments, mask, backend="reference")
    upstream = [torch.randn_like(output).transpose(0, -1).contiguous().transpose(0, -1) for output in outputs]
    exact = replace(problem, dtype=torch.float64)
    truth = exact.solve([a.double() for a in arguments], mask, upstream, backend="reference")
    torch.backends.cudnn.conv.fp32_precision = problem.options.get("precision", "ieee")  # the tests' fixture resets it
    with convolutions_in_tf32() if problem.options.get("precision") == "tf32" else without_broken_onednn(problem):
        theirs = problem.solve(arguments, mask, upstream, backend="reference")
    ours = problem.solve(arguments, mask, upstream, backend="triton", **problem.options)
    return [(distance(o, t), distance(r, t)) for o, r, t in zip(ours, theirs, truth, strict=True)]


def without_broken_onednn(problem: Problem) -> AbstractContextManager:
    """Disable oneDNN where its bfloat16 convolution and gradient read uninitialised memory, as on grids of 1x2x3."""
    broken = DEVICE == "cpu" and problem.dtype == torch.bfloat16 and len(set(problem.grid)) > 1
    return torch.backends.mkldnn.flags(enabled=False) if broken else nullcontext()


@contextmanager
def convolutions_in_tf32() -> Iterator[None]:
    """Compute the reference's convolutions with all factors rounded to tf32's ten bits.

    A CPU has no tf32, and cuDNN uses it only for channel counts that suit it.
    """
    reference.conv = _TF32.apply
    try:
        yield
    finally:
        reference.conv = conv


class _TF32(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grid: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(grid, weight)
        return conv(tf32(grid), tf32(weight))

    @staticmethod
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor, Tensor]:
        grid, weight = (tf32(tensor) for tensor in ctx.saved_tensors)
        d = tf32(d)
        d_a = d.unflatten(-1, (len(weight), -1)).movedim(-2, 1)[:, None]  # (B, 1, n, X, Y, Z, C)
        return plain.conv_transposed(d, weight), plain.weight_gradient(grid[:, None], d_a, weight)


def tf32(x: Tensor) -> Tensor:
    """Round to nearest at ten bits after the leading one."""
    mantissa, exponent = torch.frexp(x.double())
    return torch.ldexp((mantissa * 2**11).round() / 2**11, exponent).to(x.dtype)
