"""Everything a GPU can tell, in one command and within its time.

    python -m benchmarks.gpu_run --minutes 9 --out DIR [--parts parity,tables] [--commit HASH] [--dry]

In order: the environment, the L2 cache's bandwidth, on which the kernels' design rests, the kernels' parity tests, the
machine's other peaks, launch-table tuning in half precision, the time of each launch of a step, the comparisons of
`comparisons.plan`, most telling first, as many as there is time for, and training steps with the fused kernels beside
the reference's losses.

Afterwards: copy `DIR/launches.json`, the tuned table that the comparisons used, to `kernels/convrnn3d`, named after the
GPU's architecture as `launches.sm_90.json` is, and add the figures to those kept, with
`python -m benchmarks.results DIR/results.csv`. A second run then tunes no more (a table says what it was tuned on) and
measures nothing again that is known of these kernels on this machine: it goes on where the first had no more time.

Each part writes into DIR as it goes: a run that is cut off leaves what it did, and what cannot be done, or has no time
left, is named in a line of `DIR/log.txt`. What hangs is stopped (`watching`), and where memory ran out or the device
has failed the run goes on in a new process, for an allocator may be left in any state. The exit code is 1 if parity or
training failed, or a part was lost. The run needs the checkout alone, on PYTHONPATH, and no network. --commit: for a
checkout without its history. --dry: tiny sizes, on a CPU in Triton's interpreter; without it and without a GPU the run
refuses, exit code 2.
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
    parser.add_argument("--commit", default="", help="of the checkout, where git cannot tell")
    parser.add_argument("--dry", action="store_true", help="tiny sizes, to try the run out")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not options.dry:
        print(f"torch {torch.__version__} finds no GPU here; --dry tries the run out without one", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    if device.type == "cpu":
        os.environ.setdefault("TRITON_INTERPRET", "1")  # Triton is not imported before a kernel runs
    seconds = 60 * options.minutes
    deadline, for_training = time.monotonic() + seconds, min(60, 0.1 * seconds)
    run = Run(options.out.resolve(), deadline, options.dry, device, options.commit, tuple(options.parts), for_training)
    return int(watch(run))


if __name__ == "__main__":
    sys.exit(main())
