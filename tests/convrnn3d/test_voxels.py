"""The order in which voxels' programs start."""

import pytest
import torch
import triton
import triton.language as tl
from convrnn3d.places import Shape
from convrnn3d.voxels import order_of_voxels, voxel_at
from parity import DEVICE


@triton.jit
def voxels_kernel(found, shape: tl.constexpr):
    i = tl.program_id(0)
    tl.store(found + i, voxel_at(i, shape))


@pytest.mark.parametrize("grid", [(1, 1, 1), (4, 4, 4), (2, 3, 5), (1, 8, 8), (5, 4, 4), (3, 6, 7)], ids=str)
def test_every_voxel_has_its_program(grid: tuple[int, int, int]) -> None:
    x, y, z = grid
    found = torch.full((x * y * z,), -1, dtype=torch.int32, device=DEVICE)
    voxels_kernel[(x * y * z,)](found, shape=Shape(x, y, z, 16, 3))
    assert tuple(found.tolist()) == order_of_voxels(x, y, z)
    assert sorted(found.tolist()) == list(range(x * y * z))


def test_inner_voxels_meet_corners() -> None:
    """On 4x4x4, of the programs half of all apart no two have more than 35 taps together, of 27 and 8."""
    taps = [
        (3 - (x in (0, 3))) * (3 - (y in (0, 3))) * (3 - (z in (0, 3)))
        for x, y, z in ((v // 16, v // 4 % 4, v % 4) for v in order_of_voxels(4, 4, 4))
    ]
    assert max(one + other for one, other in zip(taps[:32], taps[32:], strict=True)) == 35
    assert taps[:32] == sorted(taps[:32]) and taps[32:] == sorted(taps[32:], reverse=True)
