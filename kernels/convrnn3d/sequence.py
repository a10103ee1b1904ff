"""A call's sizes, its tensors, and how its kernels are launched; `gru_steps` and `lstm_steps` loop over the steps.

Everything a kernel reads or writes is contiguous; a step's grids are read and written through Slots. Saved for
backward, in addition to the inputs:

    sources  (B, T, X, Y, Z, C)     what step t's convolution reads, h_{t-1}, in the operands' type;
             (B, T, 2, X, Y, Z, C)  GRU: h_{t-1} and r . h_{t-1}, what its two convolutions read;
             (B, T - 1, ...)        for a few steps from zeros, without those of step 0, see `tuning.first_kept`
    gates    (B, T, 3, X, Y, Z, C)  u, r, c or f, i, c, in the projection's type; or empty, if they are recomputed
    cells    (B, T, X, Y, Z, C)     LSTM: s_{t-1}, in the state's type
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from convrnn3d.launcher import ZEROS, Slot, launch, of_gates
from convrnn3d.packing import cast, kept_or_packed, pack
from convrnn3d.parts import conv_parts
from convrnn3d.places import Phase, Shape
from convrnn3d.plans import FROM_ZEROS, Sizes, plan
from convrnn3d.tuning import FEW_STEPS, Launch, architecture_of, choose, dependent_launch, has_special_unit, kind_of
from convrnn3d.wgrad import SHARES, weight_gradient


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
    launch: Callable[[Any, int, tuple, dict[str, Any], dict[str, int]], None] = launch
    choose: Callable[[str, str, int, int, str | None], Launch] = choose
    architecture: str | None = None
    dependent: bool = False  # launches of a step overlap

    @classmethod
    def of(cls, projection: Tensor, weight: Tensor, operand: torch.dtype, precision: str) -> "Sequence":
        batch, steps, _, x, y, z, channels = projection.shape
        device = projection.device
        return cls(
            batch, steps, (x, y, z), channels, weight.shape[-1], operand, precision, device,
            architecture=architecture_of(device), dependent=dependent_launch(device, batch),
        )  # fmt: skip

    def __post_init__(self) -> None:
        x, y, z = self.grid
        self.shape, self.voxels = Shape(x, y, z, self.channels, self.side), x * y * z
        if self.batch * self.voxels >= 2**31 - 256:  # 256: the rows of a tile beyond them
            raise ValueError(f"a batch of {self.batch} grids {x}x{y}x{z} has some 2^31 voxels or more")
        if 3 * self.batch * self.steps >= 2**31:
            raise ValueError(f"a batch of {self.batch} with {self.steps} steps has 2^31 gate grids or more")
        # `wgrad` divides numbers up to B (T - 1), and a few more in a last turn, by T - 1; see `quotient`.
        if self.steps <= FEW_STEPS and self.batch * (self.steps - 1) ** 2 >= 2**31 - 2**16:
            raise ValueError(f"a batch of {self.batch} is too large for {self.steps} steps; halve it")
        if -(-self.batch * self.steps // SHARES) * self.voxels >= 2**31 - 256:  # 256: a turn's most rows
            raise ValueError(f"{self.batch} x {self.steps} grids {x}x{y}x{z} give some 2^31 rows to a share of dW")
        # Offsets within a sample's step, and those into the packed weight, are 32 bits wide.
        if 3 * max(self.voxels * self.channels, 2 * self.side**3 * self.channels**2) >= 2**31:
            gates = f"three gates of {self.channels} channels on a grid {x}x{y}x{z}"
            raise ValueError(f"{gates}, or their weight packed in both orders, have 2^31 numbers or more")
        self.kind = kind_of(self.operand, self.precision)
        self._precision = self.precision if self.operand == torch.float32 else "ieee"  # concerns only float32
        how = self._precision, self.kind == "ieee", self.dependent, has_special_unit(self.architecture)
        self._sizes = Sizes(self.batch, self.shape, *how)

    @property
    def on_device(self) -> AbstractContextManager:
        elsewhere = self.device.type == "cuda" and self.device.index != torch.cuda.current_device()
        return torch.cuda.device(self.device) if elsewhere else nullcontext()

    def empty(self, slots: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """An uninitialised tensor (B, *slots, X, Y, Z, C)."""
        return torch.empty(self.batch, *slots, *self.grid, self.channels, dtype=dtype, device=self.device)

    def run(
        self, kernel: Any, name: str, phase: Phase, source: Slot, packed: Tensor, t: int, *rest: Any, **constants: Any
    ) -> None:
        """Launch `kernel`, `name` in the launch table, for step t, with the convolution of `source` and with `rest`."""
        from_zeros, parts = source.tensor is None, None
        planned = plan(self._sizes, FROM_ZEROS if from_zeros else self._chosen(name, self.batch), phase, from_zeros)
        if planned.parts is not None:
            parts = torch.empty(planned.parts_shape, dtype=torch.float32, device=self.device)
            blocks, fixed, options = planned.parts
            self.launch(conv_parts, blocks, (source, packed, parts, self.batch), fixed, options)
        blocks, fixed, options = planned.kernel
        arguments = (source, packed, parts, self.batch, self.steps, t, *rest)
        self.launch(kernel, blocks, arguments, fixed | constants if constants else fixed, options)

    def _chosen(self, name: str, batch: int) -> Launch:
        return self.choose(name, self.kind, batch, self.channels, self.architecture)

    def derivatives(self, da: Tensor, d_projection: Tensor | None, t: int, first: int) -> tuple[Slot, Slot]:
        """Where step t's da goes: as factors and, if these are rounded, unrounded.

        In a step before `first`, the first one whose sources are saved, da is read only as the result, not as factors.
        """
        unread = 0 <= t < first and d_projection is not None
        return ZEROS if unread else of_gates(da, self.steps, t), of_gates(d_projection, self.steps, t)

    def weight_gradient(self, sources: Tensor, da: Tensor, weight: Tensor) -> Tensor:
        """dW (3, C, C, K, K, K), see `wgrad`; zero if there are no sources: a single step from zeros."""
        summed = sources.shape[1]
        if not summed:
            return torch.zeros(weight.shape, dtype=weight.dtype, device=weight.device)
        choice = self._chosen("weight_gradient", self.batch * summed).fitted(self.channels)
        return weight_gradient(sources, da, weight, self.shape, self._precision, choice, self.launch)

    def pack(self, weight: Tensor, save: bool, read: bool) -> Tensor:
        """The weight as `convolve_box` reads it, (orders, taps, 3, C, C): forward and, if `save`, backward.

        read: whether any step reads it.
        """
        if not read:
            return weight.new_empty(2, 0, dtype=self.operand)
        how = self.shape, self.operand, self._precision
        return pack(weight, *how, 2, self.launch) if save else kept_or_packed(weight, *how, self.launch)

    def factors(self, grid: Tensor) -> Tensor:
        """`grid` as products read it: in the operands' type, rounded for tf32."""
        return cast(grid, self.operand, self._precision, self.launch)

    def state_gradient(self, d: Tensor, carried: torch.dtype, wanted: bool) -> Tensor:
        """Where the derivative by a first state of type `carried` goes: d itself, if it has this type; else new."""
        if not wanted:
            return d.new_empty(0, dtype=carried)
        return d if d.dtype == carried else self.empty((), carried)

    def factors_are_kept(self, dtype: torch.dtype) -> bool:
        """Whether what products read is, bit for bit, what is stored in `dtype`, so that one tensor serves as both."""
        return dtype == self.operand and self._precision != "tf32"
