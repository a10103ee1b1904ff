"""What this device can do at best: large matrix products and a large copy, measured, not read off a data sheet.

python -m benchmarks.peaks
"""

from dataclasses import dataclass
from functools import cache

import torch
from torch.nn import functional as F

from benchmarks.contenders import TYPES
from benchmarks.settings import float32_products
from benchmarks.timing import interleaved


@dataclass(frozen=True)
class Peaks:
    """Matrix products in Tflop/s for one type and precision; memory in GB/s, bytes read plus bytes written."""

    tflops: float
    gbytes: float


@cache
def peaks(device: torch.device, type_name: str) -> Peaks:
    """The best of some rounds, measured once in a run.

    On a CPU a large convolution, if it is faster, stands for the product: oneDNN's often are.
    """
    on_gpu = device.type == "cuda"
    side, size = (8192, 1 << 30) if on_gpu else (1024, 256 << 20)
    dtype, precision = TYPES[type_name]
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    source = torch.randint(255, (size,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    functions = {"copy": lambda: target.copy_(source), "product": lambda: left @ right}
    operations = {"product": 2 * side**3}
    if not on_gpu:
        images, kernels = torch.randn(16, 256, 14, 14).to(dtype), torch.randn(256, 256, 3, 3).to(dtype)
        functions["convolution"] = lambda: F.conv2d(images, kernels, padding=1)
        operations["convolution"] = 2 * images.numel() * kernels[0].numel()
    with float32_products(precision), torch.no_grad():
        timings = interleaved(functions, device, seconds=0.5 if on_gpu else 2)
    best = {name: min(timing.rounds) for name, timing in timings.items()}
    tflops = max(number / best[name] / 1e6 for name, number in operations.items())
    return Peaks(tflops, 2 * size / best["copy"] / 1e3)


def main() -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for type_name in TYPES if device.type == "cuda" else ("fp32", "bf16", "fp64"):  # a CPU's float16 takes minutes
        best = peaks(device, type_name)
        print(f"{type_name}: {best.tflops:.3g} Tflop/s, {best.gbytes:.4g} GB/s")


if __name__ == "__main__":
    main()
