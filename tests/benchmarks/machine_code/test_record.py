"""Compiled kernels are recorded, and not compiled again."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import triton

from benchmarks.machine_code import record
from benchmarks.machine_code.disassembly import MachineCode


@dataclass(frozen=True)
class Kernel:
    digest: str
    target: str = "sm_90"
    kind: str = "half"

    def words(self) -> dict[str, object]:
        words = {"kernel": "gru.gates", "operands": self.kind, "batch": 36, "target": self.target, "tile": "64x32x64"}
        return words | {"num_warps": 4, "num_stages": 3}


def code_of(kernel: Kernel) -> MachineCode:
    return MachineCode("HGMMA", int(kernel.digest), *range(12))


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The digests of the compiled kernels, in order; the kernel with digest 13 does not compile."""
    found: list[str] = []

    def machine_codes(kernels: list[Kernel], jobs: int) -> Iterator[MachineCode]:
        for kernel in kernels:
            if kernel.digest == "13":
                raise RuntimeError("no such instruction")
            found.append(kernel.digest)
            yield code_of(kernel)

    monkeypatch.setattr(record, "machine_codes", machine_codes)
    monkeypatch.setattr(record, "FOLDER", tmp_path / "records")
    return found


def test_recorded_kernels_are_not_compiled_again(compiled: list[str]) -> None:
    kernels = [Kernel("1"), Kernel("2")]
    assert record.extend(kernels, 2) == {kernel.digest: code_of(kernel) for kernel in kernels}
    assert record.extend([*kernels, Kernel("3")], 2)["3"] == code_of(Kernel("3"))
    assert compiled == ["1", "2", "3"]
    assert record.recorded(triton.__version__)["1"] == code_of(Kernel("1"))


def test_unused_records_are_dropped_but_other_targets_and_kinds_stay(compiled: list[str]) -> None:
    record.extend([Kernel("1"), Kernel("2", target="sm_80"), Kernel("3", kind="ieee")], 2)
    assert sorted(record.extend([Kernel("4")], 2)) == ["2", "3", "4"]


def test_kernels_compiled_before_an_error_stay_recorded(compiled: list[str]) -> None:
    with pytest.raises(RuntimeError, match="no such instruction"):
        record.extend([Kernel("1"), Kernel("13"), Kernel("2")], 2)
    assert list(record.recorded(triton.__version__)) == ["1"]
    assert [file.name for file in record.FOLDER.iterdir()] == [f"triton-{triton.__version__}.csv"]


def test_a_triton_version_that_was_not_used_has_no_records(compiled: list[str]) -> None:
    assert record.recorded("2.0.0") == {}
