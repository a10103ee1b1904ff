"""A training run, begun or gone on with: who may, with what, and what it leaves in its folder.

RUN/weights.safetensors       the network to use, of the last checkpoint; best.safetensors: of the best validation
RUN/checkpoints/              what --resume goes on from
RUN/log.csv validation.csv    see `records`; pictures/: reconstructions of validation objects
RUN/settings.toml             what the run was begun with
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from r2n2.config import NetworkConfig
from r2n2.data.dataset import require_views
from r2n2.data.fingerprint import fingerprint
from r2n2.data.readable import Readable, spread
from r2n2.errors import UserError
from r2n2.training.beginning import begin, go_on
from r2n2.training.checkpoints import Checkpoints
from r2n2.training.interruption import Interruption
from r2n2.training.lock import locked
from r2n2.training.loop import WEIGHTS_FILE, Loop
from r2n2.training.processes import ALONE, Processes
from r2n2.training.recipes import TrainingConfig
from r2n2.training.settings import SETTINGS_FILE, write_settings


def train(
    network: NetworkConfig | None,
    models: Sequence[Readable],
    folder: Path,
    config: TrainingConfig,
    device: torch.device,
    resume: bool = False,
    init: Path | None = None,
    *,
    validation: Sequence[Readable] = (),
    place: str = "",
    other_data: bool = False,
    processes: Processes = ALONE,
) -> Path:
    """Train on `models`, writing into `folder`; returns the path of the weights.

    resume: go on with the run that is there; `network` may then be None, and is the run's. init: weights of the same
    network to begin with, in place of ImageNet's or random ones. validation: objects that are scored now and then.
    place: where the data are, kept for the next `resume`. other_data: go on though the data have changed. processes:
    this one's number among those that train the same model; all read `folder`, the first writes.

    Raises UserError if the folder holds a run already (or, with `resume`, none, or one of another network or of other
    data) or another process trains in it, if the loss is not finite or above the recipe's largest, if no model can be
    read, or if none has the recipe's views; StoppedError if Ctrl-C or SIGTERM ended it, once it is saved.
    """
    require_views(models, config.max_views, config.strict)
    checkpoints, data = Checkpoints(folder, config.keep), fingerprint(models)
    with Interruption() as interruption, _readers_named(folder), locked(folder) if processes.writes else nullcontext():
        if resume:
            run, description = go_on(checkpoints, network, config, device, processes, data, other_data)
        elif checkpoints.paths():
            raise UserError(
                f"{folder} already holds a training run; continue it with --resume or choose another folder with -o."
            )
        elif network is None:
            raise ValueError("a run that begins needs a network")
        else:
            run, description = begin(network, config, device, processes, data, init)
            if processes.writes:
                write_settings(folder / SETTINGS_FILE, place, network, config)
        loop = Loop(run, replace(description, place=place), checkpoints, spread(validation, config.validate_models))
        loop.go(models, interruption, taught=init is not None)
    return folder / WEIGHTS_FILE


@contextmanager
def _readers_named(folder: Path) -> Iterator[None]:
    """A process that reads ahead and was killed is no riddle: PyTorch raises, in whatever the run is at."""
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise UserError(
            "A process that reads pictures was killed, as systems do that run out of memory: go on with --resume and "
            f"fewer --workers; the last checkpoint in {folder}, if there is one, stands."
        ) from error
