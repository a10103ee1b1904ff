"""This device's peaks, measured rather than taken from a data sheet: L2 cache, matrix products, a large copy.

python -m benchmarks.peaks
"""

import torch

from benchmarks.measuring.options import command
from benchmarks.measuring.peaks import l2_cache, peaks
from benchmarks.measuring.settings import TYPES


def main() -> None:
    command("peaks", __doc__).parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"L2 cache: {l2_cache(device).gbytes:.4g} GB/s")
    for type_name in TYPES if device.type == "cuda" else ("fp32", "bf16", "fp64"):  # a CPU's float16 takes minutes
        best = peaks(device, type_name)
        print(f"{type_name}: {best.tflops:.3g} Tflop/s, {best.gbytes:.4g} GB/s")


if __name__ == "__main__":
    main()
