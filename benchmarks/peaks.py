"""What this device can do at best: a large matrix product and a large copy, measured, not read off a data sheet."""

from dataclasses import dataclass

import torch

from benchmarks.timing import interleaved


@dataclass(frozen=True)
class Peaks:
    """Matrix products in Tflop/s for one type and precision; memory in GB/s, bytes read plus bytes written."""

    tflops: float
    gbytes: float

    @classmethod
    def measure(cls, device: torch.device, dtype: torch.dtype, precision: str) -> "Peaks":
        on_gpu = device.type == "cuda"
        side, size = (8192, 1 << 30) if on_gpu else (1024, 64 << 20)
        left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        source = torch.randint(255, (size,), dtype=torch.uint8, device=device)
        target = torch.empty_like(source)
        with float32_products(precision):
            functions = {"product": lambda: left @ right, "copy": lambda: target.copy_(source)}
            timings = interleaved(functions, device, rounds=10)
        return cls(2 * side**3 / timings["product"].median / 1e6, 2 * size / timings["copy"].median / 1e3)


class float32_products:  # noqa: N801, a context manager like torch.no_grad
    """Within it PyTorch multiplies float32 as told, "ieee" or "tf32", in products and convolutions."""

    def __init__(self, precision: str) -> None:
        self.precision = precision

    def __enter__(self) -> None:
        self.before = torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision
        torch.backends.cuda.matmul.fp32_precision = self.precision
        torch.backends.cudnn.conv.fp32_precision = self.precision

    def __exit__(self, *error: object) -> None:
        torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision = self.before
