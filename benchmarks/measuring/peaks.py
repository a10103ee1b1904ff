"""This device's peaks, measured rather than taken from a data sheet: L2 cache, matrix products, a large copy."""

from dataclasses import dataclass
from functools import cache

import torch
from torch.nn import functional as F

from benchmarks.measuring.results import Row
from benchmarks.measuring.settings import TYPES, float32_products
from benchmarks.measuring.timing import Timing, interleaved

REREAD = 16 << 20  # bytes: about a launch's weights and sources; limited to half of the cache


@dataclass(frozen=True)
class Peaks:
    """Matrix products in Tflop/s for one type and precision; memory in GB/s, counting bytes read and written."""

    tflops: float
    gbytes: float


@cache
def peaks(device: torch.device, type_name: str) -> Peaks:
    """The best of some rounds, measured once in a run.

    On a CPU a large convolution counts as the product if it is faster, as oneDNN's often are.
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


@dataclass(frozen=True)
class Reread:
    """A buffer of `size` bytes that was read `passes` times, and how long that took."""

    size: int
    passes: int
    timing: Timing

    @property
    def gbytes(self) -> float:
        """GB/s, of the best round."""
        return self.size * self.passes / min(self.timing.rounds) / 1e3

    def row(self) -> Row:
        """The measurement as a row of the results."""
        sizes = dict.fromkeys(("batch", "steps", "grid", "channels"), 0)
        nothing = dict.fromkeys(("error", "useful_mflop", "nominal_mflop", "peak_tflops"), 0.0)
        rates = {"bytes": float(self.size * self.passes), "peak_gbytes": self.gbytes, "peak_mib": self.size / 2**20}
        efficiency = min(self.timing.rounds) / self.timing.median
        return Row(
            "peak", "L2 cache", "reread", False, False, dtype="fp32", precision="", backward=False,
            efficiency=efficiency, timing=self.timing, **sizes, **nothing, **rates,
        )  # fmt: skip


def l2_cache(device: torch.device) -> Reread:
    """The rate at which all multiprocessors together read from the L2 cache, bypassing L1; on a CPU, of a sum.

    It decides how much a kernel gains by reading its tiles less often: asynchronous copies bypass L1.
    """
    if device.type != "cuda":
        buffer = torch.ones(REREAD // 4)
        timings = interleaved({"sum": buffer.sum}, device, seconds=0.2)
        return Reread(REREAD, 1, timings["sum"])
    from benchmarks.measuring.rereading import BLOCK, PROGRAMS, reread

    properties, passes = torch.cuda.get_device_properties(device), 64
    blocks = min(REREAD, properties.L2_cache_size // 2) // (4 * BLOCK)
    buffer = torch.ones(blocks, BLOCK, device=device)
    sums = torch.empty(PROGRAMS * properties.multi_processor_count, BLOCK, device=device)
    timings = interleaved({"reread": lambda: reread(buffer, sums, passes)}, device, seconds=0.5)
    if sums.sum(dtype=torch.float64).item() != buffer.numel() * passes:
        raise RuntimeError("the L2 cache's buffer was not read as many times as requested")
    return Reread(4 * buffer.numel(), passes, timings["reread"])
