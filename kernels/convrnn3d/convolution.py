"""The convolution inside every kernel: tiles of W * h and of W^T * da, summed over tap boxes.

A tile has rows, each a sample b at a voxel v, and output channels n. The work is divided among programs in one of three
ways (DERIVATION.md, rows, products and launches):

    by voxel   a program owns one voxel of several samples, and runs through the voxel's box of taps. No tap leaves
               the grid, so the loop multiplies no zero and tests no mask.
    by line    a program owns rows that are whole lines along z; lines are numbered through the samples at one (x, y),
               then at the next. Each source that it copies serves all three dz, whose tiles are adjacent. It runs
               through the box of all its lines' taps along x and y, and masks those that leave the grid.
    in parts   taps are divided among programs, too, see `parts`: for small batches, which make few programs.

A 1x1x1 convolution has one tap, which never leaves the grid: a program owns rows of any voxels.
"""

import triton
import triton.language as tl

from convrnn3d.lines import box_of_lines, convolve_lines, lines_of_tile, taps_along
from convrnn3d.orders import in_order, order_of_voxels
from convrnn3d.parts import sum_of_parts
from convrnn3d.places import let_next_begin, offsets, place_of, wait
from convrnn3d.products import convolve_box


@triton.jit
def convolution(
    source,  # Slot: what is convolved; without a tensor, zeros
    weight,  # as for convolve_box
    parts,  # what conv_parts left, or None
    B,
    SHAPE: tl.constexpr, PHASE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Return this program's places (one; for lines, one for each z) and the sums at each.

    The sums are the convolution of each gate or, if transposed, a single one in total.
    """
    X: tl.constexpr = SHAPE.X
    Y: tl.constexpr = SHAPE.Y
    Z: tl.constexpr = SHAPE.Z
    C: tl.constexpr = SHAPE.C
    SIDE: tl.constexpr = SHAPE.SIDE
    ROWS: tl.constexpr = TILE.rows
    CHANNELS: tl.constexpr = TILE.channels
    V: tl.constexpr = X * Y * Z
    R: tl.constexpr = SIDE // 2
    SUMS: tl.constexpr = PHASE.sums
    blocks: tl.constexpr = (C + CHANNELS - 1) // CHANNELS
    program = tl.program_id(0)
    first = program % blocks * CHANNELS
    program = program // blocks
    if SIDE == 1 or parts is not None or source.tensor is None:
        row = program * ROWS + tl.arange(0, ROWS)
        exists = row < B * V
        row = tl.minimum(row, B * V - 1)
        b, v = row // V, row % V
        places = (place_of(b, v, exists, first, SHAPE, TILE),)
        if parts is not None:
            sums = (sum_of_parts(parts, places[0], SHAPE, PHASE, TILE),)
        elif source.tensor is not None:
            one = tl.full((), 1, tl.int32)
            rows = offsets(source, b, v, SHAPE)
            tiles = convolve_box(
                source.tensor, rows, None, None, weight, first, 0, one, 0, one, 0, one, SHAPE, PHASE, TILE
            )
            sums = (tiles,)
        else:
            wait(TILE)
            sums = ((tl.zeros((ROWS, CHANNELS), tl.float32),) * SUMS,)
    elif TILE.lines:
        rows, x, y, exists, places = lines_of_tile(source, program, B, 0, X, 0, Y, first, SHAPE, TILE)
        low_x, high_x, low_y, high_y = box_of_lines(program, B, 0, X, 0, Y, SHAPE, TILE)
        x0, nx = taps_along(low_x, high_x, X, R)
        y0, ny = taps_along(low_y, high_y, Y, R)
        sums = convolve_lines(source.tensor, rows, x, y, exists, weight, first, x0, nx, y0, ny, SHAPE, PHASE, TILE)
    else:
        sample_blocks = tl.cdiv(B, ROWS)
        b = program % sample_blocks * ROWS + tl.arange(0, ROWS)
        exists = b < B
        b = tl.minimum(b, B - 1)
        voxel = in_order(program // sample_blocks, order_of_voxels(X, Y, Z))
        x, y, z = voxel // (Y * Z), voxel // Z % Y, voxel % Z
        x0, y0, z0 = tl.maximum(-R, -x), tl.maximum(-R, -y), tl.maximum(-R, -z)
        nx, ny = tl.minimum(R, X - 1 - x) - x0 + 1, tl.minimum(R, Y - 1 - y) - y0 + 1
        nz = tl.minimum(R, Z - 1 - z) - z0 + 1
        v = voxel + tl.zeros((ROWS,), tl.int32)
        rows = offsets(source, b, v, SHAPE)
        places = (place_of(b, v, exists, first, SHAPE, TILE),)
        tiles = convolve_box(source.tensor, rows, None, None, weight, first, x0, nx, y0, ny, z0, nz, SHAPE, PHASE, TILE)
        sums = (tiles,)
    let_next_begin(TILE)
    return places, sums
