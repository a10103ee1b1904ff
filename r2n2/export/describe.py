"""The files next to the ONNX files: network.json for programs, README.md for people. Both describe the loop."""

import json
from pathlib import Path

from r2n2.config import IMAGE_SIDE, THRESHOLD, VOXEL_SIDE, NetworkConfig
from r2n2.export.parts import STATES, Part, state_shape
from r2n2.pictures.framing import FILL
from r2n2.pictures.images import BACKGROUND

FORMAT = 1

README = """\
# {name} as ONNX

Three graphs turn pictures of one object into a {voxels}x{voxels}x{voxels} shape; you run the loop over the views.
All values are float32; every graph accepts any `batch` size.

{table}

A view is an RGB picture of {side}x{side} pixels in [0, 1], channels first; composite transparency over the grey
{background}. The state before the first view is zero; keep the state to add views later. The axes of the occupancy are
x, y, z, with y up; a voxel is occupied if its occupancy is above {threshold}. Every output matches PyTorch's to
{error:.0e}.

Supply square pictures with the object in the middle, its longer side {fill} of the picture's. `read_view` squeezes any
picture to the size of a view, while `r2n2 reconstruct` first frames the object and cuts it out of a busy background.
The views that it makes are `shape.views` in Python; the encoder takes them as they are.

```python
import numpy as np
import onnxruntime
from PIL import Image

def load(name):
    return onnxruntime.InferenceSession(f"{{name}}.onnx", providers=["CPUExecutionProvider"])

def read_view(path):
    picture = Image.open(path).convert("RGBA").resize(({side}, {side}))
    ground = Image.new("RGBA", picture.size, ({background}, {background}, {background}, 255))
    picture = Image.alpha_composite(ground, picture)
    return np.asarray(picture.convert("RGB"), np.float32).transpose(2, 0, 1)[None] / 255

encoder, step, decoder = load("encoder"), load("step"), load("decoder")
state = [np.zeros({shape}, np.float32) for _ in range({states})]
for path in ["view1.png", "view2.png", "view3.png"]:
    (features,) = encoder.run(None, {{"views": read_view(path)}})
    state = step.run(None, {{"features": features, {feed}}})
    logits, occupancy = decoder.run(None, {{"hidden": state[0]}})  # the shape after this view
```
"""


def describe(folder: Path, config: NetworkConfig, parts: list[Part], errors: dict[str, float]) -> None:
    """Write network.json and README.md; errors: the error of each output against PyTorch, from `check.errors`."""
    graphs = {part.name: {"file": part.file, **_signature(part, config)} for part in parts}
    states = STATES[config.recurrence]
    description = {
        "format": FORMAT,
        "network": config.to_dict(),
        "dtype": "float32",
        "view": {"shape": [3, IMAGE_SIDE, IMAGE_SIDE], "order": "RGB", "range": [0, 1], "background": BACKGROUND},
        "initial_state": {name: {"shape": ["batch", *state_shape(config)], "value": 0} for name in states},
        "graphs": graphs,
        "loop": [
            "features = encoder(view)",
            f"{', '.join(states)} = step(features, {', '.join(states)})",
            "logits, occupancy = decoder(hidden)",
        ],
        "occupancy": {"order": "x, y, z; y up", "threshold": THRESHOLD},
        "errors": errors,
    }
    (folder / "network.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    text = README.format(
        name=config.name,
        table=_table(graphs),
        voxels=VOXEL_SIDE,
        side=IMAGE_SIDE,
        fill=FILL,
        background=BACKGROUND,
        threshold=THRESHOLD,
        error=max(errors.values()),
        shape=(1, *state_shape(config)),
        states=len(states),
        feed=", ".join(f'"{name}": state[{number}]' for number, name in enumerate(states)),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _signature(part: Part, config: NetworkConfig) -> dict[str, dict[str, list[str | int]]]:
    grid = state_shape(config)
    out = {
        "features": (config.features,),
        "logits": (2, *[VOXEL_SIDE] * 3),
        "occupancy": (VOXEL_SIDE,) * 3,
        **{f"new_{name}": grid for name in STATES[config.recurrence]},
    }
    return {
        "inputs": {name: ["batch", *shape] for name, shape in zip(part.inputs, part.shapes, strict=True)},
        "outputs": {name: ["batch", *out[name]] for name in part.outputs},
    }


def _table(graphs: dict[str, dict]) -> str:
    def listed(values: dict[str, list[str | int]]) -> str:
        return "<br>".join(f"`{name}` ({', '.join(map(str, shape))})" for name, shape in values.items())

    rows = [
        f"| `{graph['file']}` | {listed(graph['inputs'])} | {listed(graph['outputs'])} |" for graph in graphs.values()
    ]
    return "\n".join(["| file | in | out |", "| --- | --- | --- |", *rows])
