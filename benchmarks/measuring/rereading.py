"""A kernel that reads a buffer again and again past the L1 caches: what the L2 cache gives all multiprocessors."""

import triton
import triton.language as tl
from torch import Tensor

BLOCK, WARPS = 4096, 8  # values a turn, of 64 bytes for each thread
PROGRAMS = 8  # on a multiprocessor: all of its threads


@triton.jit(do_not_specialize=["blocks", "passes"])
def reread_kernel(buffer, sums, blocks, passes, BLOCK: tl.constexpr):  # noqa: N803, as in convrnn3d
    """Sums (programs, BLOCK) of the blocks that each program reads of buffer (blocks, BLOCK), in all passes.

    Neighbours read neighbouring blocks, and in the next pass others: no multiprocessor's L1 cache would do. The sums
    are there so that the reads are.
    """
    n = tl.arange(0, BLOCK)
    sum = tl.zeros((BLOCK,), tl.float32)
    for i in range(tl.program_id(0), blocks * passes, tl.num_programs(0)):
        sum += tl.load(buffer + i % blocks * BLOCK + n, cache_modifier=".cg")
    tl.store(sums + tl.program_id(0) * BLOCK + n, sum)


def reread(buffer: Tensor, sums: Tensor, passes: int) -> None:
    """Read buffer (blocks, BLOCK) `passes` times with as many programs as sums (programs, BLOCK) has; both float32."""
    options = {"num_warps": WARPS, "enable_fp_fusion": True}  # Triton 3.9 warns where the latter is left open
    reread_kernel[(len(sums),)](buffer, sums, len(buffer), passes, BLOCK, **options)
