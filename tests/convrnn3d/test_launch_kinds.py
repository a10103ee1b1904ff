"""What distinguishes one compiled kernel from another, and where kernels are launched."""

from typing import Any

import pytest
import torch
import triton
from convrnn3d.launcher import Slot, launch
from triton.runtime import JITFunction

OPTIONS = {"num_warps": 4, "num_stages": 1}


def named(x, y, size, block):  # a kernel of which only the names are used
    pass


class Driver:
    """A device with a stream, and kernels that are loaded on first use, as Triton's are."""

    def __init__(self) -> None:
        self.device = 0
        self.compiled: list[Any] = []
        self.launched: list[tuple] = []

    def get_current_device(self) -> int:
        return self.device

    def get_current_stream(self, device: int) -> int:
        return 7 + device

    def compile(self, source: Any, options: dict[str, Any]) -> Any:
        driver = self

        class Compiled:
            packed_metadata, function = "metadata", None

            @property
            def run(self) -> Any:
                self.function = "loaded"
                return lambda *arguments: driver.launched.append(arguments)

        self.compiled.append(source)
        return Compiled()


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    driver = Driver()
    monkeypatch.setattr(triton.runtime.driver, "_active", driver)
    monkeypatch.setattr(triton, "compile", driver.compile)
    monkeypatch.setattr("convrnn3d.launcher._compiled", {})
    return driver


def run(x: Any, y: Any, size: int, block: int = 8, warps: int = 4) -> None:
    launch(KERNEL, 3, (x, y, size), {"block": block}, OPTIONS | {"num_warps": warps})


KERNEL = JITFunction(named)


def test_the_driver_gets_addresses_and_the_current_stream(driver: Driver) -> None:
    x, y = torch.zeros(4), torch.zeros(4)
    run(Slot(x, 2, 1), y, 4)
    driver.device = 1
    run(Slot(None), None, 4)
    before = 3, 1, 1, 7, "loaded", "metadata", None, None, None
    assert driver.launched[0] == (*before, (x.data_ptr(), 2, 1), y.data_ptr(), 4, 8)
    assert driver.launched[1] == (3, 1, 1, 8, *before[4:], (None, 1, 0), None, 4, 8)
    launch(KERNEL, 0, (x, y, 4), {"block": 8}, OPTIONS)
    assert len(driver.launched) == 2  # nothing to run


def test_a_kernel_is_compiled_for_kinds_of_arguments_not_for_values(driver: Driver) -> None:
    x, other = torch.zeros(8), torch.ones(9)
    for size in (1, 4, 16, 2**31 - 1):
        run(Slot(x, size, 1), other, size)
    run(Slot(other, 5, 2), x, 3)
    assert len(driver.compiled) == 1
    different = [
        lambda: run(Slot(x.bfloat16()), other, 1),
        lambda: run(Slot(None), other, 1),
        lambda: run(Slot(x), None, 1),
        lambda: run(Slot(x[1:]), other, 1),  # not aligned to 16 bytes
        lambda: run(Slot(x), other[1:], 1),
        lambda: run(Slot(x), other, 2**31),
        lambda: run(Slot(x), other, 1, block=16),
        lambda: run(Slot(x), other, 1, warps=8),
        lambda: (setattr(driver, "device", 1), run(Slot(x), other, 1)),
    ]
    for count, call in enumerate(different, start=2):
        call()
        call()
        assert len(driver.compiled) == count
