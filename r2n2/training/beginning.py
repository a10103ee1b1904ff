"""Start a run, new or from a checkpoint, and check which settings must not have changed."""

from dataclasses import replace
from pathlib import Path

import torch

from r2n2.config import NetworkConfig
from r2n2.data.fingerprint import Fingerprint
from r2n2.errors import UserError
from r2n2.training.checkpoints import Checkpoints
from r2n2.training.processes import Processes
from r2n2.training.recipes import TrainingConfig
from r2n2.training.run import Run
from r2n2.training.state import Description, restore

KEPT = ("seed", "batch_size", "max_views")  # these determine which data an iteration sees


def begin(
    network: NetworkConfig,
    config: TrainingConfig,
    device: torch.device,
    processes: Processes,
    data: Fingerprint,
    init: Path | None = None,
) -> tuple[Run, Description]:
    """A run at iteration 0, with the weights of `init`, of ImageNet, or random ones."""
    run = Run(network, config, device, processes)
    if init:
        run.begin_from(init)
    elif config.pretrained:
        run.begin_pretrained()
    return run, Description(0, network, config, data)


def go_on(
    checkpoints: Checkpoints,
    network: NetworkConfig | None,
    config: TrainingConfig,
    device: torch.device,
    processes: Processes,
    data: Fingerprint,
    other_data: bool = False,
) -> tuple[Run, Description]:
    """The run of the newest checkpoint, with its settings changed to `config`.

    Raises UserError if `network` is given and differs, if a setting that determines the data has changed, if the run is
    past its end, or, unless `other_data`, if the data have changed. Other data are read in orders that no epoch has had
    before.
    """
    tensors, stored = checkpoints.newest()
    place = checkpoints.run
    if network is not None and network != stored.network:
        raise UserError(
            f"{place} is a run of the network {stored.network.name}, not {network.name}; choose another folder with -o."
        )
    for name in KEPT:
        before, now = getattr(stored.config, name), getattr(config, name)
        if before != now:
            raise UserError(f"{place} was started with {name} {before}, not {now}; keep it, or start another run.")
    if config.iterations < stored.iteration:
        raise UserError(
            f"{place} has already done {stored.iteration:,} iterations; --iterations sets where the run ends, not how "
            "many are added, so give more than that."
        )
    order = stored.order
    if stored.data != data:
        if not other_data:
            raise UserError(
                f"The training data differ from those that {place} used so far ({_count(stored.data)} then, "
                f"{_count(data)} now{', but not the same' if stored.data.models == data.models else ''}); "
                "give the same data, or --other-data to continue with the new ones."
            )
        order = order.after(stored.iteration * config.batch_size, stored.data.models)
    run = Run(stored.network, config, device, processes)
    restore(run, tensors, stored)
    return run, replace(stored, config=config, data=data, order=order)


def _count(data: Fingerprint) -> str:
    return f"{data.models:,} object{'s' * (data.models != 1)}"
