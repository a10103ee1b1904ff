"""Measure everything on a GPU, in one command and within a time limit.

    python -m benchmarks.gpu_run --minutes 9 --out DIR [--parts parity,tables] [--commit HASH] [--dry]

The parts, in order: the environment; the L2 cache's bandwidth, on which the kernels' design rests; the kernels' parity
tests; the machine's other peaks; launch-table tuning in half precision; the time of each launch of a step; as many
comparisons of `comparisons.plan` as time allows, the most informative first; and training steps with the fused kernels,
whose losses are compared with the reference's.

Afterwards, copy `DIR/launches.json`, the tuned table that the comparisons used, to `kernels/convrnn3d`, named after the
GPU's architecture like `launches.sm_90.json`, and add the figures to the stored ones with
`python -m benchmarks.results DIR/results.csv`. A second run then does not tune again (a table says what it was tuned
on) and repeats no measurement of these kernels on this machine: it continues where the first ran out of time.

Each part writes into DIR as it goes. A run that is cut off leaves what it has done, and `DIR/log.txt` has a line for
everything that failed or had no time left. Whatever hangs is stopped (`watching`). After running out of memory or a
device failure the run continues in a new process, because the allocator may be in any state. The exit code is 1 if a
part failed or was lost. The run needs only the checkout, on PYTHONPATH, and no network. --commit: for a checkout
without its history. --dry: tiny sizes, on a CPU in Triton's interpreter; without --dry and without a GPU the run ends
at once with exit code 2.
"""

import os
import sys
import time
from pathlib import Path

import torch

from benchmarks.gpu_run.parts import PARTS
from benchmarks.gpu_run.run import Run
from benchmarks.gpu_run.watching import watch
from benchmarks.measuring.options import amount, command, names


def main() -> int:
    parser = command("gpu_run", __doc__)
    parser.add_argument("--minutes", type=amount(), default=9)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", type=names(PARTS), default=list(PARTS), help="comma-separated")
    parser.add_argument("--commit", default="", help="commit of the checkout, if git cannot tell")
    parser.add_argument("--dry", action="store_true", help="use tiny sizes, to try the run out")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not options.dry:
        print(f"torch {torch.__version__} finds no GPU; use --dry to try the run out without one", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    if device.type == "cpu":
        os.environ.setdefault("TRITON_INTERPRET", "1")  # in time: Triton is not imported before a kernel runs
    seconds = 60 * options.minutes
    deadline, for_training = time.monotonic() + seconds, min(60, 0.1 * seconds)
    run = Run(options.out.resolve(), deadline, options.dry, device, options.commit, tuple(options.parts), for_training)
    return int(watch(run))


if __name__ == "__main__":
    sys.exit(main())
