"""Save the complete state of a run as tensors and a description, and restore a run from them, bit for bit.

    model.NAME   average.NAME   optimizer.NUMBER.exp_avg ...      tensors; numbered as in `optimizer.learning`
    Description                                                   iteration, settings, place in the data, the rest

No random state is stored: see `run`.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from r2n2.config import NetworkConfig
from r2n2.data.dataset import BEGINNING, Order
from r2n2.data.fingerprint import Fingerprint
from r2n2.network.compact import prepare_training
from r2n2.network.model import R2N2
from r2n2.training.optimizer import learning
from r2n2.training.recipes import TrainingConfig
from r2n2.training.run import Run

MODEL, AVERAGE, OPTIMIZER = "model.", "average.", "optimizer."


@dataclass(frozen=True)
class Best:
    """The validated iteration with the largest mean intersection over union, and the objects that it was measured on.

    Scores on other objects are not comparable. objects is None in checkpoints that do not record them.
    """

    iteration: int
    iou: float
    objects: Fingerprint | None = None


@dataclass(frozen=True)
class Description:
    """What a checkpoint stores besides tensors.

    data: the fingerprint of the training data; place: where the data were; order: the order of the data's epochs;
    pending: losses since the last line of the log.
    """

    iteration: int
    network: NetworkConfig
    config: TrainingConfig
    data: Fingerprint
    place: str = ""
    order: Order = BEGINNING
    pending: tuple[float, ...] = ()
    best: Best | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"config": self.config.to_dict()})

    @classmethod
    def from_json(cls, text: str) -> "Description":
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError if another version wrote the text."""
        values = json.loads(text)
        values["network"] = NetworkConfig.from_dict(values["network"])
        values["config"] = TrainingConfig.from_dict(values["config"])
        values["data"], values["order"] = Fingerprint(**values["data"]), Order(**values["order"])
        values["pending"], values["best"] = tuple(values["pending"]), values["best"] and _best(values["best"])
        return cls(**values)


def _best(values: dict[str, Any]) -> Best:
    objects = values.get("objects")
    return Best(**values | {"objects": objects and Fingerprint(**objects)})


def capture(run: Run) -> dict[str, Tensor]:
    """The run's tensors by name, on the CPU."""
    tensors = {f"{MODEL}{name}": tensor for name, tensor in run.model.state_dict().items()}
    if run.average:
        tensors |= {f"{AVERAGE}{name}": tensor for name, tensor in run.average.tensors.items()}
    for number, state in run.optimizer.state_dict()["state"].items():
        tensors |= {f"{OPTIMIZER}{number}.{name}": tensor for name, tensor in state.items()}
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def restore(run: Run, tensors: dict[str, Tensor], stored: Description) -> None:
    """Restore the state that `tensors` were captured from into `run`, which has the same network.

    Its settings may differ: parameters that learn only now have no moments yet, and a mean that the stored run did not
    have starts with the weights.
    """
    run.iteration = stored.iteration
    run.model.load_state_dict(_below(MODEL, tensors))
    if run.average:
        mean = _below(AVERAGE, tensors) or run.model.state_dict()
        for name, tensor in run.average.tensors.items():
            tensor.copy_(mean[name])
    # The optimiser numbers parameters group by group; --frozen, --weight-decay and --encoder-rate change the groups.
    names = _learned(stored)
    numbers = {name: number for number, name in enumerate(learning(run.model, run.config))}
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _below(OPTIMIZER, tensors).items():
        number, key = name.split(".", 1)
        if names[int(number)] in numbers:
            state.setdefault(numbers[names[int(number)]], {})[key] = tensor
    run.optimizer.load_state_dict(run.optimizer.state_dict() | {"state": state})
    for parameter, moments in run.optimizer.state.items():
        for name in ("exp_avg", "exp_avg_sq"):  # the fused step requires the parameter's memory format
            moments[name] = torch.empty_like(parameter).copy_(moments[name])


def _learned(stored: Description) -> list[str]:
    """The names of the parameters that learned when the checkpoint was written, in its optimiser's order."""
    with torch.device("meta"):
        model = R2N2(stored.network)
    prepare_training(model, stored.config.dropout, stored.config.frozen)
    return learning(model, stored.config)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
