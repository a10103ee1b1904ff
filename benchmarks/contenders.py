"""The recurrence over a sequence, as different people would write it: what convrnn3d is timed against.

    kernels                the fused kernels (only where Triton runs)
    reference              convrnn3d in PyTorch: merged convolutions, channels innermost at the door
    eager NCDHW            one convolution for each gate, PyTorch's default layout
    eager NDHWC            the same with channels_last_3d
    merged NCDHW, NDHWC    one convolution for all gates that read the same grid
    compiled ...           merged NDHWC under torch.compile, default and max-autotune

Each but ours gets its inputs in its own layout, so that no conversion is held against it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from convrnn3d import conv_gru, conv_lstm
from torch import Tensor
from torch.nn import functional as F

GATES = 3
TYPES = {  # by the name that results carry: of the operands, and how float32 is multiplied
    "fp32": (torch.float32, "ieee"),
    "tf32": (torch.float32, "tf32"),
    "bf16": (torch.bfloat16, "ieee"),
    "fp16": (torch.float16, "ieee"),
    "fp64": (torch.float64, "ieee"),
}


@dataclass(frozen=True)
class Problem:
    """A sequence to run through: `backward` with the gradients of projection, weight and state."""

    cell: str = "gru"
    batch: int = 1
    steps: int = 1
    grid: int = 4
    channels: int = 128
    type_name: str = "fp32"
    backward: bool = False
    kernel_size: int = 3

    @property
    def dtype(self) -> torch.dtype:
        return TYPES[self.type_name][0]

    @property
    def precision(self) -> str:
        return TYPES[self.type_name][1]

    @property
    def states(self) -> int:
        """Of the GRU h, of the LSTM h and s."""
        return 2 if self.cell == "lstm" else 1

    def inputs(self, device: torch.device, seed: int = 0) -> list[Tensor]:
        """Random projection, weight (one for all seeds), state and, for the LSTM, cell; as `convrnn3d` takes them."""
        grid, size = (self.grid,) * 3, (self.kernel_size,) * 3
        generator = torch.Generator().manual_seed(0)
        weight = torch.randn(GATES, self.channels, self.channels, *size, generator=generator)
        generator.manual_seed(1 + seed)
        shapes = [(self.batch, self.steps, GATES, *grid, self.channels)]
        shapes += [(self.batch, *grid, self.channels)] * self.states
        projection, *states = (torch.randn(shape, generator=generator) for shape in shapes)
        scaled = [projection, weight / (self.channels * self.kernel_size**3) ** 0.5, *states]
        return [tensor.to(device, self.dtype) for tensor in scaled]


@dataclass(frozen=True)
class Contender:
    """One way to run a Problem. `prepare` puts inputs into its layout, `run` gives the last state(s)."""

    name: str
    prepare: Callable[[Problem, list[Tensor]], list[Tensor]]
    run: Callable[[Problem, list[Tensor]], list[Tensor]]
    restore: Callable[[Problem, list[Tensor]], list[Tensor]]  # inputs or their gradients, back to convrnn3d's layout
    compiled: bool = False


def contenders() -> dict[str, Contender]:
    """All that can be timed, by name."""
    found = [
        Contender("kernels", _same, _ours("triton"), _same),
        Contender("reference", _same, _ours("reference"), _same),
    ]
    for layout, memory_format in (("NCDHW", torch.contiguous_format), ("NDHWC", torch.channels_last_3d)):
        for merged in (False, True):
            name = f"{'merged' if merged else 'eager'} {layout}"
            found.append(Contender(name, _channels_first(memory_format), _plain(merged), _channels_last))
    for mode in ("default", "max-autotune-no-cudagraphs"):
        run = _compiled(_plain(merged=True), mode)
        name = f"compiled {mode.removesuffix('-no-cudagraphs')}"
        found.append(Contender(name, _channels_first(torch.channels_last_3d), run, _channels_last, compiled=True))
    return {contender.name: contender for contender in found}


def _same(problem: Problem, tensors: list[Tensor]) -> list[Tensor]:
    return tensors


def _ours(backend: str) -> Callable[[Problem, list[Tensor]], list[Tensor]]:
    def run(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        projection, weight, *state = inputs
        options = {"backend": backend, "precision": problem.precision}
        if problem.cell == "gru":
            return [conv_gru(projection, weight, state[0], **options)[1]]
        return list(conv_lstm(projection, weight, tuple(state), **options)[1])

    return run


def _channels_first(memory_format: torch.memory_format) -> Callable[[Problem, list[Tensor]], list[Tensor]]:
    """projection as 3 T tensors (B, C, X, Y, Z), weight as one (3 C, C, k, k, k), states (B, C, X, Y, Z)."""

    def prepare(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        projection, weight, *states = inputs
        parts = projection.movedim(-1, 3).flatten(1, 2).unbind(1)  # (B, C, X, Y, Z) by step and gate
        tensors = [*parts, weight.flatten(0, 1), *(state.movedim(-1, 1) for state in states)]
        return [tensor.contiguous(memory_format=memory_format) for tensor in tensors]

    return prepare


def _channels_last(problem: Problem, tensors: list[Tensor]) -> list[Tensor]:
    parts, weight, states = _split(problem, tensors)
    projection = torch.stack(parts, 1).unflatten(1, (problem.steps, GATES)).movedim(3, -1)
    return [projection, weight.unflatten(0, (GATES, -1)), *(state.movedim(1, -1) for state in states)]


def _split(problem: Problem, tensors: list[Tensor]) -> tuple[list[Tensor], Tensor, list[Tensor]]:
    number = GATES * problem.steps
    return tensors[:number], tensors[number], tensors[number + 1 :]


def _plain(merged: bool) -> Callable[[Problem, list[Tensor]], list[Tensor]]:
    def convolve(grid: Tensor, weight: Tensor, gates: int) -> tuple[Tensor, ...]:
        padding = weight.shape[-1] // 2
        if merged:
            return F.conv3d(grid, weight, padding=padding).chunk(gates, dim=1)
        return tuple(F.conv3d(grid, part, padding=padding) for part in weight.chunk(gates))

    def run(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        parts, weight, states = _split(problem, inputs)
        h = states[0]
        if problem.cell == "gru":
            for_u_r, for_c = weight.split((2 * problem.channels, problem.channels))
            for p_u, p_r, p_c in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
                a_u, a_r = convolve(h, for_u_r, 2)
                u, r = torch.sigmoid(p_u + a_u), torch.sigmoid(p_r + a_r)
                c = torch.tanh(p_c + convolve(r * h, for_c, 1)[0])
                h = u * h + (1 - u) * c
            return [h]
        s = states[1]
        for p_f, p_i, p_c in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            a_f, a_i, a_c = convolve(h, weight, 3)
            s = torch.sigmoid(p_f + a_f) * s + torch.sigmoid(p_i + a_i) * torch.tanh(p_c + a_c)
            h = torch.tanh(s)
        return [h, s]

    return run


def _compiled(
    run: Callable[[Problem, list[Tensor]], list[Tensor]], mode: str
) -> Callable[[Problem, list[Tensor]], list[Tensor]]:
    """`run` compiled for each problem, shapes and all."""
    functions: dict[Problem, Callable[[list[Tensor]], list[Tensor]]] = {}

    def compiled(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        if problem not in functions:
            functions[problem] = torch.compile(lambda tensors: run(problem, tensors), mode=mode, dynamic=False)
        return functions[problem](inputs)

    return compiled
