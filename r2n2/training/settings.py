"""A run's settings in one TOML file, in which options of `r2n2 train` can be set by their names.

    data = "data"                    # the command line overrides the file
    output = "run"
    network = "compact"              # or a custom network:         [network]
    recipe = "compact"               #                             base = "3d-gru-3"
    learning_rate = 5e-4             #                             hidden_channels = 64
    drops = [20000, 40000]

A run writes the settings that it starts with to such a file, RUN/settings.toml.
"""

import json
import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from r2n2.config import NETWORKS, NetworkConfig, network_config
from r2n2.errors import UserError
from r2n2.files import written_beside
from r2n2.training.recipes import TrainingConfig

SETTINGS_FILE, BASE = "settings.toml", "base"
TEXTS = ("data", "output", "init", "recipe", "device")
TYPES = {entry.name: entry.type for entry in fields(TrainingConfig)}
WORDS = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "a string",
    tuple[int, ...]: "a list of whole numbers",
    tuple[str, ...]: "a list of strings",
}


@dataclass(frozen=True)
class Settings:
    """The settings in a file; None or empty where it sets nothing. changes: values of a `TrainingConfig` by name."""

    data: Path | None = None
    output: Path | None = None
    init: Path | None = None
    network: NetworkConfig | None = None
    recipe: str | None = None
    device: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)


def read_settings(path: Path) -> Settings:
    """The settings in a TOML file. Raises UserError if it cannot be read or contains an unknown or invalid setting."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"The settings {path} cannot be read: {error.strerror or error}; check --config.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path} cannot be read as TOML ({error}).") from error
    named = {name.replace("-", "_"): value for name, value in values.items()}
    if len(named) < len(values):
        twice = next(name for name in values if "-" in name and name.replace("-", "_") in values)
        raise UserError(f"{path} has both {twice!r} and {twice.replace('-', '_')!r}; keep one of them.")
    network = named.pop("network", None)
    texts: dict[str, Any] = {name: named.pop(name) for name in TEXTS if name in named}
    for name, value in texts.items():
        _require(isinstance(value, str), path, name, str)
    for name, value in named.items():
        if name not in TYPES:
            near = get_close_matches(name, [*TYPES, "network", *Settings.__dataclass_fields__], 1)
            raise UserError(f"{path} has an unknown setting {name!r}{f'; did you mean {near[0]}?' if near else '.'}")
        _require(_fits(value, TYPES[name]), path, name, TYPES[name])
    paths = {name: Path(value) for name, value in texts.items() if name in ("data", "output", "init")}
    changes = {name: tuple(value) if isinstance(value, list) else value for name, value in named.items()}
    return Settings(**texts | paths, network=_network(network, path), changes=changes)


def write_settings(path: Path, data: str, network: NetworkConfig, config: TrainingConfig) -> None:
    """Write a settings file that starts the same run again; it does not set the output folder."""
    named = NETWORKS.get(network.name) == network
    values = ({"data": data} if data else {}) | ({"network": network.name} if named else {}) | asdict(config)
    lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
    if not named:
        lines += ["", "[network]", *(f"{name} = {_toml(value)}" for name, value in network.to_dict().items())]
    with written_beside(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _network(value: Any, path: Path) -> NetworkConfig | None:
    """The network given by its name, or as a table of its fields, or of those that differ from the network `base`."""
    if value is None:
        return None
    if isinstance(value, str):
        return network_config(value)
    try:
        entries = dict(value).items()
        values: dict[str, Any] = {name: tuple(entry) if isinstance(entry, list) else entry for name, entry in entries}
        if BASE in values:
            return replace(network_config(values.pop(BASE)), **values)
        return NetworkConfig.from_dict(values)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} does not describe a valid network: {error}.") from error


def _fits(value: object, kind: Any) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if entries := get_args(kind):
        return isinstance(value, list) and all(type(entry) is entries[0] for entry in value)
    return type(value) is kind


def _require(fits: bool, path: Path, name: str, kind: Any) -> None:
    if not fits:
        raise UserError(f"{name} in {path} must be {WORDS[kind]}.")


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)  # also right for inf
