"""The order in which programs start."""

import pytest
import torch
import triton
import triton.language as tl
from convrnn3d.orders import in_order, order_of_taps, order_of_voxels
from parity import DEVICE


@triton.jit
def order_kernel(voxels, taps, x: tl.constexpr, y: tl.constexpr, z: tl.constexpr, side: tl.constexpr):
    i = tl.program_id(0)
    if i < x * y * z:
        tl.store(voxels + i, in_order(i, order_of_voxels(x, y, z)))
    if i < side * side * side:
        tl.store(taps + i, in_order(i, order_of_taps(side, x, y, z)))


@pytest.mark.parametrize("side", [1, 3])
@pytest.mark.parametrize("grid", [(1, 1, 1), (4, 4, 4), (2, 3, 5), (1, 8, 8), (5, 4, 4), (3, 6, 7)], ids=str)
def test_every_voxel_and_every_tap_has_one_program(grid: tuple[int, int, int], side: int) -> None:
    x, y, z = grid
    voxels, taps = (torch.full((n,), -1, dtype=torch.int32, device=DEVICE) for n in (x * y * z, side**3))
    order_kernel[(max(x * y * z, side**3),)](voxels, taps, x=x, y=y, z=z, side=side)
    for found, order in ((voxels, order_of_voxels(x, y, z)), (taps, order_of_taps(side, x, y, z))):
        assert tuple(found.tolist()) == order
        assert sorted(order) == list(range(len(order)))


def test_inner_voxels_are_paired_with_corners() -> None:
    """On 4x4x4, two programs that are half of all apart have at most 35 taps together: 27 and 8."""
    taps = [
        (3 - (x in (0, 3))) * (3 - (y in (0, 3))) * (3 - (z in (0, 3)))
        for x, y, z in ((v // 16, v // 4 % 4, v % 4) for v in order_of_voxels(4, 4, 4))
    ]
    assert max(one + other for one, other in zip(taps[:32], taps[32:], strict=True)) == 35
    assert taps[:32] == sorted(taps[:32]) and taps[32:] == sorted(taps[32:], reverse=True)


def test_the_middle_tap_is_paired_with_a_corner_tap() -> None:
    voxels = [
        (4 - (dx != 1)) * (4 - (dy != 1)) * (4 - (dz != 1))
        for dx, dy, dz in ((tap // 9, tap // 3 % 3, tap % 3) for tap in order_of_taps(3, 4, 4, 4))
    ]
    assert voxels == [36] * 7 + [48] * 6 + [64] + [36] * 5 + [27] * 8
