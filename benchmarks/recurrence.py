"""The recurrent step and sequence: every contender on the same inputs, in turns, with its error beside its time.

python -m benchmarks.recurrence [--batch 1,36] [--steps 1,5] [--cells gru,lstm] [--types fp32,tf32,bf16,fp16]
                                [--rounds 20] [--save]
"""

import argparse
import itertools
from collections.abc import Callable
from dataclasses import replace

import torch
from convrnn3d.backend import TRITON_IS_THERE
from torch import Tensor

from benchmarks.contenders import Contender, Problem, contenders
from benchmarks.peaks import Peaks, float32_products
from benchmarks.results import Machine, Row, append
from benchmarks.timing import Timing, graphed, interleaved
from benchmarks.work import Sizes, phases

SETS = 3  # of inputs, each used in turn
TYPES = {
    "fp32": (torch.float32, "ieee"),
    "tf32": (torch.float32, "tf32"),
    "bf16": (torch.bfloat16, "ieee"),
    "fp16": (torch.float16, "ieee"),
}


def solve(contender: Contender, problem: Problem, inputs: list[Tensor], upstream: list[Tensor] | None) -> list[Tensor]:
    """Last state(s) and, if the problem is backward, the gradients of `inputs`, in the contender's layout."""
    if not problem.backward:
        with torch.no_grad():
            return contender.run(problem, inputs)
    outputs = contender.run(problem, inputs)
    return [*outputs, *torch.autograd.grad(outputs, inputs, upstream)]


def prepared(contender: Contender, problem: Problem, inputs: list[Tensor]) -> list[Tensor]:
    tensors = contender.prepare(problem, inputs)
    return [tensor.detach().requires_grad_(problem.backward) for tensor in tensors]


def errors(
    chosen: dict[str, Contender], problem: Problem, inputs: list[Tensor], device: torch.device
) -> dict[str, float]:
    """The worst distance from float64 of each contender's results and gradients."""
    truth_problem = replace(problem, dtype=torch.float64)
    reference, found = contenders()["reference"], {}
    exact = prepared(reference, truth_problem, [tensor.double() for tensor in inputs])
    states = 2 if problem.cell == "lstm" else 1
    shape = inputs[-1].shape
    upstream = [torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(device) for _ in range(states)]
    truth = solve(reference, truth_problem, exact, [d.double() for d in upstream])
    for name, contender in chosen.items():
        ours = contender.name in ("kernels", "reference")
        own = [d.to(problem.dtype) if ours else d.movedim(-1, 1).to(problem.dtype) for d in upstream]
        results = solve(contender, problem, prepared(contender, problem, inputs), own)
        outputs, gradients = results[:states], results[states:]
        outputs = outputs if ours else [output.movedim(1, -1) for output in outputs]
        gradients = contender.restore(problem, gradients) if gradients else []
        found[name] = max(
            ((a.double() - b).norm() / b.norm()).item() for a, b in zip([*outputs, *gradients], truth, strict=True)
        )
    return found


def runner(contender: Contender, problem: Problem, sets: list[list[Tensor]]) -> Callable[[], None]:
    """Once through every set of inputs."""
    ready = [prepared(contender, problem, inputs) for inputs in sets]
    with torch.no_grad():
        upstream = [torch.randn_like(output) for output in contender.run(problem, ready[0])]

    def run() -> None:
        for inputs in ready:
            solve(contender, problem, inputs, upstream)

    return run


def peak_mib(function: Callable[[], object], device: torch.device) -> float | None:
    """MiB that `function` allocates at most beyond what was there, on a GPU."""
    if device.type != "cuda":
        return None
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    function()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def work(problem: Problem) -> tuple[float, float, float, Callable[[Peaks], float]]:
    """Bytes, useful and nominal operations of the recurrence proper, and its floor in microseconds."""
    element = torch.empty(0, dtype=problem.dtype).element_size()
    sizes = Sizes(problem.batch, problem.steps, problem.grid, problem.channels, 1024, problem.kernel_size, element)
    forward = 2 if problem.cell == "gru" else 1  # launches of a step
    counted = phases(problem.cell, sizes)[1:-2][: None if problem.backward else forward]  # without the projection's
    total = [sum(phase.times * getattr(phase, name) for phase in counted) for name in ("bytes", "useful", "nominal")]
    return *total, lambda peaks: sum(phase.times * phase.floor(peaks.tflops, peaks.gbytes) for phase in counted)


