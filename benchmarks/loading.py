"""Whether loading keeps up with the training step: pictures a second of both, from a folder and from its pack.

    python -m benchmarks.loading [--data DIR] [--network compact] [--recipe compact] [--workers 0,1,2] [--batches 12]
                                 [--device auto] [--steps 4] [--models 300]

Without --data the bundled sample is read; from DIR, --models models, spread evenly. Their pack is written to a
temporary folder. Loading means reading, decoding, augmenting and stacking, in --workers processes. The step is forward,
backward and Adam on the same batches, read beforehand. Each is timed after a first batch that does not count. Pictures
a second of a core are per processor time of this process and its workers, which other programs hardly change.
"""

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.measuring.options import numbers, whole
from r2n2.config import network_config
from r2n2.data.augmentation import AUGMENTATIONS
from r2n2.data.dataset import Batches, TrainingBatches, TrainingSet, as_inputs, read_batches
from r2n2.data.packed import read_pack, write_split
from r2n2.data.readable import Readable, spread
from r2n2.data.sample import sample_folder
from r2n2.data.shapenet import find_models, select
from r2n2.devices import find_device
from r2n2.errors import UserError
from r2n2.training.recipes import TrainingConfig, changed, recipe
from r2n2.training.run import Run


def batches_of(models: Sequence[Readable], config: TrainingConfig, workers: int) -> Batches:
    """Endless training batches."""
    batches = TrainingBatches(len(models), config.batch_size, config.max_views, config.seed)
    return read_batches(TrainingSet(models, AUGMENTATIONS[config.augmentation]), batches, workers)


def loading(models: Sequence[Readable], config: TrainingConfig, workers: int, count: int) -> tuple[float, float]:
    """Pictures a second by the clock, and pictures a second of one core's time, over `count` batches."""
    before = _cpu_seconds()
    batches = batches_of(models, config, workers)
    next(batches)
    started, pictures = time.perf_counter(), 0
    for views, _ in itertools.islice(batches, count):
        pictures += views.shape[0] * views.shape[1]
    seconds = time.perf_counter() - started
    read = pictures * (count + 1) / count  # with the first batch, and those read ahead
    batches.close()
    return pictures / seconds, read / max(_cpu_seconds() - before, 1e-9)


def _cpu_seconds() -> float:
    """Processor seconds of this process and of children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def stepping(run: Run, batches: Iterator[tuple[Tensor, Tensor]], count: int) -> tuple[float, float]:
    """Pictures a second by the clock, and of one core's time, for `count` training steps on batches read beforehand."""
    read = [as_inputs(*(tensor.to(run.device) for tensor in batch)) for batch in itertools.islice(batches, count + 1)]
    run.step(*read[0])
    _wait(run.device)
    started, before = time.perf_counter(), _cpu_seconds()
    for batch in read[1:]:
        run.step(*batch)
    _wait(run.device)
    pictures = sum(views.shape[0] * views.shape[1] for views, _ in read[1:])
    return pictures / (time.perf_counter() - started), pictures / max(_cpu_seconds() - before, 1e-9)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.loading", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--network", default="compact")
    parser.add_argument("--recipe", default="compact")
    parser.add_argument("--workers", type=numbers(0), default="0,1,2")
    parser.add_argument("--batches", type=whole(), default=12)
    parser.add_argument("--models", type=whole(), default=300)
    parser.add_argument("--steps", type=whole(), default=4)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    try:
        measure(options)
    except UserError as error:
        parser.error(str(error))


def measure(options: argparse.Namespace) -> None:
    config, network = changed(recipe(options.recipe), pretrained=False), network_config(options.network)
    device = find_device(options.device)
    with ExitStack() as stack:
        folder = options.data or stack.enter_context(sample_folder())
        pack = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "pack"
        models = spread(select(find_models(folder)[0], "train"), options.models)
        write_split(models, pack, "train")
        packed = read_pack(pack, "train")
        print("| source | workers | pictures/s | pictures/s of a core |\n| --- | ---: | ---: | ---: |")
        for name, source in (("folder", models), ("pack", packed)):
            for workers in options.workers:
                found, of_a_core = loading(source, config, workers, options.batches)
                print(f"| {name} | {workers} | {found:.0f} | {of_a_core:.0f} |", flush=True)
        run = Run(network, config, device)
        step, of_a_core = stepping(run, batches_of(packed, config, 0), options.steps)
        print(f"| step of {options.network}, {device.type} | | {step:.0f} | {of_a_core:.0f} |")


if __name__ == "__main__":
    main()
