"""Quotients of small numbers, in few instructions."""

import triton
import triton.language as tl


@triton.jit
def inverse(n):
    """The multiplier that `quotient` divides by n with.

    A division by a run-time number takes many instructions, and a turn of `wgrad` needs two or four.
    """
    return (0x7FFFFFFF // n).to(tl.uint32) + 1


@triton.jit
def inverse_of_taps(n):
    """`inverse` of a number of taps along an axis, one to three, without a division."""
    return tl.where(n == 1, 0x7FFFFFFF, tl.where(n == 2, 0x7FFFFFFF // 2, 0x7FFFFFFF // 3)).to(tl.uint32) + 1


@triton.jit
def quotient(i, inverse):
    """i // n, exact while i n < 2^31, n > 0.

    It is the upper half of the product of two 32-bit numbers. As a product of 64-bit numbers,
    (i ((1 << 32) // n + 1)) >> 32, it is miscompiled by ptxas 12.8 where n is known at compile time (conv_parts, half,
    64x64x128 in three parts, on an H200).
    """
    return tl.umulhi((2 * i).to(tl.uint32), inverse).to(tl.int32)


@triton.jit
def unsigned(n):
    """n >= 0 as an unsigned number, whose quotients take fewer instructions."""
    return (n + tl.zeros((), tl.int32)).to(tl.uint32)


@triton.jit
def divided(i, n, inverse, SMALL: tl.constexpr):
    """i // n, by `quotient` where that is exact."""
    if SMALL:
        return quotient(i, inverse)
    else:
        return i // n
