"""The gates' activation functions, computed to as many digits as their results keep."""

import triton
import triton.language as tl
from triton.language.extra import libdevice

from convrnn3d.places import INTERPRETED


@triton.jit
def sigmoid(x, TILE: tl.constexpr):
    """1 / (1 + exp(-x)), accurate relative to itself even for a nearly shut gate; 0.5 + 0.5 tanh(0.5 x) is not."""
    return reciprocal(1 + exp(x, -1, TILE), TILE)


@triton.jit
def tanh(x, kept: tl.constexpr, TILE: tl.constexpr):
    """tanh(x), for a result stored in the type `kept`. The formula 1 - 2 / (1 + exp(2x)) cancels where x is small.

    In float32, accurate to the last bits: small x take a polynomial in x^2, fitted to tanh(x) / x at Chebyshev nodes up
    to |x| = 0.65. In half precision, accurate to some millionths: small x take two terms of the series, since
    instructions after the loop matter with two warps on a scheduler to hide them. For a bfloat16 result, which is
    rounded by up to 2^-9, accurate to 2^-11: one instruction (PTX ISA, tanh.approx.f32) instead of two on the same
    unit, an exponential and a quotient.
    """
    if TILE.special_unit and kept == tl.bfloat16 and not INTERPRETED:
        return tl.inline_asm_elementwise("tanh.approx.f32 $0, $1;", "=f,f", [x], tl.float32, is_pure=True, pack=1)
    elif TILE.exact or TILE.precision == "tf32":
        e = exp(tl.abs(x), -2, TILE)
        y = divide(1 - e, 1 + e, TILE)
        x2 = x * x
        series = 0.02045437 - x2 * 0.00550101
        series = -0.33333256 + x2 * (0.13330747 + x2 * (-0.05368244 + x2 * series))
        return tl.where(tl.abs(x) < 0.6, x + x * (x2 * series), tl.where(x < 0, -y, y))
    else:
        y = 1 - 2 * reciprocal(1 + exp(x, 2, TILE), TILE)
        return tl.where(tl.abs(x) < 0.0625, x - x * (x * x) * (1 / 3), y)


@triton.jit
def exp(x, FACTOR: tl.constexpr, TILE: tl.constexpr):
    """exp(FACTOR x): accurate to the last bits where products are exact, since with few channels an error would show,
    and with as few instructions as possible in half precision.
    """
    if INTERPRETED or TILE.precision == "tf32":
        y = tl.exp(FACTOR * x)
    elif TILE.exact:
        y = libdevice.exp(FACTOR * x)
    else:
        y = libdevice.exp2((FACTOR * 1.4426950408889634) * x)
    return y


@triton.jit
def reciprocal(x, TILE: tl.constexpr):
    """1 / x for x >= 1, as accurate as `exp`. `fast_dividef` takes one more instruction, to copy the unit's result."""
    if INTERPRETED or TILE.exact or TILE.precision == "tf32" or not TILE.special_unit:
        return divide(tl.full(x.shape, 1, tl.float32), x, TILE)
    else:
        return tl.inline_asm_elementwise("rcp.approx.ftz.f32 $0, $1;", "=f,f", [x], tl.float32, is_pure=True, pack=1)


@triton.jit
def divide(x, y, TILE: tl.constexpr):
    """x / y, as accurate as `exp`."""
    if INTERPRETED or TILE.precision == "tf32":
        z = x / y
    elif TILE.exact:
        z = tl.div_rn(x, y)
    else:
        z = libdevice.fast_dividef(x, y)
    return z
