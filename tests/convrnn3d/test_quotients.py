"""Integer division by multiplication."""

import pytest
import torch
import triton
import triton.language as tl
from convrnn3d.quotients import inverse, inverse_of_taps, quotient
from parity import DEVICE

LARGEST = 2**31 - 1


@triton.jit(do_not_specialize=["n"])
def quotient_kernel(numbers, found, n, size: tl.constexpr):
    place = tl.arange(0, size)
    tl.store(found + place, quotient(tl.load(numbers + place), inverse(n)))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 36, 48, 64, 1000, 46341, 2**20, 2**30, LARGEST])
def test_a_quotient_is_exact_up_to_its_bound(n: int) -> None:
    """Around multiples of n near both ends of the range i n < 2^31."""
    bound = LARGEST // n
    near = [k * n + away for k in (1, 2, 3, bound // n - 1, bound // n) for away in (-1, 0, 1)]
    numbers = [number for number in (0, 1, 2, bound - 1, bound, *near) if 0 <= number <= bound]
    numbers = torch.tensor((numbers * 32)[:32], dtype=torch.int32, device=DEVICE)
    found = torch.empty_like(numbers)
    quotient_kernel[(1,)](numbers, found, n, size=32)
    assert torch.equal(found, numbers // n)


@triton.jit
def quotient_by_three_kernel(numbers, found, size: tl.constexpr):
    place = tl.arange(0, size)
    three = tl.full((), 3, tl.int32)
    tl.store(found + place, quotient(tl.load(numbers + place), inverse(three)))


def test_a_quotient_by_a_compile_time_constant_is_exact() -> None:
    numbers = torch.arange(32, dtype=torch.int32, device=DEVICE)
    found = torch.empty_like(numbers)
    quotient_by_three_kernel[(1,)](numbers, found, size=32)
    assert torch.equal(found, numbers // 3)


@triton.jit(do_not_specialize=["n"])
def inverses_kernel(found, n):
    tl.store(found, inverse(n))
    tl.store(found + 1, inverse_of_taps(n))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_inverses_of_one_to_three_taps_equal_computed_inverses(n: int) -> None:
    found = torch.zeros(2, dtype=torch.int64, device=DEVICE)
    inverses_kernel[(1,)](found, n)
    assert found[0] == found[1] > 0
