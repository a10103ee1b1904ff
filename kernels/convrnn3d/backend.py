"""Which backend computes a call: the fused Triton kernels, or the reference in PyTorch."""

import os
from importlib.util import find_spec

import torch
from torch import Tensor

BACKENDS = ("auto", "triton", "reference")
VARIABLE = "CONVRNN3D_BACKEND"
TRITON_IS_THERE = find_spec("triton") is not None
TYPES = (torch.float32, torch.bfloat16, torch.float16)


def choose_backend(asked: str, tensor: Tensor) -> str:
    """ "triton" or "reference" for a call on `tensor`.

    asked: one of BACKENDS; "auto" defers to the environment variable CONVRNN3D_BACKEND and, if that is not set or
    "auto", too, takes Triton for CUDA and HIP tensors of a type the kernels know, and the reference for all others.
    Raises ValueError for another name, RuntimeError where Triton is asked for and cannot run.
    """
    name, origin = (asked, "backend") if asked != "auto" else (os.environ.get(VARIABLE) or "auto", VARIABLE)
    check_backend(name, origin)
    if name == "reference":
        return name
    hindrance = _hindrance(tensor)
    if name == "triton" and hindrance is not None:
        raise RuntimeError(f"{origin}='triton' cannot run here: {hindrance}; use 'reference' or 'auto'")
    on_gpu = tensor.device.type == "cuda"  # HIP devices are called cuda, too
    return "triton" if hindrance is None and (on_gpu or name == "triton") else "reference"


def check_backend(name: str, origin: str = "backend") -> None:
    if name not in BACKENDS:
        raise ValueError(f"{origin} must be one of {', '.join(BACKENDS)}, got {name!r}")


def _hindrance(tensor: Tensor) -> str | None:
    """Why the kernels cannot take `tensor`, or None."""
    if tensor.dtype not in TYPES:
        return f"the kernels compute in float32, bfloat16 and float16, not in {tensor.dtype}"
    if not TRITON_IS_THERE:
        return "Triton is not installed (pip install triton; PyTorch for CUDA or ROCm brings it)"
    if tensor.device.type == "cuda":
        return None
    if os.environ.get("TRITON_INTERPRET", "").lower() in ("1", "true", "on", "yes", "y"):
        return None
    return f"the tensors are on {tensor.device}, and Triton needs CUDA or HIP, or TRITON_INTERPRET=1"
