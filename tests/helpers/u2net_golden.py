"""Run the original weights of U2-Net small in onnxruntime, to compare this project's network with the outputs.

    pip install onnxruntime && python tests/helpers/u2net_golden.py rembg/u2netp.onnx tests/helpers/u2net_golden.npz

The pictures are stored small and enlarged by repeating pixels. The outputs are stored in single precision, but only
every eighth pixel.
"""

import sys

import numpy as np
import torch
from PIL import Image

from r2n2.data.grounds import photograph
from r2n2.data.sample import sample_folder
from r2n2.data.shapenet import find_models, view_paths
from r2n2.pictures.images import read_image
from r2n2.pictures.u2net import SIDE, normalized

TIMES, STEP = 4, 8
CASES = (("02958343", "wood"), ("03001627", "clutter"), ("03636649", "dark"), ("04256520", "gradient"))


def enlarged(pictures: np.ndarray) -> torch.Tensor:
    """Convert pictures (N, 80, 80, 3) uint8 to the network's input, (N, 3, 320, 320)."""
    large = pictures.repeat(TIMES, 1).repeat(TIMES, 2).transpose(0, 3, 1, 2)
    return normalized(torch.from_numpy(large.astype(np.float32) / 255))


def main(weights: str, target: str) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(weights)
    pictures = []
    with sample_folder() as folder:
        models = find_models(folder)[0]
        for category, ground in CASES:
            render = read_image(view_paths(next(m for m in models if m.category == category))[0])
            photo = photograph(render, ground, "centred", [0]).image.convert("RGB")
            pictures.append(np.asarray(photo.resize((SIDE // TIMES,) * 2, Image.Resampling.BOX)))
    x = enlarged(np.stack(pictures)).numpy()
    answers = np.concatenate([session.run(None, {"input.1": one[None]})[0] for one in x])  # (N, 1, 320, 320)
    np.savez_compressed(target, pictures=np.stack(pictures), answers=answers[:, 0, ::STEP, ::STEP])


if __name__ == "__main__":
    main(*sys.argv[1:])
