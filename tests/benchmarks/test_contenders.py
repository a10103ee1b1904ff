"""Contenders compute the same thing: otherwise a comparison of their times would mean nothing."""

import pytest
import torch

from benchmarks.contenders import Problem, contenders
from benchmarks.peaks import peaks
from benchmarks.recurrence import able, errors, measure
from benchmarks.tables import printed

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_every_contender_is_right(cell: str, steps: int) -> None:
    problem = Problem(cell, batch=2, steps=steps, grid=2, channels=3, backward=True)
    names = {name for name, contender in contenders().items() if not contender.compiled}
    found = errors(names, problem, problem.inputs(DEVICE, seed=0))
    assert set(found) >= {"kernels", "reference", "eager NCDHW", "merged NDHWC"}
    assert max(found.values()) < 1e-6


def test_rows_carry_error_work_memory_and_spread() -> None:
    problem = Problem("gru", batch=2, steps=2, grid=2, channels=4, backward=True)
    names = able(DEVICE, compilers=False)
    rows = measure(problem, names, DEVICE, seconds=0.01)
    assert {row.contender for row in rows} == set(names)
    for row in rows:
        assert row.timing.p20 <= row.timing.median <= row.timing.p80
        assert 0 < row.error < 1e-6 and row.efficiency > 0 and row.peak_mib > 0
        assert (row.peak_tflops, row.peak_gbytes) == tuple(vars(peaks(DEVICE, "fp32")).values())
    assert rows[0].useful_mflop < rows[0].nominal_mflop
    assert "forward and backward, B 2, T 2" in printed(rows)


def test_inputs_are_never_zeros_and_differ_from_set_to_set() -> None:
    first, second = (Problem("lstm", 2, 2, grid=2, channels=3).inputs(DEVICE, seed) for seed in range(2))
    assert all(tensor.count_nonzero() == tensor.numel() for tensor in first)
    assert not any(torch.equal(a, b) for a, b in zip(first, second, strict=True))
