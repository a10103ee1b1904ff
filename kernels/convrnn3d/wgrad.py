"""The gradient of the weight, computed once after the loop, over all steps, samples and voxels, in one launch.

    dW_gate[:, :, o + R] = sum over b, t, v with v + o inside of  da_gate,t[b, v]  source_gate,t[b, v + o]^T

A program owns a tap o, in the order of `orders`, a gate, a block of output and one of input channels. Its rows are all
(b, t, v) whose v + o is inside, one after the other, so that a few samples fill a product, too. For large batches,
where the launch table says so, a turn instead has those of one voxel, which are found with fewer instructions
(`python -m benchmarks.machine_code`). For a few steps from zeros, the rows of t = 0, which would add nothing, are left
out. Where there are many rows, several programs share them: each has whole samples, or a number of turns. A tap's
products are contiguous in `parts`; a second launch adds up the shares, always in the same order, so that the result
repeats bit for bit, and stores the sum in the weight's order. If the first launch did this, each of its stores would
touch as many sectors as it has elements.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from convrnn3d.orders import in_order, order_of_taps
from convrnn3d.packing import BLOCK, weights_of_program
from convrnn3d.places import GATES, Shape, store
from convrnn3d.products import multiply
from convrnn3d.quotients import divided, inverse, quotient
from convrnn3d.tuning import Launch

ROWS_A_SHARE = 1024  # (b, t, v)
# Rows of each of two shares where one would do: 81 programs at C = 128 leave two fifths of an H100 idle, and the
# longest, that of the middle tap, has 1.7 times the mean number of rows.
ROWS_OF_TWO = 256
# Most shares: each has 81 programs at C = 128, and an H100 runs 264 at once; more would write more and gain little.
SHARES = 6


class GradientTile(NamedTuple):
    """What a program owns, `channels` output and as many input channels; the number and order of a turn's rows.

    precision: as in `places.Tile`. one_voxel: a turn's rows are samples of one voxel.
    """

    rows: int
    channels: int
    precision: str
    one_voxel: bool


@triton.jit
def weight_gradient_kernel(
    sources,  # (samples, SOURCES, X, Y, Z, C), where a sample is a step of a sample; the last gate has the last source
    da,  # (samples, 3, X, Y, Z, C); or, with the steps that are left out, (B T, 3, X, Y, Z, C)
    parts,  # (shares, taps, 3, C, C) float32
    samples, T, shares,
    SHAPE: tl.constexpr, TILE: tl.constexpr, SOURCES: tl.constexpr,
    LEFT_OUT: tl.constexpr,  # whether `sources` lacks step 0 of each sample
):  # fmt: skip
    X: tl.constexpr = SHAPE.X
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    BLOCK: tl.constexpr = TILE.channels  # of output and of input channels
    ROWS: tl.constexpr = TILE.rows
    PRECISION: tl.constexpr = TILE.precision
    ONE_VOXEL: tl.constexpr = TILE.one_voxel
    V: tl.constexpr = X * Y * Z
    R: tl.constexpr = SIDE // 2
    taps: tl.constexpr = SIDE * SIDE * SIDE
    blocks: tl.constexpr = (C + BLOCK - 1) // BLOCK
    SMALL: tl.constexpr = (V + ROWS) * V < 2**31  # grids for which `quotient` is exact
    program = tl.program_id(0)
    k = program % blocks * BLOCK + tl.arange(0, BLOCK)
    n = program // blocks % blocks * BLOCK + tl.arange(0, BLOCK)
    gate = program // (blocks * blocks) % GATES
    share = program // (blocks * blocks * GATES) % shares
    tap = in_order(program // (blocks * blocks * GATES) // shares, order_of_taps(SIDE, X, Y, Z))
    dx, dy, dz = tap // (SIDE * SIDE) - R, tap // SIDE % SIDE - R, tap % SIDE - R
    nx, ny, nz = tl.maximum(X - tl.abs(dx), 0), tl.maximum(Y - tl.abs(dy), 0), tl.maximum(Z - tl.abs(dz), 0)
    x0, y0, z0 = tl.maximum(0, -dx), tl.maximum(0, -dy), tl.maximum(0, -dz)
    empty = nx * ny * nz == 0
    inside, ny, nz = tl.maximum(nx * ny * nz, 1), tl.maximum(ny, 1), tl.maximum(nz, 1)  # inside: rows of a sample
    by_inside, by_y, by_z, by_steps = inverse(inside), inverse(ny), inverse(nz), inverse(tl.maximum(T - 1, 1))
    rows = tl.arange(0, ROWS)
    source = (gate // 2) * (SOURCES - 1)  # the GRU's c reads r . h, every other gate h
    gradients = da + gate * V * C + n[:, None]  # (BLOCK, 1)
    inputs = sources + (source * V + (dx * Y + dy) * Z + dz) * C + k[None, :]  # (1, BLOCK)
    if ONE_VOXEL:
        of_a_voxel = tl.cdiv(samples, ROWS)  # turns
        a_share = tl.cdiv(inside * of_a_voxel, shares)
        turn = share * a_share
        turns = tl.where(empty, 0, tl.minimum(a_share, inside * of_a_voxel - turn))
        first = turn // of_a_voxel  # voxel
        sample = (turn - first * of_a_voxel) * ROWS
        end = tl.where(turns > 0, samples, 0)
        later = rows.to(tl.int64) * (V * C)
        inputs += later[:, None] * SOURCES  # (ROWS, BLOCK)
        if not LEFT_OUT:
            gradients += later[None, :] * GATES  # (BLOCK, ROWS)
    else:
        a_share = tl.cdiv(samples, shares)
        sample = share * a_share
        end = tl.where(empty, sample, tl.minimum(sample + a_share, samples))
        turns = tl.cdiv((end - sample) * inside, ROWS)
        first = 0  # row of `sample` that a turn begins with
    sum = tl.zeros((BLOCK, BLOCK), tl.float32)
    # At least one turn, even of no rows: where there may be no turn, the sum comes from two places, and ptxas (12.8,
    # Triton 3.6's) then lets no half-precision product overlap another one ("serialized", C7515).
    for _ in range(tl.maximum(turns, 1)):
        if ONE_VOXEL:
            voxel, exists = first, sample + rows < end
            b = sample + tl.zeros((ROWS,), tl.int32)
        else:
            row = first + rows
            later = divided(row, inside, by_inside, SMALL)
            voxel, b = row - later * inside, sample + later
            exists = b < end
        of_source = b.to(tl.int64) * (V * C)
        of_da = of_source
        if LEFT_OUT:
            b = sample + rows if ONE_VOXEL else b
            of_da = (b + quotient(b, by_steps) + 1).to(tl.int64) * (V * C)
        line = divided(voxel, nz, by_z, SMALL)
        plane = divided(line, ny, by_y, SMALL)
        v = ((x0 + plane) * Y + y0 + line - plane * ny) * Z + z0 + voxel - line * nz
        a_exists = exists[None, :] & (n < C)[:, None] if C % BLOCK else exists[None, :]
        b_exists = exists[:, None] & (k < C)[None, :] if C % BLOCK else exists[:, None]
        a = tl.load(gradients + (of_da * GATES + v * C)[None, :], a_exists, other=0)
        w = tl.load(inputs + (of_source * SOURCES + v * C)[:, None], b_exists, other=0)
        sum = multiply(a, w, sum, PRECISION)
        if ONE_VOXEL:
            sample += ROWS
            first += (sample >= samples).to(tl.int32)
            sample = tl.where(sample >= samples, 0, sample)
        else:
            first += ROWS
            passed = divided(first, inside, by_inside, SMALL)
            sample += passed
            first -= passed * inside
    part = parts + ((share * taps + tap) * GATES + gate).to(tl.int64) * (C * C) + n[:, None] * C + k[None, :]
    tl.store(part, sum, (n < C)[:, None] & (k < C)[None, :])


@triton.jit
def add_shares_kernel(
    parts,  # as above
    d_weight,  # (3, C, C, taps)
    shares,
    SHAPE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    C: tl.constexpr = SHAPE.C
    taps: tl.constexpr = SHAPE.SIDE * SHAPE.SIDE * SHAPE.SIDE
    gate, n, k, tap, exists = weights_of_program(SHAPE, BLOCK)
    part = parts + ((tap * GATES + gate) * C + n) * C + k
    sum = tl.load(part, exists, other=0)
    for _ in range(1, shares):
        part += taps * GATES * C * C
        sum += tl.load(part, exists, other=0)
    store(d_weight + ((gate * C + n) * C + k) * taps + tap, sum, exists)


def shares_of(rows: int, samples: int) -> int:
    """How many programs share each tap's `rows`, the (b, t, v) of all `samples`, the (b, t)."""
    return max(1, min(SHARES, max(-(-rows // ROWS_A_SHARE), min(2, rows // ROWS_OF_TWO)), samples))


def weight_gradient(
    sources: Tensor, da: Tensor, weight: Tensor, shape: Shape, precision: str, choice: Launch,
    launch: Callable[..., Any],
) -> Tensor:  # fmt: skip
    """dW (3, C, C, K, K, K), of the weight's type, contiguous.

    sources, what the convolutions read: (B, T, X, Y, Z, C) or, for the GRU, (B, T, 2, X, Y, Z, C), of all steps or of
    all except the first; da (B, T, 3, X, Y, Z, C).
    """
    gates = GATES.value
    samples, steps = sources.shape[0] * sources.shape[1], da.shape[1]
    shares = shares_of(samples * shape.X * shape.Y * shape.Z, samples)
    d_weight = torch.empty(weight.shape, dtype=weight.dtype, device=weight.device)
    parts = torch.empty(shares, weight.numel(), dtype=torch.float32, device=weight.device)
    blocks = shares * shape.SIDE**3 * gates * (-(-shape.C // choice.channels)) ** 2
    tile = GradientTile(choice.rows, choice.channels, precision, one_voxel=choice.lines)
    constants = {"SHAPE": shape, "TILE": tile, "SOURCES": sources.shape[2] if sources.ndim == 7 else 1}
    constants["LEFT_OUT"] = sources.shape[1] < steps
    launch(weight_gradient_kernel, blocks, (sources, da, parts, samples, steps, shares), constants, choice.options)
    constants = {"SHAPE": shape, "BLOCK": BLOCK}
    blocks, options = gates * (-(-shape.C // BLOCK)) ** 2, {"num_warps": 4, "num_stages": 1}
    launch(add_shares_kernel, blocks, (parts, d_weight, shares), constants, options)
    return d_weight
