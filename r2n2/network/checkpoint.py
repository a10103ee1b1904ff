"""Weights and training runs as safetensors files: tensors and a JSON description, without executable code.

A weights file holds the model's tensors, with {"network": {...}} in the metadata, so that it names its network.
Weights may be stored in half precision (the shipped ones are) and are always loaded as float32. Files with the suffix
`.npy` or `.npz` have the format of 2016, see `original`.
"""

import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from r2n2.config import NetworkConfig
from r2n2.errors import UserError, one_line
from r2n2.files import require_file, written_beside
from r2n2.network.model import R2N2
from r2n2.network.original import SUFFIXES as ORIGINAL_SUFFIXES
from r2n2.network.original import is_original, read_original, write_original

NETWORK_KEY, EXTRA_KEY = "network", "training"
SHIPPED = "compact"  # the network whose weights come with r2n2
Kind = TypeVar("Kind", bound=R2N2)


def save_weights(
    path: str | Path, model: R2N2, dtype: torch.dtype | None = None, extra: dict[str, object] | None = None
) -> None:
    """Write the model's weights, floating point ones as `dtype` if given, and `extra` to the metadata."""
    tensors = {
        name: (tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor).detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    metadata = {NETWORK_KEY: json.dumps(model.config.to_dict()), EXTRA_KEY: json.dumps(extra or {})}
    save_tensors(path, tensors, metadata)


def shipped_weights() -> AbstractContextManager[Path]:
    """A context manager that gives the file of the weights that come with r2n2."""
    return as_file(files("r2n2") / "weights" / f"{SHIPPED}.safetensors")


def load_weights(
    path: str | Path,
    network: NetworkConfig | None = None,
    kind: type[Kind] = R2N2,  # type: ignore[assignment]
) -> Kind:
    """Load the model that a weights file describes, as `kind`, on the CPU in evaluation mode.

    With `network`, the file must be for that network. Raises UserError, naming the file, if it is not a
    weights file, is damaged, or is for another network.
    """
    config, tensors = read_original(path) if is_original(path) else _read_weights(path)
    if network is not None and network != config:
        sizes = " with other sizes" if network.name == config.name else f", not {network.name}"
        raise UserError(f"{path} holds weights of the network {config.name}{sizes}; choose the matching network.")
    model = kind(config)
    expected = model.state_dict()
    wrong = [name for name in expected if name not in tensors or tensors[name].shape != expected[name].shape]
    if wrong or len(tensors) != len(expected):
        raise UserError(
            f"{path} does not fit the network {config.name}: it has {len(tensors)} tensors ({len(expected)} expected), "
            f"and these differ: {', '.join(wrong[:3]) or 'none'}; use a file that r2n2 train wrote."
        )
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise UserError(f"{path} holds weights that are not finite; use weights of an earlier iteration.")
    model.load_state_dict(tensors)
    return model.eval()


def _read_weights(path: str | Path) -> tuple[NetworkConfig, dict[str, Tensor]]:
    tensors, metadata = load_tensors(path)
    try:
        return NetworkConfig.from_dict(json.loads(metadata[NETWORK_KEY])), tensors
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(
            f"{path} does not say which network its weights are for; use a weights.safetensors that r2n2 train wrote."
        ) from error


def convert_weights(source: str | Path, target: str | Path, half: bool = False) -> NetworkConfig:
    """Read weights in either format and write them in the format of the target's suffix, bit for bit unless `half`.

    half: store a `.safetensors` file in half precision. Raises UserError for other suffixes, or files that do not fit.
    """
    if Path(target).suffix.lower() not in (".safetensors", *ORIGINAL_SUFFIXES):
        raise UserError(f"{target} does not have the suffix of a weights file; use .safetensors, .npy or .npz.")
    if Path(source).resolve() == Path(target).resolve():
        raise UserError(f"{target} is the same file as {source} and would be overwritten; choose another name.")
    if half and is_original(target):
        raise UserError(f"{target} would have the format of 2016, which is single precision only; omit --half.")
    model: R2N2 = load_weights(source)
    if is_original(target):
        write_original(target, model)
    else:
        save_weights(target, model, torch.float16 if half else None)
    return model.config


def save_tensors(path: str | Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    with written_beside(path) as temporary:
        save_file(tensors, temporary, metadata)


def load_tensors(path: str | Path, names: Iterable[str] | None = None) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors, all or those in `names`, and the metadata of a safetensors file.

    Raises UserError, naming the file, if it is not one.
    """
    require_file(path, "weights file")
    try:
        with safe_open(path, framework="pt") as file:
            wanted = file.keys() if names is None else names
            return {name: file.get_tensor(name) for name in wanted}, file.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(
            f"{path} is not a readable safetensors file ({one_line(error)}); use a file that r2n2 train wrote."
        ) from error
