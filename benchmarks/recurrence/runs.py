"""Ways to run the recurrence over a sequence: through convrnn3d, or with PyTorch's own layers in some layout.

A run takes a problem and the inputs that a contender prepares: the projection in parts, weight and state(s), or for
convrnn3d projection, weight and state(s). It returns the last state(s).
"""

import os
from collections.abc import Callable

import torch
from convrnn3d import conv_gru, conv_lstm, freeze
from convrnn3d.frozen import promise_of
from convrnn3d.tuning import DEPENDENT
from torch import Tensor
from torch.nn import functional as F

from benchmarks.recurrence.layouts import Layout
from benchmarks.recurrence.problems import Problem
from benchmarks.work.sizes import GATES

Run = Callable[[Problem, list[Tensor]], list[Tensor]]
Convolution = Callable[[Tensor, Tensor, Tensor, int], Tensor]  # takes grid, weight, projection and kernel size


def ours(backend: str) -> Run:
    def run(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        projection, weight, *state = inputs
        options = {"backend": backend, "precision": problem.precision}
        if problem.cell == "gru":
            return [conv_gru(projection, weight, state[0], **options)[1]]
        return list(conv_lstm(projection, weight, tuple(state), **options)[1])

    return run


def frozen(run: Run) -> Run:
    """`run` on a weight that is packed once, before timing, as PyTorch's is; not with the backward pass."""

    def frozen_run(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        if not problem.backward and promise_of(inputs[1]) is None:
            freeze(inputs[1])
        return run(problem, inputs)

    return frozen_run


def one_by_one(run: Run) -> Run:
    """`run` with launches that begin only when the one before has ended: convrnn3d's switch, from sm_90 on."""

    def run_one_by_one(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        before = os.environ.get(DEPENDENT)
        os.environ[DEPENDENT] = "0"
        try:
            return run(problem, inputs)
        finally:
            os.environ.pop(DEPENDENT) if before is None else os.environ.update({DEPENDENT: before})

    return run_one_by_one


def gate_by_gate(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
    """A convolution for each gate, as the equations are written; channels in the second dimension."""
    parts, weights, states = problem.split(inputs)
    padding = problem.kernel_size // 2
    w_0, w_1, w_2 = weights.chunk(GATES)
    h = states[0]
    if problem.cell == "gru":
        for p_u, p_r, p_c in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            u = torch.sigmoid(p_u + F.conv3d(h, w_0, padding=padding))
            r = torch.sigmoid(p_r + F.conv3d(h, w_1, padding=padding))
            c = torch.tanh(p_c + F.conv3d(r * h, w_2, padding=padding))
            h = u * h + (1 - u) * c
        return [h]
    s = states[1]
    for p_f, p_i, p_c in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        f = torch.sigmoid(p_f + F.conv3d(h, w_0, padding=padding))
        i = torch.sigmoid(p_i + F.conv3d(h, w_1, padding=padding))
        s = f * s + i * torch.tanh(p_c + F.conv3d(h, w_2, padding=padding))
        h = torch.tanh(s)
    return [h, s]


def merged_run(convolve: Convolution, layout: Layout) -> Run:
    """One convolution for all gates that read the same grid, and as few pointwise calls as possible."""

    def run(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        parts, weight, states = problem.split(inputs)
        side, width = problem.kernel_size, weight.shape[layout.weight_axis] // GATES
        h = states[0]
        if problem.cell == "gru":
            for_u_r, for_c = weight.split((2 * width, width), layout.weight_axis)
            for p_u_r, p_c in zip(parts[::2], parts[1::2], strict=True):
                u, r = torch.sigmoid(convolve(h, for_u_r, p_u_r, side)).chunk(2, layout.axis)
                h = torch.lerp(torch.tanh(convolve(r * h, for_c, p_c, side)), h, u)
            return [h]
        s = states[1]
        for p in parts:
            a_f_i, a_c = convolve(h, weight, p, side).split((2 * width, width), layout.axis)
            f, i = torch.sigmoid(a_f_i).chunk(2, layout.axis)
            s = torch.addcmul(i * torch.tanh(a_c), f, s)
            h = torch.tanh(s)
        return [h, s]

    return run


def packing(run: Run, layout: Layout) -> Run:
    """`run` on a weight given in convrnn3d's own shape."""

    def packing_run(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        parts, weight, states = problem.split(inputs)
        return run(problem, [*parts, LaidOut.apply(weight, layout, problem.grid), *states])

    return packing_run


class LaidOut(torch.autograd.Function):
    """A weight in a layout. Its gradient is in the given weight's order; autograd would leave it in a convolution's."""

    @staticmethod
    def forward(ctx, weight: Tensor, layout: Layout, z: int) -> Tensor:
        ctx.layout, ctx.shape = layout, weight.shape
        return layout.weight(weight, z)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        return ctx.layout.weight_back(gradient, ctx.shape).contiguous(), None, None


def convolved(grid: Tensor, weight: Tensor, p: Tensor, side: int) -> Tensor:
    """p + W * grid, channels in the second dimension, followed by two or three spatial ones."""
    convolution = F.conv2d if grid.ndim == 4 else F.conv3d
    return p + convolution(grid, weight, padding=side // 2)


def multiplied(grid: Tensor, weight: Tensor, p: Tensor, side: int) -> Tensor:
    """The same on rows: neighbourhoods (B X Y Z, K K K C) by the weight (K K K C, channels)."""
    padded = F.pad(grid, (0, 0, *[side // 2] * 6))
    windows = padded.unfold(1, side, 1).unfold(2, side, 1).unfold(3, side, 1)  # (B, X, Y, Z, C, K, K, K)
    rows = windows.movedim(4, -1).flatten(4).flatten(0, 3)
    return torch.addmm(p.flatten(0, 3), rows, weight).view_as(p)


def compiled_frozen(run: Run) -> Run:
    """`run` compiled for each problem with the weight as a constant, which the compiler packs beforehand."""
    modules: dict[Problem, torch.nn.Module] = {}

    class Constant(torch.nn.Module):
        def __init__(self, problem: Problem, weight: Tensor) -> None:
            super().__init__()
            self.problem, self.weight = problem, torch.nn.Parameter(weight.detach(), requires_grad=False)

        def forward(self, parts: list[Tensor], states: list[Tensor]) -> list[Tensor]:
            return run(self.problem, [*parts, self.weight, *states])

    def compiled_run(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        parts, weight, states = problem.split(inputs)
        with torch._inductor.config.patch(freezing=True):
            if problem not in modules:  # all inputs of a problem have the same weight
                modules[problem] = Constant(problem, weight).eval()
                modules[problem].compile(dynamic=False)
            return modules[problem](parts, states)

    return compiled_run


def compiled(run: Run, mode: str) -> Run:
    """`run` compiled for each problem, with static shapes."""
    functions: dict[Problem, Callable[[list[Tensor]], list[Tensor]]] = {}

    def compiled_run(problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        if problem not in functions:
            functions[problem] = torch.compile(lambda tensors: run(problem, tensors), mode=mode, dynamic=False)
        return functions[problem](inputs)

    return compiled_run
