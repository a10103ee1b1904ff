"""Networks of the family with few channels: quick to build, to run and to train."""

from dataclasses import replace

from r2n2.config import NETWORKS, NetworkConfig

CHANNELS = {
    "encoder_channels": (4, 4, 4, 4, 6, 6),
    "features": 12,
    "hidden_channels": 5,
    "decoder_channels": (5, 5, 4, 3),
}


def small_network(name: str) -> NetworkConfig:
    """The network `name` with few channels, wherever they can be chosen."""
    config = NETWORKS[name]
    levels = {key: CHANNELS[key][: len(getattr(config, key))] for key in ("encoder_channels", "decoder_channels")}
    return replace(config, **CHANNELS | levels)
