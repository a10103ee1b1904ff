"""Time the recurrent step and sequence: every contender takes turns on the same inputs, with its error and its time.

python -m benchmarks.recurrence [--cells gru,lstm] [--types fp32,tf32,bf16,fp16] [--batch 1,36] [--steps 1,5]
                                [--grid 4] [--channels 128] [--compile] [--cold] [--seconds 2] [--save]
"""

import itertools

import torch

from benchmarks.measuring.machine import Machine
from benchmarks.measuring.options import CELLS, amount, command, names, numbers, whole
from benchmarks.measuring.results import append
from benchmarks.measuring.settings import TYPES
from benchmarks.measuring.tables import printed
from benchmarks.recurrence.measure import able, measure
from benchmarks.recurrence.problems import Problem


def main() -> None:
    parser = command("recurrence", __doc__)
    parser.add_argument("--cells", type=names(CELLS), default="gru,lstm", help="comma-separated")
    parser.add_argument("--types", type=names(TYPES), default="fp32,tf32,bf16,fp16", help="comma-separated")
    parser.add_argument("--batch", type=numbers(), default="1,36", help="comma-separated")
    parser.add_argument("--steps", type=numbers(), default="1,5", help="comma-separated")
    parser.add_argument("--grid", type=whole(), default=4)
    parser.add_argument("--channels", type=whole(), default=128)
    parser.add_argument("--compile", action="store_true", help="also time torch.compile's contenders; takes minutes")
    parser.add_argument("--cold", action="store_true", help="flush the L2 cache before each run, on a GPU")
    parser.add_argument("--seconds", type=amount(), default=2, help="seconds of timing for each comparison")
    parser.add_argument("--save", action="store_true", help="append the rows to benchmarks/results")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    types = [name for name in options.types if device.type == "cuda" or name == "fp32"]
    if not types:
        parser.error("without a GPU only fp32 can be timed")
    for cell, type_name, backward, batch, steps in itertools.product(
        options.cells, types, (False, True), options.batch, options.steps
    ):
        problem = Problem(cell, batch, steps, options.grid, options.channels, type_name, backward)
        rows = measure(problem, able(device, problem, options.compile), device, options.seconds, options.cold)
        print(printed(rows), flush=True)
        if options.save:
            append(rows, Machine.here())


if __name__ == "__main__":
    main()
