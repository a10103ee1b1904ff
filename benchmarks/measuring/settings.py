"""PyTorch's settings while something is timed, and as they were afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

TYPES = {  # by the name that results carry: of the operands, and how float32 is multiplied
    "fp32": (torch.float32, "ieee"),
    "tf32": (torch.float32, "tf32"),
    "bf16": (torch.bfloat16, "ieee"),
    "fp16": (torch.float16, "ieee"),
    "fp64": (torch.float64, "ieee"),
}


@contextmanager
def float32_products(precision: str) -> Iterator[None]:
    """PyTorch multiplies float32 as told, "ieee" or "tf32", in products and convolutions.

    Set as before torch 2.9: its compiler raises where the new settings say what the old ones do not, and to set the
    old ones sets both.
    """
    matmul, conv, rnn = torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn
    before = [setting.fp32_precision for setting in (matmul, conv, rnn)]
    _set_old(precision == "tf32", precision == "tf32")
    try:
        yield
    finally:
        _set_old(before[0] == "tf32", before[1] == "tf32")
        for setting, value in zip((matmul, conv, rnn), before, strict=True):
            setting.fp32_precision = value


@contextmanager
def cudnn_benchmark() -> Iterator[None]:
    """cuDNN times all of its algorithms, not just ten, and takes the fastest: the baseline to beat."""
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.benchmark_limit
    cudnn.benchmark, cudnn.benchmark_limit = True, 0
    try:
        yield
    finally:
        cudnn.benchmark = before[0]
        if before[1] is not None:  # as on a machine without cuDNN
            cudnn.benchmark_limit = before[1]


@contextmanager
def fresh_compiler() -> Iterator[None]:
    """torch.compile without what it remembers, and never silently eager: after eight problems Dynamo gives up."""
    from torch._dynamo import config

    torch.compiler.reset()
    with config.patch(fail_on_recompile_limit_hit=True):
        yield


def _set_old(matmul: bool, cudnn: bool) -> None:
    torch.set_float32_matmul_precision("high" if matmul else "highest")
    torch.backends.cudnn.allow_tf32 = cudnn
