"""The model of a launch: programs that share a device, compared with times worked out by hand."""

import math
from dataclasses import replace

import pytest

from benchmarks.work.launches import Device, Launch, Programs, makespan, on_multiprocessors


def test_running_programs_share_the_device_up_to_the_limit_of_each() -> None:
    assert makespan([(4, 10)], slots=4, together=8, alone=100) == 5  # each 2
    assert makespan([(4, 10)], slots=4, together=8, alone=1) == 10
    assert makespan([(2, 10), (2, 30)], slots=4, together=8, alone=3) == pytest.approx(5 + 20 / 3)


def test_programs_start_in_order_as_slots_become_free() -> None:
    assert makespan([(5, 10)], slots=2, together=math.inf, alone=1) == 30  # three waves
    assert makespan([(1, 30), (2, 10), (1, 10)], slots=2, together=math.inf, alone=1) == 30  # behind the long one
    assert makespan([(2, 10), (1, 10), (1, 30)], slots=2, together=math.inf, alone=1) == 40  # a long one last


def test_programs_without_work_take_no_time() -> None:
    assert makespan([(100, 0), (1, 7), (100, 0)], slots=2, together=1, alone=1) == 7
    assert makespan([], slots=2, together=1, alone=1) == 0


def test_programs_share_the_multiprocessor_that_they_are_on() -> None:
    """Groups of (count, own time, time of the multiprocessor's shared memory), on two multiprocessors."""
    assert on_multiprocessors([(2, 1, 3)], multiprocessors=2, resident=2) == 4
    # Of two that want 3/4 of it, the older one takes 4, as if alone; the other one has done 4/3 of 4 by then.
    assert on_multiprocessors([(4, 1, 3)], multiprocessors=2, resident=2) == pytest.approx(4 + 8 / 3)
    assert on_multiprocessors([(4, 3, 1)], multiprocessors=2, resident=2) == 4  # there is enough for both
    assert on_multiprocessors([(4, 1, 3)], multiprocessors=2, resident=1) == 8
    assert on_multiprocessors([(1, 0, 5), (2, 0, 2), (1, 0, 1)], multiprocessors=2, resident=1) == 5  # 5, and 2 2 1


def test_a_launch_takes_as_long_as_its_bottleneck() -> None:
    device = Device(
        multiprocessors=10, tflops=1, gbytes=1000, l2=2000, port=300, scratch=100, turn=0.3, start=0.2, gap=2
    )
    little = Launch("x", 1, (Programs(20, turns=1, l2_bytes=1, operations=1),), memory_bytes=1)
    assert little.microseconds(device) == 2.5  # a program's start and a turn
    assert little.waves(device) == 1
    many = replace(little, programs=(Programs(20, 1, l2_bytes=10**6),))
    assert many.microseconds(device) == 2 + 20e6 / 2000e3  # 20 MB at 2000 GB/s
    one = replace(little, programs=(Programs(1, 1, l2_bytes=3 * 10**6),))
    assert one.microseconds(device) == 2 + 3e6 / 300e3  # its multiprocessor's bandwidth
    products = replace(little, programs=(Programs(1, 1, 0, operations=10**6),))
    assert products.microseconds(device) == pytest.approx(2 + 10)  # a tenth of 1 Tflop/s
    copies = replace(little, programs=(Programs(20, 1, 0, scratch=10**6),))
    # Two programs of 1 MB at 100 GB/s: the second one uses the half microsecond in which the first does not copy.
    assert copies.microseconds(device) == pytest.approx(2 + 20 + 0.5 - 0.5 * 0.5 / 10)
    assert replace(little, memory_bytes=10**7).microseconds(device) == 2 + 10
