"""Time whole networks, views to logits and training steps: this project and a port take turns, with errors and times.

python -m benchmarks.networks [--networks 3d-gru-3,res3d-gru-3] [--types fp32,tf32,bf16,fp16] [--batch 1]
                              [--views 1,3,5,24] [--training] [--compile] [--seconds 2] [--save]
"""

import itertools

import torch

from benchmarks.measuring.machine import Machine
from benchmarks.measuring.options import amount, command, names, numbers
from benchmarks.measuring.results import append
from benchmarks.measuring.settings import TYPES
from benchmarks.measuring.tables import printed
from benchmarks.networks.measure import NetworkProblem, able, measure
from r2n2.config import NETWORKS


def main() -> None:
    parser = command("networks", __doc__)
    parser.add_argument("--networks", type=names(NETWORKS), default=list(NETWORKS), help="comma-separated")
    parser.add_argument("--types", type=names(TYPES), default="fp32,tf32,bf16,fp16", help="comma-separated")
    parser.add_argument("--batch", type=numbers(), default="1", help="comma-separated")
    parser.add_argument("--views", type=numbers(), default="1,3,5,24", help="comma-separated")
    parser.add_argument("--training", action="store_true", help="time a training step instead of inference")
    parser.add_argument("--compile", action="store_true", help="also time each under torch.compile; takes minutes")
    parser.add_argument("--seconds", type=amount(), default=2, help="seconds of timing for each comparison")
    parser.add_argument("--save", action="store_true", help="append the rows to benchmarks/results")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    types = [name for name in options.types if device.type == "cuda" or name in ("fp32", "bf16")]
    if not types:
        parser.error("without a GPU only fp32 and bf16 can be timed")
    for network, type_name, batch, views in itertools.product(options.networks, types, options.batch, options.views):
        if options.training and type_name == "fp16":
            continue
        problem = NetworkProblem(NETWORKS[network], batch, views, type_name, options.training)
        rows = measure(problem, able(device, problem, options.compile), device, options.seconds)
        print(printed(rows), flush=True)
        if options.save:
            append(rows, Machine.here())


if __name__ == "__main__":
    main()
