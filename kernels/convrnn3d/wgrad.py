"""The gradient of the weight, once after the loop, over all steps, samples and voxels.

    dW_g[:, :, d] = sum over b, t, v with v + d inside of  da_g,t[b, v]  x_t[b, v + d]^T

A program owns a tap, a gate, a block of output and one of input channels, and a share of the rows (b, t, v); the
shares are added up afterwards, always in the same order, so that the result repeats bit for bit.
"""

import triton
import triton.language as tl

from convrnn3d.convolution import inverse, multiply, quotient


@triton.jit
def weight_gradient_kernel(
    x,  # Slot of (samples, slots, X, Y, Z, C), where a sample is a sample's step
    da,  # (samples, 3, X, Y, Z, C)
    parts,  # (shares, taps, 3, C, C) float32: gate, output channel, input channel
    samples, shares, first_gate, gates,
    SHAPE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    X: tl.constexpr = SHAPE.X
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    OUTPUTS: tl.constexpr = TILE.channels
    INPUTS: tl.constexpr = TILE.channels
    ROWS: tl.constexpr = TILE.rows
    V: tl.constexpr = X * Y * Z
    R: tl.constexpr = SIDE // 2
    taps: tl.constexpr = SIDE * SIDE * SIDE
    input_blocks: tl.constexpr = (C + INPUTS - 1) // INPUTS
    output_blocks: tl.constexpr = (C + OUTPUTS - 1) // OUTPUTS
    program = tl.program_id(0)
    m = program % input_blocks * INPUTS + tl.arange(0, INPUTS)
    n = program // input_blocks % output_blocks * OUTPUTS + tl.arange(0, OUTPUTS)
    program = program // (input_blocks * output_blocks)
    gate = first_gate + program % gates
    tap = program // gates % taps
    share = program // (gates * taps)
    dx, dy, dz = tap // (SIDE * SIDE) - R, tap // SIDE % SIDE - R, tap % SIDE - R
    nx, ny, nz = tl.maximum(X - tl.abs(dx), 0), tl.maximum(Y - tl.abs(dy), 0), tl.maximum(Z - tl.abs(dz), 0)
    x0, y0, z0 = tl.maximum(0, -dx), tl.maximum(0, -dy), tl.maximum(0, -dz)
    blocks = tl.cdiv(samples, ROWS)
    whole = nx * ny * nz * blocks
    first = tl.minimum(share * tl.cdiv(whole, shares), whole)
    end = tl.minimum(first + tl.cdiv(whole, shares), whole)
    gradients = da + gate * V * C + n[:, None]  # (OUTPUTS, 1)
    inputs = x.tensor + (x.slot * V + (dx * Y + dy) * Z + dz) * C + m[None, :]  # (1, INPUTS)
    sum = tl.zeros((OUTPUTS, INPUTS), tl.float32)
    by_y, by_z = inverse(tl.maximum(ny, 1)), inverse(tl.maximum(nz, 1))
    for i in range(first, end):
        voxel = i // blocks
        line = quotient(voxel, by_z)
        plane = quotient(line, by_y)
        v = ((x0 + plane) * Y + y0 + line - plane * ny) * Z + z0 + voxel - line * nz
        sample = i % blocks * ROWS + tl.arange(0, ROWS)
        exists = sample < samples
        sample = sample.to(tl.int64) * (V * C)
        a_exists = exists[None, :] & (n < C)[:, None] if C % OUTPUTS else exists[None, :]
        b_exists = exists[:, None] & (m < C)[None, :] if C % INPUTS else exists[:, None]
        a = tl.load(gradients + (sample * 3 + v * C)[None, :], a_exists, other=0)
        b = tl.load(inputs + (sample * x.slots + v * C)[:, None], b_exists, other=0)
        sum = multiply(a, b, sum, TILE.precision)
    part = parts + (share * taps + tap).to(tl.int64) * 3 * C * C + (gate * C + n)[:, None] * C + m[None, :]
    tl.store(part, sum, (n < C)[:, None] & (m < C)[None, :])
