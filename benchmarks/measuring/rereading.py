"""A kernel that rereads a buffer, bypassing the L1 caches, to measure the L2 cache's total bandwidth."""

import triton
import triton.language as tl
from torch import Tensor

BLOCK, WARPS = 4096, 8  # values a turn, 64 bytes for each thread
PROGRAMS = 8  # per multiprocessor, which use all of its threads


@triton.jit(do_not_specialize=["blocks", "passes"])
def reread_kernel(buffer, sums, blocks, passes, BLOCK: tl.constexpr):  # noqa: N803, as in convrnn3d
    """Write to sums (programs, BLOCK) the sum of all blocks of buffer (blocks, BLOCK) that each program reads.

    Neighbouring programs read neighbouring blocks, and others in the next pass, so no multiprocessor's L1 cache would
    help. The sums keep the compiler from removing the reads.
    """
    n = tl.arange(0, BLOCK)
    sum = tl.zeros((BLOCK,), tl.float32)
    for i in range(tl.program_id(0), blocks * passes, tl.num_programs(0)):
        sum += tl.load(buffer + i % blocks * BLOCK + n, cache_modifier=".cg")
    tl.store(sums + tl.program_id(0) * BLOCK + n, sum)


def reread(buffer: Tensor, sums: Tensor, passes: int) -> None:
    """Read buffer (blocks, BLOCK) `passes` times with as many programs as sums (programs, BLOCK) has; both float32."""
    options = {"num_warps": WARPS, "enable_fp_fusion": True}  # Triton 3.9 warns if the latter is omitted
    reread_kernel[(len(sums),)](buffer, sums, len(buffer), passes, BLOCK, **options)
