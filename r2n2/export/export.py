"""Export a network to a folder of ONNX files, which are compared with PyTorch before they get their final names."""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from r2n2.errors import UserError
from r2n2.export.check import BATCHES, TOLERANCE, VIEWS, errors, load_graphs, sample_views
from r2n2.export.describe import describe
from r2n2.export.parts import Part, plain, split
from r2n2.files import require_no_file
from r2n2.network import R2N2
from r2n2.progress import progress

OPSET = 18  # the opset that PyTorch's translations are written in; onnxruntime reads it since 1.14
NEEDED = ("onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Export:
    """The folder and the files written, and the largest error of each output against PyTorch, see `check`."""

    folder: Path
    files: tuple[Path, ...]
    errors: dict[str, float]


def export_onnx(model: R2N2, folder: str | Path, tolerance: float = TOLERANCE) -> Export:
    """Write encoder.onnx, step.onnx, decoder.onnx, network.json and README.md of `model` into `folder`.

    Before the files are moved there, onnxruntime runs them on several views in batches of several sizes. Raises
    UserError if the extra is missing, the folder cannot be written, or an error is larger than `tolerance`; the folder
    is then unchanged.
    """
    check_extra()
    folder, model = Path(folder), plain(model)
    parts = split(model)
    with _filled_beside(folder) as temporary:
        for part in progress(parts, "exporting", unit="graph"):
            _write(part, temporary / part.file)
        graphs = load_graphs(temporary, parts)
        found = [
            errors(model, graphs, sample_views(batch, VIEWS)) for batch in progress(BATCHES, "comparing", unit="batch")
        ]
        worst = {name: max(each[name] for each in found) for name in found[0]}
        name = max(worst, key=worst.__getitem__)
        if worst[name] > tolerance:
            raise UserError(
                f"The exported network's {name} differs from PyTorch's by {worst[name]:.1e}, more than "
                f"{tolerance:g}; nothing was written: try another version of onnxscript or onnxruntime."
            )
        describe(temporary, model.config, parts, worst)
        names = sorted(path.name for path in temporary.iterdir())
    return Export(folder, tuple(folder / name for name in names), worst)


def check_extra() -> None:
    """Raise UserError unless everything that the export needs is installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(f"The export lacks {', '.join(missing)}; install the extra with pip install '.[export]'.")


def _write(part: Part, path: Path) -> None:
    batch = torch.export.Dim("batch")
    shapes = [{0: batch} for _ in part.inputs]
    # For a module with *state, all state inputs form one argument.
    dynamic = (shapes[0], tuple(shapes[1:])) if part.name == "step" else tuple(shapes)
    with _undisturbed(), torch.no_grad():
        torch.onnx.export(
            part.module,
            part.example(),
            path,
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=dynamic,
            input_names=part.inputs,
            output_names=part.outputs,
            external_data=False,
            verbose=False,
        )


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Run the exporter without its log messages and warnings, and with cuDNN's precisions at PyTorch's defaults.

    The exporter reads the old name of these precisions, which PyTorch refuses if a program has set the new ones.
    Nothing runs on a GPU in the meantime.
    """
    cudnn: Any = torch.backends.cudnn  # whose parts PyTorch does not annotate
    logger, parts = logging.getLogger("torch.onnx"), (cudnn.conv, cudnn.rnn)
    level, precisions = logger.level, [part.fp32_precision for part in parts]
    logger.setLevel(logging.ERROR)
    for part in parts:
        part.fp32_precision = "tf32"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations within PyTorch
            yield
    finally:
        logger.setLevel(level)
        for part, precision in zip(parts, precisions, strict=True):
            part.fp32_precision = precision


@contextmanager
def _filled_beside(folder: Path) -> Iterator[Path]:
    """Yield an empty folder next to `folder`; its files are moved into `folder` only if the block succeeds."""
    temporary = None
    try:
        require_no_file(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name[:40]}.", dir=folder.parent))
        yield temporary
        folder.mkdir(exist_ok=True)
        for path in sorted(temporary.iterdir()):
            path.replace(folder / path.name)
    except OSError as error:
        raise UserError(f"Cannot write {folder}: {error.strerror or error}; choose another place.") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
