"""Weights and states as products read them: cast, rounded for tf32, and the weights in the order of the products.

A weight is packed in one launch, into both orders if there will be a backward pass, (orders, taps, 3, C, C):

    order 0, forward    for each gate, rows are output channels n, columns input channels k
    order 1, backward   rows are input channels k, columns output channels n

The channels that a product sums over are innermost: wgmma takes tf32 operands in no other order.
"""

from collections.abc import Callable

import torch
import triton
import triton.language as tl
from torch import Tensor

from convrnn3d.frozen import promise_of
from convrnn3d.places import GATES, Shape, as_factor, store

BLOCK = 16  # channels on each side of a tile of the weight
ELEMENTS = 1024  # elements of a state that a program casts


@triton.jit
def pack_kernel(
    weight,  # (3, C, C, taps)
    packed,  # (orders, taps, 3, C, C)
    SHAPE: tl.constexpr, ORDERS: tl.constexpr, PRECISION: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    C: tl.constexpr = SHAPE.C
    taps: tl.constexpr = SHAPE.SIDE * SHAPE.SIDE * SHAPE.SIDE
    gate, n, k, tap, exists = weights_of_program(SHAPE, BLOCK)
    w = as_factor(tl.load(weight + ((gate * C + n) * C + k) * taps + tap, exists).to(tl.float32), PRECISION)
    store(packed + (tap * GATES * C + gate * C + n) * C + k, w, exists)
    if ORDERS == 2:
        store(packed + ((taps + tap) * GATES * C + gate * C + k) * C + n, w, exists)


@triton.jit
def weights_of_program(SHAPE: tl.constexpr, BLOCK: tl.constexpr):
    """gate, n, k, tap, exists: a block of output and one of input channels of a gate, with all taps.

    Whichever of n, k and tap is innermost in memory, what a program takes of it fills the sectors that it touches, so
    that a transposition costs no bytes.
    """
    C: tl.constexpr = SHAPE.C
    taps: tl.constexpr = SHAPE.SIDE * SHAPE.SIDE * SHAPE.SIDE
    blocks: tl.constexpr = (C + BLOCK - 1) // BLOCK
    program = tl.program_id(0)
    gate = program // (blocks * blocks)
    n = (program // blocks % blocks * BLOCK + tl.arange(0, BLOCK))[:, None, None]
    k = (program % blocks * BLOCK + tl.arange(0, BLOCK))[None, :, None]
    tap = tl.arange(0, triton.next_power_of_2(taps))[None, None, :]
    return gate, n, k, tap, (n < C) & (k < C) & (tap < taps)


@triton.jit
def cast_kernel(grid, factors, size, PRECISION: tl.constexpr, ELEMENTS: tl.constexpr):
    place = tl.program_id(0).to(tl.int64) * ELEMENTS + tl.arange(0, ELEMENTS)
    x = tl.load(grid + place, place < size).to(tl.float32)
    store(factors + place, as_factor(x, PRECISION), place < size)


def pack(weight: Tensor, shape: Shape, operand: torch.dtype, precision: str, orders: int, launch: Callable) -> Tensor:
    """Pack `weight` (3, C, C, K, K, K) into (orders, taps, 3, C, C) of type `operand`."""
    packed = torch.empty(orders, shape.SIDE**3, GATES.value, shape.C, shape.C, dtype=operand, device=weight.device)
    programs = GATES.value * (-(-shape.C // BLOCK)) ** 2
    constants = {"SHAPE": shape, "ORDERS": orders, "PRECISION": precision, "BLOCK": BLOCK}
    launch(pack_kernel, programs, (weight.contiguous(), packed), constants, {"num_warps": 4, "num_stages": 1})
    return packed


def kept_or_packed(weight: Tensor, shape: Shape, operand: torch.dtype, precision: str, launch: Callable) -> Tensor:
    """`pack` for the forward order only; a frozen weight is packed once and cached."""
    promise, how = promise_of(weight), (operand, precision)
    if promise is None:
        return pack(weight, shape, *how, 1, launch)
    kept = promise.kept
    if _capturing(weight.device):
        # A weight packed on any stream will do, as the captured stream waited for the others. What a capture packs
        # exists only in its replays, and so is not cached. A graph may outlast a promise that is not lasting.
        kept = kept if promise.lasting else {}
        made = next((packed for (*other, _), packed in kept.items() if tuple(other) == how), None)
        return pack(weight, shape, *how, 1, launch) if made is None else made
    key = (*how, _stream(weight.device))  # another stream may not read yet what this one packs
    packed = kept.get(key)
    # Two threads that come at once both take the first one's, since a graph may have been captured with it.
    return kept.setdefault(key, pack(weight, shape, *how, 1, launch)) if packed is None else packed


def cast(grid: Tensor, operand: torch.dtype, precision: str, launch: Callable) -> Tensor:
    """`grid` as factors; `grid` itself where it needs no change."""
    if grid.dtype == operand and precision != "tf32":
        return grid
    factors = torch.empty(grid.shape, dtype=operand, device=grid.device)
    constants = {"PRECISION": precision, "ELEMENTS": ELEMENTS}
    arguments = grid, factors, grid.numel()
    launch(cast_kernel, -(-grid.numel() // ELEMENTS), arguments, constants, {"num_warps": 4, "num_stages": 1})
    return factors


def _stream(device: torch.device) -> int:
    return torch.cuda.current_stream(device).cuda_stream if device.type == "cuda" else 0


def _capturing(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.is_current_stream_capturing()
