"""The networks by name: the five of the paper, with exactly the graphs of 2016, and `compact`, which ships trained."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from r2n2.errors import UserError

RENDER_SIDE = 137  # pixels along a side of a rendered picture in the ShapeNet layout
IMAGE_SIDE = 127  # pixels along a side of a view as the network sees it
GRID_SIDE = 4  # voxels along a side of the hidden grid
VOXEL_SIDE = 32  # voxels along a side of the output
THRESHOLD = 0.4  # on the occupancy probability, as in the paper's tables
MAX_CHANNELS = 8192  # a file with more is damaged
LEVELS = {"simple": (6, 4), "residual": (6, 4), "compact": (0, 3)}  # levels with filters to choose: encoder, decoder


@dataclass(frozen=True)
class NetworkConfig:
    """The settings that distinguish one network of the family from another.

    recurrence: "gru" or "lstm"; kernel_size: 1 or 3, of the state convolution; features: length of a view's feature
    vector; hidden_channels: channels of the 4x4x4 hidden grid; graph: "simple" and "residual" are the encoder and the
    decoder of 2016, where encoder_channels are the filters of the six 2D blocks and decoder_channels those of the four
    3D levels; "compact" is a pretrained encoder, whose filters are fixed, and a decoder of three 3D levels.
    """

    name: str
    recurrence: str
    kernel_size: int
    graph: str = "simple"
    encoder_channels: tuple[int, ...] = (96, 128, 256, 256, 256, 256)
    features: int = 1024
    hidden_channels: int = 128
    decoder_channels: tuple[int, ...] = (128, 128, 64, 32)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ValueError(f"name is {self.name!r}, not a string")
        if self.recurrence not in ("gru", "lstm"):
            raise ValueError(f"recurrence is {self.recurrence!r}, not 'gru' or 'lstm'")
        if self.graph not in LEVELS:
            raise ValueError(f"graph is {self.graph!r}, not one of {', '.join(LEVELS)}")
        if type(self.kernel_size) is not int or self.kernel_size not in (1, 3):
            raise ValueError(f"kernel_size is {self.kernel_size}, not 1 or 3")
        for name, sizes in (
            ("encoder_channels", self.encoder_channels),
            ("decoder_channels", self.decoder_channels),
            ("features", (self.features,)),
            ("hidden_channels", (self.hidden_channels,)),
        ):
            if not isinstance(sizes, Iterable):
                raise ValueError(f"{name} must be a list of numbers, got {sizes!r}")
            if not all(type(size) is int and 0 < size <= MAX_CHANNELS for size in sizes):
                raise ValueError(f"{name} must be whole numbers from 1 to {MAX_CHANNELS}, got {getattr(self, name)!r}")
        if (len(self.encoder_channels), len(self.decoder_channels)) != LEVELS[self.graph]:
            encoder, decoder = LEVELS[self.graph]
            raise ValueError(
                f"{encoder} encoder and {decoder} decoder levels are needed, "
                f"got {self.encoder_channels}, {self.decoder_channels}"
            )

    def to_dict(self) -> dict[str, object]:
        """The settings as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "NetworkConfig":
        """The inverse of `to_dict`. Raises ValueError or TypeError for unknown or missing fields.

        Files from before the first release have `residual` instead of `graph`; their `compact` is no longer supported.
        """
        values = dict(values)
        if "residual" in values and values.get("normalize") is False:
            values["graph"] = "residual" if values.pop("residual") else "simple"
            del values["normalize"]
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown network settings: {', '.join(sorted(unknown))}")
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        return cls(**values)


NETWORKS = {
    config.name: config
    for config in (
        NetworkConfig("3d-lstm-1", "lstm", kernel_size=1),
        NetworkConfig("3d-gru-1", "gru", kernel_size=1),
        NetworkConfig("3d-lstm-3", "lstm", kernel_size=3),
        NetworkConfig("3d-gru-3", "gru", kernel_size=3),
        NetworkConfig("res3d-gru-3", "gru", kernel_size=3, graph="residual"),
        NetworkConfig(
            "compact",
            "gru",
            kernel_size=3,
            graph="compact",
            encoder_channels=(),
            features=384,
            hidden_channels=64,
            decoder_channels=(128, 64, 32),
        ),
    )
}


def network_config(name: str) -> NetworkConfig:
    """Return the network called `name`. Raises UserError for an unknown name."""
    if name not in NETWORKS:
        raise UserError(f"There is no network {name!r}; choose one of {', '.join(NETWORKS)}.")
    return NETWORKS[name]


def check_threshold(threshold: float) -> None:
    """Raise UserError unless the threshold lies between 0 and 1, so that probabilities fall on both sides of it."""
    if not 0 < threshold < 1:
        raise UserError(f"The threshold is {threshold:g}; it must lie between 0 and 1.")
