"""A call's sizes, what its tensors are, and how its kernels are launched; `gru` and `lstm` loop over the steps.

Everything a kernel reads or writes is contiguous. Slots let one kernel read from tensors of one step and of all: a
tensor, how many slots a sample has in it, and which is meant. Kept for the backward pass, beside the inputs:

    sources  (B, T, X, Y, Z, C)     what step t's convolution reads, h_{t-1}, in the operands' type;
             (B, T, 2, X, Y, Z, C)  GRU: h_{t-1} and r . h_{t-1}, what its two convolutions read
    gates    (B, T, 3, X, Y, Z, C)  u, r, c or f, i, c, in the projection's type; or nothing, to be computed again
    cells    (B, T, X, Y, Z, C)     LSTM: s_{t-1}, in the state's type
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from convrnn3d.convolution import conv_taps
from convrnn3d.tuning import Launch, choose, kind_of
from convrnn3d.wgrad import weight_gradient_kernel

GATES = 3
ROWS_A_SHARE = 2048  # (b, t, v), of the weight's gradient
# Kernels that multiply nothing: those that add up what the taps left (27 values each), and first steps from zeros.
SUMS = Launch(None, rows=4, channels=32, inner=16, warps=4, stages=1)
POINTWISE = Launch(None, rows=32, channels=32, inner=16, warps=4, stages=1)
FUSION = {"enable_fp_fusion": True}  # of a multiplication and an addition; Triton 3.9 warns where it is left open


def launch(kernel: Any, blocks: int, *arguments: Any, **constants: Any) -> None:
    kernel[(blocks,)](*arguments, **constants, **FUSION)


@dataclass
class Sequence:
    """The sizes of a call, how its kernels are launched, and who chooses their tiles."""

    batch: int
    steps: int
    grid: tuple[int, int, int]
    channels: int
    side: int
    operand: torch.dtype
    precision: str
    device: torch.device
    launch: Callable[..., None] = launch
    choose: Callable[[str, str, int, int], Launch] = choose

    @classmethod
    def of(cls, projection: Tensor, weight: Tensor, operand: torch.dtype, precision: str) -> "Sequence":
        batch, steps, _, *grid, channels = projection.shape
        return cls(batch, steps, tuple(grid), channels, weight.shape[-1], operand, precision, projection.device)

    @property
    def kind(self) -> str:
        return kind_of(self.operand, self.precision)

    @property
    def constants(self) -> dict[str, int]:
        x, y, z = self.grid
        return {"X": x, "Y": y, "Z": z, "C": self.channels, "SIDE": self.side}

    @property
    def on_device(self) -> AbstractContextManager:
        return torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext()

    def empty(self, slots: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A tensor (B, *slots, X, Y, Z, C), not filled."""
        return torch.empty(self.batch, *slots, *self.grid, self.channels, dtype=dtype, device=self.device)

    def run(
        self, kernel: Any, name: str, phase: tuple[int, int, bool], source: tuple[Tensor | None, int, int],
        weight: Tensor, *rest: Any, still: bool = False, **constants: Any,
    ) -> None:  # fmt: skip
        """Launch `kernel` on the convolution of slot `source[2]` of `source[1]` in `source[0]`; `still`: on zeros.

        phase: first gate, number of gates, transposed.
        """
        launch = POINTWISE.fitted(self.channels) if still else self.choose(name, self.kind, self.batch, self.channels)
        flat, parts = still or self.side == 1, None
        if launch.by_tap and not flat:
            parts = self._convolve_by_tap(launch, phase, source, weight)
            launch, flat = SUMS.fitted(self.channels), True
        voxels = self.grid[0] * self.grid[1] * self.grid[2]
        rows = self.batch * voxels if flat else self.batch
        blocks = _cdiv(rows, launch.rows) * (1 if flat else voxels)
        self.launch(
            kernel, blocks * _cdiv(self.channels, launch.channels),
            *source, weight, parts, self.batch, *rest,
            **self.constants, **constants, **_tile(launch), PRECISION=self._precision,
            num_warps=launch.warps, num_stages=launch.stages,
        )  # fmt: skip

    def _convolve_by_tap(self, launch: Launch, phase: tuple[int, int, bool], source: tuple, weight: Tensor) -> Tensor:
        gate, gates, transposed = phase
        taps, voxels = self.side**3, self.grid[0] * self.grid[1] * self.grid[2]
        shape = (taps, 1 if transposed else gates, self.batch, voxels, self.channels)
        parts = torch.empty(shape, dtype=torch.float32, device=self.device)
        blocks = taps * _cdiv(self.batch * voxels, launch.rows) * _cdiv(self.channels, launch.channels)
        self.launch(
            conv_taps, blocks, *source, weight, parts, self.batch, **self.constants,
            GATE=gate, GATES=gates, TRANSPOSED=transposed, **_tile(launch), PRECISION=self._precision,
            num_warps=launch.warps, num_stages=launch.stages,
        )  # fmt: skip
        return parts

    def weight_gradient(self, x: Tensor, x_slot: int, da: Tensor, gates: tuple[int, int], parts: Tensor) -> None:
        """dW of gates gates[0].., gates[1] of them, of what is in slot `x_slot` of each step, into weight_parts."""
        launch = self.choose("weight_gradient", self.kind, self.batch, self.channels)
        shares, taps = parts.shape[:2]
        blocks = _cdiv(self.channels, launch.channels) ** 2
        self.launch(
            weight_gradient_kernel, shares * taps * gates[1] * blocks,
            x, x.shape[2] if x.ndim == 7 else 1, x_slot, da, parts, self.batch * self.steps, shares, *gates,
            **self.constants,
            OUTPUTS=launch.channels, INPUTS=launch.channels, ROWS=launch.rows, PRECISION=self._precision,
            num_warps=launch.warps, num_stages=launch.stages,
        )  # fmt: skip

    def forward_kernels(self, weight: Tensor) -> Tensor:
        """The weight as `convolve` reads it: (k, k, k, 3, C, C), gate, output and input channel, in the operands' type.

        Input channels innermost, the axis that products sum over: wgmma takes tf32 operands in no other order.
        """
        return self._operands(weight.permute(3, 4, 5, 0, 1, 2))

    def backward_kernels(self, weight: Tensor) -> Tensor:
        """As `forward_kernels` with input and output channels swapped."""
        return self._operands(weight.permute(3, 4, 5, 0, 2, 1))

    def _operands(self, weight: Tensor) -> Tensor:
        return self.factors(weight.to(self.operand, memory_format=torch.contiguous_format).contiguous())

    def factors(self, grid: Tensor) -> Tensor:
        """`grid` as products read it: in the operands' type, and rounded if that is tf32, see `store_factor`."""
        grid = grid.to(self.operand)
        if self._precision != "tf32":
            return grid
        rounded = ((grid.view(torch.int32) + 0x1000) & -0x2000).view(torch.float32)
        return torch.where(grid.isnan(), grid, rounded)

    def exact(self, dtype: torch.dtype) -> bool:
        """Whether what products read is, bit for bit, what is kept in `dtype`, so that one tensor serves as both."""
        return dtype == self.operand and self._precision != "tf32"

    def weight_parts(self) -> Tensor:
        rows, channels = self.batch * self.steps * self.grid[0] * self.grid[1] * self.grid[2], self.channels
        shares = min(8, _cdiv(rows, ROWS_A_SHARE))
        return torch.empty(shares, self.side**3, GATES, channels, channels, dtype=torch.float32, device=self.device)

    def summed(self, parts: Tensor, weight: Tensor) -> Tensor:
        """dW (3, C, C, k, k, k) from the shares of weight_parts."""
        d_weight = weight.new_empty(weight.shape)
        d_weight.flatten(3).copy_(parts.sum(0).permute(1, 2, 3, 0))  # (3, C, C, taps)
        return d_weight

    @property
    def _precision(self) -> str:
        return self.precision if self.operand == torch.float32 else "ieee"  # which is about float32 alone


def _cdiv(a: int, b: int) -> int:
    return -(-a // b)  # not triton.cdiv, which goes through Triton's wrapper of constants each time


def _tile(launch: Launch) -> dict[str, int]:
    return {"ROWS": launch.rows, "CHANNELS": launch.channels, "INNER": launch.inner}
