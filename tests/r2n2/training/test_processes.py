"""Two processes compute the same training as one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small import small_network
from train_shared import losses

from r2n2.data.fingerprint import fingerprint
from r2n2.data.shapenet import find_models, select
from r2n2.errors import UserError
from r2n2.training.checkpoints import Checkpoints
from r2n2.training.loop import Loop
from r2n2.training.processes import ALONE, Processes, joined
from r2n2.training.recipes import TrainingConfig
from r2n2.training.run import Run
from r2n2.training.state import Description

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
NAMES = ("compact", "3d-lstm-3")  # with norms and dropout, and without


@pytest.fixture(autouse=True)
def float32_again() -> None:
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.long
def test_two_processes_compute_the_losses_and_weights_of_one(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "helpers" / "train_shared.py"
    command = [*TORCHRUN, str(script), str(tmp_path / "two.json"), *NAMES]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert result.returncode == 0, result.stderr
    two = json.loads((tmp_path / "two.json").read_text())
    assert two["heard"] == 1
    for name in NAMES:
        one = losses(name, ALONE)
        assert two[name]["losses"] == pytest.approx(one["losses"], rel=1e-9), name
        assert two[name]["weights"] == pytest.approx(one["weights"], rel=1e-7), name


def test_a_batch_in_pieces_gives_the_losses_of_the_whole_batch() -> None:
    """For a network without batch norms, whose statistics would be those of each piece."""
    whole, pieces = (losses("3d-lstm-3", ALONE, accumulate) for accumulate in (1, 2))
    assert pieces["losses"] == pytest.approx(whole["losses"], rel=1e-9)
    assert pieces["weights"] == pytest.approx(whole["weights"], rel=1e-7)


def test_each_process_reads_its_own_part_of_a_batch(data_folder: Path, tmp_path: Path) -> None:
    models, network = select(find_models(data_folder)[0], "train"), small_network("3d-gru-1")
    config = TrainingConfig(batch_size=4, max_views=2, workers=0)
    run = Run(network, config, torch.device("cpu"))
    description = Description(0, network, config, fingerprint(models))
    read = []
    for processes in (ALONE, Processes(0, 2), Processes(1, 2)):
        run.processes = processes
        read.append(next(Loop(run, description, Checkpoints(tmp_path), ())._batches(models)))
    for whole, first, second in zip(*read, strict=True):
        assert torch.equal(torch.cat([first, second]), whole)


def test_a_batch_that_does_not_divide_equally_is_refused() -> None:
    with pytest.raises(UserError, match="does not divide into 3 x 1 equal parts"):
        Run(small_network("3d-gru-1"), TrainingConfig(batch_size=4), torch.device("cpu"), Processes(0, 3))
    with pytest.raises(UserError, match="does not divide into 3 equal pieces"):
        TrainingConfig(batch_size=4, accumulate=3)


def test_a_missing_rank_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler sets WORLD_SIZE without the other variables that torchrun sets."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(UserError, match=r"RANK .*torchrun"), joined("cpu"):
        pass
