"""Compare ONNX files, run by onnxruntime, with PyTorch on the bundled sample's pictures, view after view.

features, hidden, memory, logits    of each graph alone: its outputs for PyTorch's own inputs, at every view
occupancy                           of the whole loop: pictures in, states passed from graph to graph, shape out

    error = max |onnx - torch| / max(1, max |torch|)        absolute for values up to 1, relative for larger ones

The states of the whole loop are not compared: the shipped network's features reach hundreds, and float32 rounding alone
moves its hidden values by about 5e-5, as a test with float64 shows; the shapes are not affected.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from r2n2.data.sample import sample_folder
from r2n2.data.shapenet import find_models, view_paths
from r2n2.export.parts import STATES, Part, state_shape
from r2n2.network import R2N2
from r2n2.pictures.images import read_image, to_view

Run = Callable[..., list[np.ndarray]]  # from inputs, in the graph's order, to outputs
TOLERANCE = 1e-4
BATCHES = (1, 3)  # the graphs are traced with a batch of 2
VIEWS = 4


def load_graphs(folder: Path, parts: list[Part]) -> dict[str, Run]:
    """Return a function for each graph in `folder` that runs it with onnxruntime on the CPU."""
    import onnxruntime

    def runner(part: Part) -> Run:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors
        session = onnxruntime.InferenceSession(folder / part.file, options, providers=["CPUExecutionProvider"])
        return lambda *values: session.run(list(part.outputs), dict(zip(part.inputs, values, strict=True)))

    return {part.name: runner(part) for part in parts}


def sample_views(batch: int, views: int) -> Tensor:
    """Return views (B, T, 3, 127, 127) of the first objects of the bundled sample."""
    with sample_folder() as folder:
        models = find_models(folder)[0][:batch]
        pictures = [[to_view(read_image(path)) for path in view_paths(model)[:views]] for model in models]
    return torch.from_numpy(np.array(pictures))


@torch.no_grad()
def errors(model: R2N2, graphs: dict[str, Run], views: Tensor) -> dict[str, float]:
    """Return the largest error of each output over all views (B, T, 3, 127, 127)."""
    names = STATES[model.config.recurrence]
    found: list[tuple[str, float]] = []
    states = [torch.zeros(len(views), *state_shape(model.config)) for _ in names]  # from PyTorch
    carried = [state.numpy() for state in states]  # from the ONNX files, carried from view to view
    for view in views.unbind(1):  # (B, 3, 127, 127)
        features = model.encode(view[:, None])[:, 0]  # (B, F)
        output = model(view[:, None], state=tuple(states) if len(states) > 1 else states[0])
        (onnx_features,) = graphs["encoder"](view.numpy())
        onnx_states = graphs["step"](features.numpy(), *(state.numpy() for state in states))
        carried = graphs["step"](onnx_features, *carried)
        states = list(output.state) if isinstance(output.state, tuple) else [output.state]
        found += [
            ("features", _error(onnx_features, features)),
            *((name, _error(*pair)) for name, *pair in zip(names, onnx_states, states, strict=True)),
            ("logits", _error(graphs["decoder"](states[0].numpy())[0], output.logits)),
            ("occupancy", _error(graphs["decoder"](carried[0])[1], output.occupancy)),
        ]
    return {name: max(error for other, error in found if other == name) for name in dict.fromkeys(n for n, _ in found)}


def _error(value: np.ndarray, expected: Tensor) -> float:
    if value.shape != expected.shape or value.dtype != np.float32:
        raise ValueError(f"ONNX returned {value.shape} {value.dtype}, PyTorch {tuple(expected.shape)} float32")
    error = np.abs(value - expected.numpy()).max() / max(1.0, float(expected.abs().max()))
    return float(error) if np.isfinite(error) else float("inf")
