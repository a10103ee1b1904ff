"""Which backend computes a call: the fused Triton kernels, oneDNN on a CPU, or the reference in PyTorch."""

import os
from importlib.util import find_spec

import torch
from torch import Tensor

from convrnn3d import onednn

BACKENDS = ("auto", "triton", "onednn", "reference")
VARIABLE = "CONVRNN3D_BACKEND"
TRITON_IS_THERE = find_spec("triton") is not None
TYPES = (torch.float32, torch.bfloat16, torch.float16)


def choose_backend(asked: str, tensor: Tensor, *others: Tensor | None) -> str:
    """Return "triton", "onednn" or "reference" for a call on `tensor`, a projection, and its other tensors.

    asked: one of BACKENDS. "auto" defers to the environment variable CONVRNN3D_BACKEND. If that is unset or "auto" as
    well, it takes Triton for CUDA and HIP tensors of a type that the kernels support, oneDNN for CPU tensors that it
    supports, and the reference for all others.
    Raises ValueError for an unknown name, RuntimeError if Triton or oneDNN is requested and cannot run.
    """
    name, origin = (asked, "backend") if asked != "auto" else (os.environ.get(VARIABLE) or "auto", VARIABLE)
    check_backend(name, origin)
    if name == "auto":
        own = "triton" if tensor.device.type == "cuda" else "onednn"  # HIP devices are called cuda, too
        return own if HINDRANCES[own](tensor, *others) is None else "reference"
    hindrance = HINDRANCES[name](tensor, *others) if name in HINDRANCES else None
    if hindrance is not None:
        raise RuntimeError(f"{origin}={name!r} cannot run here: {hindrance}; use 'reference' or 'auto'")
    return name


def check_backend(name: str, origin: str = "backend") -> None:
    if name not in BACKENDS:
        raise ValueError(f"{origin} must be one of {', '.join(BACKENDS)}, got {name!r}")


def _hindrance_of_triton(tensor: Tensor, *others: Tensor | None) -> str | None:
    """Return the reason why the kernels cannot take `tensor`, or None."""
    if tensor.dtype not in TYPES:
        return f"the kernels compute in float32, bfloat16 and float16, not in {tensor.dtype}"
    if not TRITON_IS_THERE:
        return "Triton is not installed (pip install triton; PyTorch for CUDA or ROCm includes it)"
    if tensor.device.type == "cuda":  # checked first: reading the environment takes a microsecond
        return None
    if os.environ.get("TRITON_INTERPRET", "").lower() in ("1", "true", "on", "yes", "y"):
        return None
    return f"the tensors are on {tensor.device}, and Triton needs CUDA or HIP, or TRITON_INTERPRET=1"


HINDRANCES = {"triton": _hindrance_of_triton, "onednn": onednn.hindrance}
