"""The recurrence over a sequence, as different people would write it: what convrnn3d is timed against.

    kernels                the fused kernels (only where Triton runs), forward with a frozen weight, packed beforehand
    kernels, packing       the same with a weight that may change, packed in each call and replay; a step, forward
    kernels, one by one    `kernels` without overlapping launches, where they would overlap; a step, forward
    onednn                 convrnn3d on a CPU, float32: forward with a frozen weight, packed beforehand
    onednn, packing        the same with a weight that may change, packed in each call; a step, forward. Where packing
                           costs more than it saves, convrnn3d uses PyTorch's own convolutions; so does `onednn`,
                           with a backward pass
    reference              convrnn3d in PyTorch: merged convolutions, channels innermost in inputs and outputs
    eager NCDHW            one convolution for each gate, PyTorch's default layout
    eager NDHWC            the same with channels_last_3d
    merged NCDHW, NDHWC    one convolution for all gates that read the same grid, one chain of pointwise calls
    merged NDHWC, packing  the latter with a weight given in convrnn3d's shape: packed in each call and replay, its
                           gradient unpacked; a step
    unfolded               the same with the neighbourhoods copied into rows, and a matrix product
    z in channels          the same with z folded into the channels, and a 2D convolution
    compiled ...           merged NDHWC under torch.compile, default and max-autotune
    compiled frozen        default, with a constant weight, which the compiler packs beforehand; on a CPU, forward

Each except ours and the packing one gets its inputs in its own layout (`layouts`), so that no conversion counts against
it. This includes the weight, which PyTorch can train in that layout. On a CPU each convolution still reorders it for
oneDNN, except in compiled frozen. Our weights are packed beforehand only if nothing trains them: with the backward pass
`kernels` and, where that pays, `onednn` pack them in each call. Forward, `kernels` and `merged NDHWC` do the same work,
both packing or neither, as do `onednn` and `compiled frozen`; with the backward pass `kernels` and
`merged NDHWC, packing` do.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.recurrence.layouts import Channels, Layout, Planes, Rows
from benchmarks.recurrence.problems import Problem
from benchmarks.recurrence.runs import (
    Run,
    compiled,
    compiled_frozen,
    convolved,
    frozen,
    gate_by_gate,
    merged_run,
    multiplied,
    one_by_one,
    ours,
    packing,
)
from benchmarks.work.sizes import GATES

OWN = ("kernels", "onednn")  # convrnn3d on a GPU and on a CPU
PACKING, ONE_BY_ONE, ONEDNN_PACKING = "kernels, packing", "kernels, one by one", "onednn, packing"
BESIDE = (PACKING, ONE_BY_ONE, ONEDNN_PACKING)  # our variants, timed where they differ most: in a step forward
COMPILED_FROZEN = "compiled frozen"
PYTORCH_PACKING = "merged NDHWC, packing"  # does more than PyTorch needs, so `kernels` is never compared with it
MERGED = {"gru": (2, 1), "lstm": (3,)}  # gates that read the same grid


@dataclass(frozen=True)
class Contender:
    """One way to run a Problem. layout: None for convrnn3d's own shapes.

    `run` takes inputs as `prepared` returns them and returns the last state(s), also in the layout. merged: the
    projection of gates that read the same grid is one tensor. packing: `run` packs the weight and unpacks its gradient.
    """

    name: str
    run: Run
    layout: Layout | None = None
    merged: bool = False
    compiled: bool = False
    packing: bool = False

    def prepared(self, problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
        """The projection, in parts, the weight and the state(s), in the layout."""
        if self.layout is None:
            return inputs
        projection, weight, *states = inputs
        gates = MERGED[problem.cell] if self.merged else (1,) * GATES
        parts = [part for step in projection.unbind(1) for part in step.split(gates, 1)]
        grids = [self.layout.grid(grid) for grid in (*parts, *(state[:, None] for state in states))]
        laid_out = weight if self.packing else self.layout.weight(weight, problem.grid)
        return [*grids[: len(parts)], laid_out, *grids[len(parts) :]]

    def state(self, grid: Tensor) -> Tensor:
        """A grid (B, X, Y, Z, C) as a state in the layout."""
        return grid if self.layout is None else self.layout.grid(grid[:, None])

    def outputs(self, problem: Problem, states: list[Tensor]) -> list[Tensor]:
        """The states that `run` returns, as grids (B, X, Y, Z, C)."""
        if self.layout is None:
            return states
        return [self.layout.back(state, problem.shape)[:, 0] for state in states]

    def gradients(self, problem: Problem, gradients: list[Tensor]) -> list[Tensor]:
        """Gradients by what `prepared` returns, as gradients by its inputs."""
        if self.layout is None:
            return gradients
        parts, weight, states = problem.split(gradients)
        projection = torch.cat([self.layout.back(part, problem.shape) for part in parts], 1)
        whole = weight if self.packing else self.layout.weight_back(weight, problem.weight_shape)
        return [projection.unflatten(1, (problem.steps, GATES)), whole, *self.outputs(problem, states)]


def contenders() -> dict[str, Contender]:
    """All contenders, by name."""
    default, innermost = (Channels(order) for order in (torch.contiguous_format, torch.channels_last_3d))
    merged = merged_run(convolved, innermost)
    found = [
        Contender("kernels", frozen(ours("triton"))),
        Contender(PACKING, ours("triton")),
        Contender(ONE_BY_ONE, one_by_one(frozen(ours("triton")))),
        Contender("onednn", frozen(ours("onednn"))),
        Contender(ONEDNN_PACKING, ours("onednn")),
        Contender("reference", ours("reference")),
        Contender("eager NCDHW", gate_by_gate, default),
        Contender("merged NCDHW", merged_run(convolved, default), default, merged=True),
        Contender("eager NDHWC", gate_by_gate, innermost),
        Contender("merged NDHWC", merged, innermost, merged=True),
        Contender(PYTORCH_PACKING, packing(merged, innermost), innermost, merged=True, packing=True),
        Contender("unfolded", merged_run(multiplied, Rows()), Rows(), merged=True),
        Contender("z in channels", merged_run(convolved, Planes()), Planes(), merged=True),
    ]
    for mode in ("default", "max-autotune-no-cudagraphs"):
        name = f"compiled {mode.removesuffix('-no-cudagraphs')}"
        found.append(Contender(name, compiled(merged, mode), innermost, merged=True, compiled=True))
    found.append(Contender(COMPILED_FROZEN, compiled_frozen(merged), innermost, merged=True, compiled=True))
    return {contender.name: contender for contender in found}
