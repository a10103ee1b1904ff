"""Start or resume a training run, after checking that this is possible. A run writes to its folder:

RUN/weights.safetensors       the network to use, from the last checkpoint; best.safetensors: from the best validation
RUN/checkpoints/              the checkpoints that --resume continues from
RUN/log.csv validation.csv    see `records`; pictures/: reconstructions of validation objects
RUN/settings.toml             the settings that the run was started with
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
    """Train on `models`, writing into `folder`; return the path of the weights.

    resume: continue the run in `folder`; `network` may then be None, to use the run's. init: weights of the same
    network to start with, instead of ImageNet's or random ones. validation: objects that are scored at intervals.
    place: where the data are, stored for the next `resume`. other_data: continue although the data have changed.
    processes: this process among those that train the same model; all read `folder`, only the first writes.

    Raises UserError if the folder already holds a run (or, with `resume`, none, or one with another network or other
    data) or another process is training in it, if the loss is not finite or exceeds the recipe's largest, if no model
    can be read, or if none has the recipe's views; StoppedError if Ctrl-C or SIGTERM stopped it, after it is saved.
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
            raise ValueError("a new run needs a network")
        else:
            run, description = begin(network, config, device, processes, data, init)
            if processes.writes:
                write_settings(folder / SETTINGS_FILE, place, network, config)
        loop = Loop(run, replace(description, place=place), checkpoints, spread(validation, config.validate_models))
        loop.go(models, interruption, taught=init is not None)
    return folder / WEIGHTS_FILE


@contextmanager
def _readers_named(folder: Path) -> Iterator[None]:
    """Explain the error that PyTorch raises, anywhere in the run, when a process that reads ahead was killed."""
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise UserError(
            "A process that reads pictures was killed, as happens when memory runs out; continue from the last "
            f"checkpoint in {folder}, if there is one, with --resume and fewer --workers."
        ) from error
