"""The L2 cache's bandwidth is measured by actual reads, and stored among the results."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.measuring import peaks, results
from benchmarks.measuring.machine import Machine
from benchmarks.measuring.peaks import Reread, l2_cache
from benchmarks.measuring.rereading import BLOCK, reread
from benchmarks.measuring.results import append
from benchmarks.measuring.timing import Timing
from benchmarks.report import stored

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(("blocks", "programs", "passes"), [(5, 3, 4), (2, 7, 3), (1, 1, 1)])
def test_every_pass_reads_every_block_once(blocks: int, programs: int, passes: int) -> None:
    buffer = torch.arange(blocks * BLOCK, dtype=torch.float32, device=DEVICE).view(blocks, BLOCK) % 997
    sums = torch.full((programs, BLOCK), torch.nan, device=DEVICE)
    reread(buffer, sums, passes)
    torch.testing.assert_close(sums.sum(0), passes * buffer.sum(0), rtol=0, atol=0)
    if passes * blocks >= programs:
        assert all(row.any() for row in sums)  # all programs have a share


def test_bandwidth_is_bytes_over_the_best_round() -> None:
    found = Reread(size=4 << 20, passes=10, timing=Timing((10.0, 8.0, 20.0)))
    assert found.gbytes == pytest.approx(10 * (4 << 20) / 8e-6 / 1e9)
    row = found.row()
    assert (row.peak_gbytes, row.bytes, row.peak_mib) == (found.gbytes, 10 * (4 << 20), 4)
    assert row.timing.median == 10 and row.efficiency == 0.8


def test_l2_bandwidth_is_measured_on_any_device() -> None:
    found = l2_cache(DEVICE)
    assert 0.1 < found.gbytes < 100_000 and found.size <= peaks.REREAD


def test_the_newest_l2_bandwidth_is_used_and_is_not_a_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    machine = replace(Machine.here(), device="A GPU")
    for microseconds in (10.0, 8.0):
        append([Reread(4 << 20, 1, Timing((microseconds,) * 2)).row()], machine)
    file = results.file_of("A GPU")
    assert stored.comparisons(file) == []
    assert stored.l2_gbytes(file) == pytest.approx((4 << 20) / 8e3, rel=1e-3)
