"""Measure the recurrent step and sequence: every contender takes turns on the same inputs, with its error and its time.

A step is timed as a sequence of one. The first state is given and not zero, so that it costs its convolution.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from convrnn3d.backend import TRITON_IS_THERE
from convrnn3d.tuning import dependent_launch
from torch import Tensor

from benchmarks.measuring.peaks import peaks
from benchmarks.measuring.results import Row
from benchmarks.measuring.settings import cudnn_benchmark, float32_products, fresh_compiler
from benchmarks.measuring.side_by_side import PRINTER, Witness, distance, input_sets, leave_out, rows_of, side_by_side
from benchmarks.recurrence.contenders import (
    BESIDE,
    COMPILED_FROZEN,
    ONE_BY_ONE,
    ONEDNN_PACKING,
    PACKING,
    PYTORCH_PACKING,
    Contender,
    contenders,
)
from benchmarks.recurrence.problems import Problem
from benchmarks.work.phases import sequence_work
from benchmarks.work.sizes import Sizes


def measure(
    problem: Problem,
    names: list[str],
    device: torch.device,
    seconds: float,
    cold: bool = False,
    witness: Witness = PRINTER,
) -> list[Row]:
    """A row for each contender and, on a GPU, one for its replay from a CUDA graph; `witness` is told of failures."""
    sets = input_sets(lambda seed: problem.inputs(device, seed))
    best = peaks(device, problem.type_name)
    chosen = {name: contender for name, contender in contenders().items() if name in names}
    with float32_products(problem.precision), fresh_compiler():
        error = errors(chosen, problem, sets[0], witness)
        runs = {name: runner(chosen[name], problem, sets) for name in error}
        with cudnn_benchmark():
            measured = side_by_side(runs, len(sets), device, seconds, cold, witness)
    element = torch.empty(0, dtype=problem.dtype).element_size()
    sizes = Sizes(problem.batch, problem.steps, problem.grid, problem.channels, 0, problem.kernel_size, element)
    useful, nominal, moved = sequence_work(problem.cell, sizes, problem.backward)
    return rows_of(
        measured,
        error,
        best,
        useful / 1e6,
        nominal / 1e6,
        moved,
        table="recurrence",
        what=problem.cell,
        cold=cold,
        batch=problem.batch,
        steps=problem.steps,
        grid=problem.grid,
        channels=problem.channels,
        dtype=problem.type_name,
        precision=problem.precision,
        backward=problem.backward,
    )


def runner(contender: Contender, problem: Problem, sets: list[list[Tensor]]) -> Callable[[int], object]:
    """The contender as a function of the number of a set; its inputs are prepared when it first runs.

    All sets share one weight and its memory: what a sequence reads again and again is warm in any cache.
    """
    ready: list[list[Tensor]] = []
    upstream: list[Tensor] = []

    def run(number: int) -> object:
        if not ready:
            ready.extend(prepared(contender, problem, inputs) for inputs in sets)
            for inputs in ready:
                inputs[-1 - problem.states] = ready[0][-1 - problem.states]
            upstream.extend(torch.randn_like(state) for state in ready[0][-problem.states :])
        return solve(contender, problem, ready[number], upstream)

    return run


def prepared(contender: Contender, problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
    ready = contender.prepared(problem, inputs)
    return [tensor.detach().requires_grad_(problem.backward) for tensor in ready]


def solve(contender: Contender, problem: Problem, inputs: list[Tensor], upstream: list[Tensor]) -> list[Tensor]:
    """Last state(s) and, if the problem is backward, the gradients of `inputs`, in the contender's layout."""
    with torch.set_grad_enabled(problem.backward):
        outputs = contender.run(problem, inputs)
    return [*outputs, *(torch.autograd.grad(outputs, inputs, upstream) if problem.backward else ())]


def errors(
    chosen: dict[str, Contender], problem: Problem, inputs: list[Tensor], witness: Witness = PRINTER
) -> dict[str, float]:
    """The worst distance from float64 of each contender's results and gradients; failures are reported and skipped."""
    exact, states = contenders()["reference"], problem.states
    upstream = [torch.randn_like(state) for state in inputs[-states:]]
    in_float64 = replace(problem, type_name="fp64")
    given = prepared(exact, in_float64, [tensor.double() for tensor in inputs])
    truth = solve(exact, in_float64, given, [d.double() for d in upstream])
    found = {}
    for name, contender in chosen.items():
        witness.begins(name)
        try:
            own = [contender.state(d) for d in upstream]
            with cudnn_benchmark():  # so that compilers see the settings they are timed with
                results = solve(contender, problem, prepared(contender, problem, inputs), own)
        except Exception as error:  # compilers and full devices raise anything
            leave_out(name, error, inputs[0].device, witness)
            continue
        gradients = contender.gradients(problem, results[states:]) if problem.backward else []
        ours = [*contender.outputs(problem, results[:states]), *gradients]
        found[name] = max(distance(a, b) for a, b in zip(ours, truth, strict=True))
    return found


def able(device: torch.device, problem: Problem, compilers: bool = True) -> list[str]:
    """Names of the contenders that make sense on `device`: no interpreted kernels. compilers: include compiled ones.

    Packing is timed separately where it costs most, in a step: PyTorch's with and without the backward pass, ours only
    forward, since with the backward pass `kernels` packs anyway. Launches one by one are also only timed forward, for
    batches so small that they would overlap: the backward pass runs after the call that sets this.
    """
    kernels = device.type == "cuda" and TRITON_IS_THERE
    left_out = set() if kernels else {"kernels", PACKING, ONE_BY_ONE}
    if device.type != "cpu" or problem.type_name != "fp32":
        left_out.update(("onednn", ONEDNN_PACKING))
    if problem.backward or problem.steps > 1:
        left_out.update(BESIDE)
    if problem.steps > 1:
        left_out.add(PYTORCH_PACKING)
    if device.type != "cpu" or problem.backward:
        left_out.add(COMPILED_FROZEN)
    if kernels and not dependent_launch(device, problem.batch):
        left_out.add(ONE_BY_ONE)
    return [
        name
        for name, contender in contenders().items()
        if name not in left_out and (compilers or not contender.compiled)
    ]
