"""PyTorch's settings during a timing, restored afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

TYPES = {  # by name in the results: type of the operands, and how float32 is multiplied
    "fp32": (torch.float32, "ieee"),
    "tf32": (torch.float32, "tf32"),
    "bf16": (torch.bfloat16, "ieee"),
    "fp16": (torch.float16, "ieee"),
    "fp64": (torch.float64, "ieee"),
}


@contextmanager
def float32_products(precision: str) -> Iterator[None]:
    """Let PyTorch multiply float32 as `precision` says, "ieee" or "tf32", in matrix products and convolutions.

    This uses the settings from before torch 2.9: its compiler raises an error where new and old settings differ, and
    setting the old ones sets both.
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
    """Let cuDNN time all of its algorithms, not only ten, and take the fastest: this is the baseline to beat."""
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.benchmark_limit
    cudnn.benchmark, cudnn.benchmark_limit = True, 0
    try:
        yield
    finally:
        cudnn.benchmark = before[0]
        if before[1] is not None:  # it is None on a machine without cuDNN
            cudnn.benchmark_limit = before[1]


@contextmanager
def fresh_compiler() -> Iterator[None]:
    """Clear torch.compile's cache, and make it fail where it would silently run eagerly, as after eight problems."""
    from torch._dynamo import config

    torch.compiler.reset()
    with config.patch(fail_on_recompile_limit_hit=True):
        yield


def _set_old(matmul: bool, cudnn: bool) -> None:
    torch.set_float32_matmul_precision("high" if matmul else "highest")
    torch.backends.cudnn.allow_tf32 = cudnn
