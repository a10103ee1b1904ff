"""Weights and states as products read them: cast, in tf32 rounded, and the weights in the order of the products.

A weight is packed in one launch, into both orders if there will be a backward pass, (orders, taps, 3 C, C):

    order 0, forward    row 2 n + gate for output channel n of the first two gates, row 2 C + n for the last; input
                        channels innermost
    order 1, backward   row gate C + k for input channel k; output channels innermost

The channels that a product sums over are innermost: wgmma takes tf32 operands in no other order. The first two gates
alternate, so that one product twice as wide computes both.
"""

from collections.abc import Callable

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from convrnn3d.frozen import is_frozen
from convrnn3d.places import Shape, as_factor, store

BLOCK = 16  # channels, of both sides of a tile of the weight
ELEMENTS = 1024  # of a state that a program casts


@triton.jit
def pack_kernel(
    weight,  # (3, C, C, taps)
    packed,  # (orders, taps, 3 C, C)
    SHAPE: tl.constexpr, ORDERS: tl.constexpr, PRECISION: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    C: tl.constexpr = SHAPE.C
    taps: tl.constexpr = SHAPE.SIDE * SHAPE.SIDE * SHAPE.SIDE
    gate, n, k, tap, exists = weights_of_program(SHAPE, BLOCK)
    w = as_factor(tl.load(weight + ((gate * C + n) * C + k) * taps + tap, exists).to(tl.float32), PRECISION)
    row = tl.where(gate == 2, 2 * C + n, 2 * n + gate)
    store(packed + (tap * 3 * C + row) * C + k, w, exists)
    if ORDERS == 2:
        store(packed + ((taps + tap) * 3 * C + gate * C + k) * C + n, w, exists)


@triton.jit
def weights_of_program(SHAPE: tl.constexpr, BLOCK: tl.constexpr):
    """gate, n, k, tap, exists: a block of output and one of input channels, of a gate, with all taps.

    Whichever of n, k and tap is innermost in memory, a program's part of it fills the sectors that it touches: a
    transposition costs no bytes.
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
    """weight (3, C, C, k, k, k) to (orders, taps, 3 C, C) of type `operand`."""
    packed = torch.empty(orders, shape.SIDE**3, 3 * shape.C, shape.C, dtype=operand, device=weight.device)
    programs = 3 * (-(-shape.C // BLOCK)) ** 2
    constants = {"SHAPE": shape, "ORDERS": orders, "PRECISION": precision, "BLOCK": BLOCK}
    launch(pack_kernel, programs, (weight.contiguous(), packed), constants, {"num_warps": 4, "num_stages": 1})
    return packed


def kept_or_packed(weight: Tensor, shape: Shape, operand: torch.dtype, precision: str, launch: Callable) -> Tensor:
    """`pack`, forward alone, of a weight that needs no gradient: once for each of its versions, as long as it lives.

    Of others nothing is kept: a graph that is replayed may train them, and no version tells. For the same reason a
    capture packs anew, and so the graph takes later weights as they are, unless the weight is frozen.
    """
    if weight.requires_grad or weight.is_inference() or weight.is_meta:
        return pack(weight, shape, operand, precision, 1, launch)
    frozen, capturing = is_frozen(weight), _capturing(weight.device)
    version, kept = (weight._version, weight.data_ptr(), weight.stride()), _kept.get(weight, {})
    if capturing:
        # What was made on any stream: the one that is captured waited for the others. What a capture packs is there
        # in its replays alone, and so is not kept.
        made = (one[2] for how, one in kept.items() if how[:2] == (operand, precision) and one[0] == version)
        found = next(made, None) if frozen else None
        return pack(weight, shape, operand, precision, 1, launch) if found is None else found
    how = operand, precision, _stream(weight.device)
    if how not in kept or kept[how][0] != version:
        kept = {other: one for other, one in kept.items() if one[0] == version}
        # The alias keeps the memory from being given to another weight while this one, set to other data, lives.
        kept[how] = version, weight.detach(), pack(weight, shape, operand, precision, 1, launch)
        _kept[weight] = kept
    return kept[how][2]


# By weight, and for it by type, precision and stream, since what one stream makes another may not read yet: version,
# alias, packed. A frozen weight's graphs read what is here, so that nothing of its version is replaced.
_kept = WeakTensorKeyDictionary()


def cast(grid: Tensor, operand: torch.dtype, precision: str, launch: Callable) -> Tensor:
    """`grid` as factors; itself, where it is already as they are."""
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
