"""How a network is trained: named recipes, each a set of values that individual options can override."""

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
# More than these would exhaust the memory before the first step.
AT_MOST = {"batch_size": 65_536, "max_views": 1_000, "workers": 1_000}
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
    """All settings of a training run except the network and the data's location. Raises UserError for invalid values.

    The learning rate follows `schedule`: it rises over `warmup` iterations, stays constant, is divided by ten at each
    of `drops`, and falls to zero over the last `cooldown` iterations in the shape of `fall`. weight_decay is added to
    the gradient of convolutions and matrices, not of biases and norms. average: decay of the running mean of the
    weights that is saved, 0 for none. augmentation: a name in `AUGMENTATIONS`. amp: bfloat16 autocast, with float32
    states. compile: use torch.compile for encoder and decoder. backend: the recurrence's, as in `convrnn3d.conv_gru`.
    accumulate: the number of pieces in which a batch is computed; their gradients add up to the batch's, except for
    norms, which use each piece's statistics. pretrained: the encoder of `compact` starts with ImageNet's weights.
    frozen: how many of its 17 parts do not learn; from 1 on, the depthwise filters of the others do not learn either.
    encoder_rate: the others learn at this multiple of the learning rate. dropout: applied to the encoder's last maps.
    dice: weight of the Dice term of the loss. loss_views: the loss is the mean over the shapes after the last view and
    up to loss_views - 1 other, random ones; 0: after every view. clip: largest norm of the gradient.
    uncorrected_epsilon: Adam as coded in 2016, which adds its epsilon to the root of the second moment before the bias
    correction. largest_loss: the run stops at a loss above it. workers: processes that read ahead. save_every:
    iterations between checkpoints, of which the newest `keep` and the best are kept. validate_every: iterations between
    validations on `validate_models` objects of the validation split, 0 for none. only: the categories to train and
    score on, all if empty. strict: a broken file stops the run.
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
            raise UserError(f"drops are {', '.join(map(str, self.drops))}; each must be at least 1.")
        if self.batch_size % self.accumulate:
            raise UserError(
                f"A batch of {self.batch_size} does not divide into {self.accumulate} equal pieces; change accumulate."
            )
        for name, names in (("fall", FALLS), ("backend", BACKENDS)):
            if getattr(self, name) not in names:
                raise UserError(f"There is no {name} {getattr(self, name)!r}; choose one of {', '.join(names)}.")
        if self.frozen > ENCODER_PARTS:
            raise UserError(f"frozen is {self.frozen}; the encoder has {ENCODER_PARTS} parts.")
        if self.augmentation not in AUGMENTATIONS:
            raise UserError(
                f"There is no augmentation {self.augmentation!r}; choose one of {', '.join(AUGMENTATIONS)}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, which has no infinity: None (null) stands for it."""
        return {name: None if value == float("inf") else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingConfig":
        """The inverse of `to_dict`. Raises TypeError for unknown settings."""
        settings: dict[str, Any] = {}
        for name, value in values.items():
            settings[name] = float("inf") if value is None else tuple(value) if isinstance(value, list) else value
        return cls(**settings)

    def learning_rate_at(self, iteration: int) -> float:
        """The learning rate of the step `iteration`, counted from 0."""
        share = share_of_rate(iteration, self.iterations, self.warmup, self.drops, self.cooldown, self.fall)
        return self.learning_rate * share

    def doubt_of_rate(self) -> str | None:
        """A one-sentence warning if the iterations are too few for warm-up and cooldown, so that little is learned."""
        if self.warmup + self.cooldown <= self.iterations:
            return None
        most = max(map(self.learning_rate_at, range(self.iterations)))
        return (
            f"A warm-up of {self.warmup} and a cooldown of {self.cooldown} do not fit into {self.iterations} iterations"
            f": the learning rate reaches only {most:.2g}, not {self.learning_rate:g}; set --warmup and --cooldown."
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


def changed(config: TrainingConfig, **changes: Any) -> TrainingConfig:
    """A copy of `config` with those of `changes` that are not None."""
    return replace(config, **{key: value for key, value in changes.items() if value is not None})
