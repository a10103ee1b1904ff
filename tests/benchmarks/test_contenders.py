"""Contenders compute the same thing: otherwise a comparison of their times would mean nothing."""

import csv
from pathlib import Path

import pytest
import torch
from conftest import small_network

from benchmarks.contenders import Problem, contenders
from benchmarks.peaks import Peaks
from benchmarks.port import Port
from benchmarks.recurrence import able, errors, measure, printed
from benchmarks.results import Machine, append, read
from r2n2.config import NETWORKS
from r2n2.network import R2N2

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_every_contender_is_right(cell: str) -> None:
    problem = Problem(cell, batch=2, steps=1, grid=2, channels=3, backward=True)
    chosen = {name: contender for name, contender in contenders().items() if not contender.compiled}
    found = errors(chosen, problem, problem.inputs(DEVICE), DEVICE)
    assert set(found) >= {"kernels", "reference", "eager NCDHW", "merged NDHWC"}
    assert max(found.values()) < 1e-6


def test_rows_carry_error_work_and_spread(tmp_path: Path) -> None:
    problem = Problem("gru", batch=2, steps=2, grid=2, channels=4, backward=True)
    rows = measure(problem, "fp32", able(DEVICE), DEVICE, Peaks(tflops=1, gbytes=10), rounds=3)
    assert {row.contender for row in rows} == set(able(DEVICE))
    assert all(row.p20 <= row.median <= row.p80 and 0 < row.error < 1e-6 and row.efficiency > 0 for row in rows)
    assert rows[0].useful_mflop < rows[0].nominal_mflop
    assert "forward and backward, B 2, T 2" in printed(rows)
    file = tmp_path / "results.csv"
    append(rows, Machine.here(), file)
    append(rows, Machine.here(), file)
    stored = read(file)
    assert len(stored) == 2 * len(rows) and stored[0]["torch"] == torch.__version__
    with file.open(newline="", encoding="utf-8") as stream:
        assert sum(line[0] == "commit" for line in csv.reader(stream)) == 1


@pytest.mark.parametrize("name", [name for name in NETWORKS if name.startswith(("3d", "res3d"))])
def test_the_port_of_a_network_gives_its_logits(name: str) -> None:
    model, views = R2N2(small_network(name)).double(), torch.rand(2, 2, 3, 127, 127, dtype=torch.float64)
    torch.testing.assert_close(Port(model)(views), model(views).logits)