def measure(
    problem: Problem,
    type_name: str,
    names: list[str],
    device: torch.device,
    peaks: Peaks,
    rounds: int,
    cold: bool = False,
) -> list[Row]:
    """A row for each contender and, on a GPU, one more for its replay from a CUDA graph."""
    chosen = {name: contenders()[name] for name in names}
    sets = [problem.inputs(device, seed) for seed in range(SETS)]
    with float32_products(problem.precision), cudnn_benchmark():
        error = errors(chosen, problem, sets[0], device)
        functions = {(name, False): runner(contender, problem, sets) for name, contender in chosen.items()}
        memory = {name: peak_mib(function, device) for (name, _), function in functions.items()}
        if device.type == "cuda":
            functions |= {(name, True): graphed(function) for (name, _), function in list(functions.items())}
        timings = interleaved(functions, device, rounds, cold)
    moved, useful, nominal, floor = work(problem)
    rows = []
    for (name, graph), whole in timings.items():
        timing = Timing(whole.median / SETS, whole.p20 / SETS, whole.p80 / SETS)
        row = Row(
            table="recurrence",
            what=problem.cell,
            contender=name,
            graph=graph,
            cold=cold,
            batch=problem.batch,
            steps=problem.steps,
            grid=problem.grid,
            channels=problem.channels,
            dtype=type_name,
            precision=problem.precision,
            backward=problem.backward,
            median=timing.median,
            p20=timing.p20,
            p80=timing.p80,
            error=error[name],
            peak_mib=memory[name],
            bytes=moved,
            useful_mflop=useful / 1e6,
            nominal_mflop=nominal / 1e6,
            efficiency=floor(peaks) / timing.median,
        )
        rows.append(row)
    return rows


class cudnn_benchmark:  # noqa: N801, a context manager like torch.no_grad
    """Within it cuDNN times its algorithms and takes the fastest: the baseline to beat."""

    def __enter__(self) -> None:
        self.before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, True

    def __exit__(self, *error: object) -> None:
        torch.backends.cudnn.benchmark = self.before


def able(device: torch.device) -> list[str]:
    """Names of the contenders that make sense on `device`: no interpreted kernels, no compilers on a CPU."""
    if device.type == "cuda":
        return [name for name in contenders() if name != "kernels" or TRITON_IS_THERE]
    return [name for name, contender in contenders().items() if name != "kernels" and not contender.compiled]


def printed(rows: list[Row]) -> str:
    """A table; the fastest way to use PyTorch's own convolutions is the one the kernels are compared with."""
    if not rows:
        return ""
    head = rows[0]
    lines = [
        f"{head.what}, {'forward and backward' if head.backward else 'forward'}, B {head.batch}, T {head.steps}, "
        f"G {head.grid}, C {head.channels}, {head.dtype}"
    ]
    for row in sorted(rows, key=lambda row: row.median):
        name = row.contender + (" (graph)" if row.graph else "")
        memory = "" if row.peak_mib is None else f"  {row.peak_mib:8.1f} MiB"
        lines.append(
            f"  {name:32} {row.median:12.1f} us  [{row.p20:.1f}, {row.p80:.1f}]  error {row.error:.1e}  "
            f"{row.efficiency:6.1%} of the floor{memory}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("cells", "gru,lstm"), ("types", "fp32,tf32,bf16,fp16"), ("batch", "1,36"), ("steps", "1,5")):
        parser.add_argument(f"--{name}", default=default, help="comma-separated")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--save", action="store_true", help="append the rows to benchmarks/results")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    types = [name for name in options.types.split(",") if device.type == "cuda" or name == "fp32"]
    lists = (options.cells.split(","), types, (False, True), options.batch.split(","), options.steps.split(","))
    for cell, type_name, backward, batch, steps in itertools.product(*lists):
        dtype, precision = TYPES[type_name]
        peaks = Peaks.measure(device, dtype, precision)
        problem = Problem(cell, int(batch), int(steps), dtype=dtype, precision=precision, backward=backward)
        rows = measure(problem, type_name, able(device), device, peaks, options.rounds)
        print(printed(rows), flush=True)
        if options.save:
            append(rows, Machine.here())


if __name__ == "__main__":
    main()
