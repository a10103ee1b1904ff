"""How a network is trained: recipes by name, each a set of values that single options may change."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from r2n2.data.augmentation import AUGMENTATIONS
from r2n2.errors import UserError
from r2n2.network.efficientnet import PARTS as ENCODER_PARTS
from r2n2.network.recurrence import BACKENDS
from r2n2.training.schedule import FALLS, share_of_rate

AT_LEAST_ONE = (
    "iterations",
    "batch_size",
    "max_views",
    "accumulate",
    "report_every",
    "save_every",
    "keep",
    "validate_models",
)
AT_MOST = {"batch_size": 65_536, "max_views": 1_000, "workers": 1_000}  # more would fill the memory before a step
NOT_NEGATIVE = (
    "warmup",
    "cooldown",
    "weight_decay",
    "average",
    "frozen",
    "dropout",
    "dice",
    "loss_views",
    "seed",
    "workers",
    "validate_every",
)


@dataclass(frozen=True)
class TrainingConfig:
    """Everything about a training run but the network and where the data are. Raises UserError for values out of range.

    The learning rate is that of `schedule`: it rises over `warmup` iterations, stays, is divided by ten at each of
    `drops`, and falls to zero over the last `cooldown` in the shape of `fall`. weight_decay is added to the gradient of
    weights, not of biases. average: decay of the running mean of the weights that is saved, 0 for none. augmentation: a
    name of `AUGMENTATIONS`. amp: bfloat16 autocast, with float32 states. compile: encoder and decoder by torch.compile.
    backend: of the recurrence, as `convrnn3d.conv_gru` takes it. accumulate: in how many pieces a batch is computed;
    their gradients add up to the batch's, but for norms, which take each piece's statistics. pretrained: the encoder of
    `compact` begins with ImageNet's weights, `frozen` of its 17 parts do not learn, nor, from 1 on, the depthwise
    filters of the others, which learn at `encoder_rate` times the learning rate. dropout: of the encoder's last maps.
    dice: weight of the Dice term of the loss. loss_views: the loss is the mean over the shapes after the last view and,
    drawn at random, up to loss_views - 1 others; 0: after every view. clip: largest norm of the gradient.
    uncorrected_epsilon: Adam as coded in 2016, which adds its epsilon to the root of the second moment before the bias
    correction. largest_loss: the run stops above it. workers: processes that read ahead. save_every: iterations between
    checkpoints, of which the newest `keep` stay and the best. validate_every: iterations between validations on
    `validate_models` of the split, 0 for none. only: the categories that are learned and scored, all if there is none.
    strict: a broken file ends the run.
    """

    iterations: int = 60_000
    batch_size: int = 36
    max_views: int = 5
    learning_rate: float = 1e-4
    warmup: int = 0
    drops: tuple[int, ...] = ()
    cooldown: int = 0
    fall: str = "linear"
    weight_decay: float = 5e-5
    average: float = 0.0
    augmentation: str = "2016"
    amp: bool = False
    compile: bool = False
    backend: str = "auto"
    accumulate: int = 1
    pretrained: bool = False
    frozen: int = 0
    encoder_rate: float = 1.0
    dropout: float = 0.0
    dice: float = 0.0
    loss_views: int = 1
    clip: float = float("inf")
    uncorrected_epsilon: bool = False
    largest_loss: float = float("inf")
    seed: int = 0
    workers: int = 1
    report_every: int = 20
    save_every: int = 500
    keep: int = 3
    validate_every: int = 500
    validate_models: int = 64
    tensorboard: bool = False
    only: tuple[str, ...] = ()
    strict: bool = False

    def __post_init__(self) -> None:
        for name in AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise UserError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        for name, most in AT_MOST.items():
            if getattr(self, name) > most:
                raise UserError(f"{name} is {getattr(self, name)}; it must be at most {most:,}.")
        for name in NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < float("inf"):
                raise UserError(f"{name} is {getattr(self, name)}; it must be finite and not negative.")
        for name in ("learning_rate", "encoder_rate"):
            if not 0 < getattr(self, name) < float("inf"):
                raise UserError(f"{name} is {getattr(self, name)}; it must be positive and finite.")
        if self.seed >= 2**63:
            raise UserError(f"seed is {self.seed}; it must be below 2**63.")
        if not self.clip > 0:
            raise UserError(f"clip is {self.clip}; it must be positive.")
        for name in ("average", "dropout"):
            if getattr(self, name) >= 1:
                raise UserError(f"{name} is {getattr(self, name)}; it must be below 1.")
        if any(drop < 1 for drop in self.drops):
            raise UserError(f"drops are {', '.join(map(str, self.drops))}; the learning rate drops after 1 or more.")
        if self.batch_size % self.accumulate:
            raise UserError(f"A batch of {self.batch_size} has no {self.accumulate} equal pieces; change accumulate.")
        for name, names in (("fall", FALLS), ("backend", BACKENDS)):
            if getattr(self, name) not in names:
                raise UserError(f"There is no {name} {getattr(self, name)!r}; choose one of {', '.join(names)}.")
        if self.frozen > ENCODER_PARTS:
            raise UserError(f"frozen is {self.frozen}; the encoder has {ENCODER_PARTS} parts.")
        if self.augmentation not in AUGMENTATIONS:
            raise UserError(
                f"There is no augmentation {self.augmentation!r}; choose one of {', '.join(AUGMENTATIONS)}."
            )

    def to_dict(self) -> dict[str, object]:
        """Plain values, ready for JSON, which has no infinity: null stands for it."""
        return {name: None if value == float("inf") else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingConfig":
        """The inverse of `to_dict`. Raises TypeError for unknown settings."""
        inverse = {name: float("inf") if value is None else value for name, value in values.items()}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in inverse.items()})

    def learning_rate_at(self, iteration: int) -> float:
        """The learning rate of a step, counted from 0."""
        share = share_of_rate(iteration, self.iterations, self.warmup, self.drops, self.cooldown, self.fall)
        return self.learning_rate * share

    def doubt_of_rate(self) -> str | None:
        """A sentence if the iterations are too few for warm-up and cooldown, so that little is learned."""
        if self.warmup + self.cooldown <= self.iterations:
            return None
        most = max(map(self.learning_rate_at, range(self.iterations)))
        return (
            f"A warm-up of {self.warmup} and a cooldown of {self.cooldown} do not fit into {self.iterations} iterations"
            f": the learning rate gets to {most:.2g}, not {self.learning_rate:g}; give --warmup and --cooldown, too."
        )


RECIPES = {
    "2016": TrainingConfig(drops=(20_000,), uncorrected_epsilon=True, largest_loss=2.0),
    "compact": TrainingConfig(
        iterations=10_000,
        batch_size=16,
        max_views=8,
        learning_rate=1e-3,
        warmup=200,
        cooldown=2_500,
        average=0.999,
        augmentation="compact",
        amp=True,
        pretrained=True,
        frozen=6,
        encoder_rate=0.2,
        dropout=0.2,
        dice=1.0,
        loss_views=3,
        clip=1.0,
    ),
}


def recipe(name: str) -> TrainingConfig:
    """The recipe called `name`. Raises UserError for an unknown name."""
    if name not in RECIPES:
        raise UserError(f"There is no recipe {name!r}; choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]


def changed(config: TrainingConfig, **changes: object) -> TrainingConfig:
    """The same with those of `changes` that are not None."""
    return replace(config, **{key: value for key, value in changes.items() if value is not None})
