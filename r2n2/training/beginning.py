"""How a run begins: anew, or from a checkpoint, and what must be as it was then."""

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

KEPT = ("seed", "batch_size", "max_views")  # they decide which data an iteration sees


def begin(
    network: NetworkConfig,
    config: TrainingConfig,
    device: torch.device,
    processes: Processes,
    data: Fingerprint,
    init: Path | None = None,
) -> tuple[Run, Description]:
    """A run at iteration 0, with the weights of `init`, of ImageNet, or drawn at random."""
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
    """The run of the newest checkpoint, its settings changed to `config`.

    Raises UserError if `network` is given and another, if a setting that decides about the data has changed, if the run
    is past its end, or, unless `other_data`, if the data have changed. Other data are seen in orders that no epoch had
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
            raise UserError(f"{place} was begun with {name} {before}, not {now}; keep it, or begin another run.")
    if config.iterations < stored.iteration:
        raise UserError(
            f"{place} has {stored.iteration:,} iterations already; --iterations says where the run ends, not how many "
            "follow, so give more than that."
        )
    order = stored.order
    if stored.data != data:
        if not other_data:
            raise UserError(
                f"The training data are not those of {place} so far ({_count(stored.data)} then, {_count(data)} now"
                f"{', some of them others' if stored.data.models == data.models else ''}); "
                "give those, or go on with the new ones by --other-data."
            )
        order = order.after(stored.iteration * config.batch_size, stored.data.models)
    run = Run(stored.network, config, device, processes)
    restore(run, tensors, stored)
    return run, replace(stored, config=config, data=data, order=order)


def _count(data: Fingerprint) -> str:
    return f"{data.models:,} object{'s' * (data.models != 1)}"
