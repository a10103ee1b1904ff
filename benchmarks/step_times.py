"""How long each launch of a step takes by itself, to see where the time of a call goes.

    python -m benchmarks.step_times [--batch 1,36,256] [--kinds half]

This times a step of either cell, forward and backward, at C = 128, G = 4, as the current launch table launches it,
including packing and the weight gradient. Every launch is timed as `benchmarks.tune` times a candidate, with a warm L2
cache and behind a sleeping device. The sum is what a graph of the step would take if its launches ran one after the
other.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace

import torch
from convrnn3d.places import Tile
from convrnn3d.sequence import Sequence

from benchmarks.measuring.options import KINDS, command, names, numbers
from benchmarks.tune.calls import Launched, both_cells, sequence_of
from benchmarks.tune.timing import median_microseconds


def launches(sequence: Sequence, kind: str) -> Iterator[Launched]:
    """The launches of a training step of both cells, in order."""
    found: list[Launched] = []

    def run_and_take_down(*launched: object) -> None:
        sequence.launch(*launched)
        found.append(launched)

    both_cells(replace(sequence, launch=run_and_take_down), kind)
    return iter(found)


def lines(sequence: Sequence, kind: str) -> Iterator[str]:
    """A line for each launch: microseconds, kernel, programs and tile."""
    total = 0.0
    for kernel, blocks, arguments, constants, options in launches(sequence, kind):
        run = kernel, blocks, arguments, constants, options
        microseconds = median_microseconds(lambda run=run: sequence.launch(*run), sequence.device)
        total += microseconds
        tile = constants.get("TILE")
        if isinstance(tile, Tile):
            way = "lines, " if tile.lines else ""
            owns = f"{tile.rows}x{tile.channels}x{tile.inner}, {way}shared {tile.shared}"
        else:
            owns = f"{tile.channels}x{tile.channels}x{tile.rows}" if tile else ""
        yield f"{microseconds:9.2f} us  {kernel.__name__:<24} {blocks:>6} programs  {owns}"
    yield f"{total:9.2f} us  total"


def main() -> int:
    parser = command("step_times", __doc__)
    parser.add_argument("--batch", type=numbers(), default="1,36,256", help="comma-separated")
    parser.add_argument("--kinds", type=names(KINDS), default="half", help="half, tf32, ieee; comma-separated")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("step_times needs a GPU, and there is none here")
    for kind in options.kinds:
        for batch in options.batch:
            print(f"{kind}, B {batch}, T 1", flush=True)
            for line in lines(replace(sequence_of(kind, batch, torch.device("cuda")), steps=1), kind):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
