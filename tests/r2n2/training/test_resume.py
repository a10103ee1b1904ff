"""A run that is stopped, killed or cut off resumes bit for bit, and reports what it would otherwise hide."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from small import small_network

from r2n2.data.shapenet import Model, find_models, select
from r2n2.errors import SkippedWarning, UserError
from r2n2.network.checkpoint import load_tensors, load_weights, save_weights
from r2n2.network.model import R2N2
from r2n2.training.checkpoints import Checkpoints
from r2n2.training.interruption import StoppedError
from r2n2.training.processes import ALONE, Processes
from r2n2.training.recipes import TrainingConfig
from r2n2.training.records import read_table
from r2n2.training.run import Run
from r2n2.training.settings import write_settings
from r2n2.training.train import train

CPU, NETWORK = torch.device("cpu"), small_network("3d-gru-1")
CONFIG = TrainingConfig(
    iterations=8,
    batch_size=2,
    max_views=2,
    learning_rate=1e-3,
    warmup=3,
    cooldown=3,
    average=0.9,
    workers=0,
    report_every=3,
    save_every=4,
    keep=1,
    validate_every=0,
)


@pytest.fixture(scope="module")
def splits(data_folder: Path) -> dict[str, list[Model]]:
    models = find_models(data_folder)[0]
    return {split: select(models, split) for split in ("train", "val")}


@pytest.fixture(scope="module")
def whole(splits: dict[str, list[Model]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    train(NETWORK, splits["train"], folder, CONFIG, CPU)
    return folder


def losses(folder: Path) -> list[tuple[str, str]]:
    return [(line["iteration"], line["loss"]) for line in read_table(folder / "log.csv")]


def require_same(folder: Path, whole: Path) -> None:
    """Require the same losses in the log, each once, and bit-identical tensors in the last checkpoint."""
    assert losses(folder) == losses(whole)
    first, second = (load_tensors(Checkpoints(place).paths()[-1])[0] for place in (folder, whole))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def before_step(monkeypatch: pytest.MonkeyPatch, iteration: int, act: Callable[[], None]) -> None:
    """Call `act` as the step after `iteration` begins."""
    step = Run.step

    def acting(run: Run, *batch: torch.Tensor) -> torch.Tensor:
        if run.iteration == iteration:
            act()
        return step(run, *batch)

    monkeypatch.setattr(Run, "step", acting)


@pytest.mark.parametrize("iteration", [0, 4, 6])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_at_any_step_and_the_run_resumes_bit_for_bit(
    splits: dict[str, list[Model]],
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    iteration: int,
    number: signal.Signals,
) -> None:
    heeded = signal.signal(number, signal.default_int_handler)  # as in a terminal, wherever the tests run
    with monkeypatch.context() as patch:
        before_step(patch, iteration, partial(signal.raise_signal, number))
        with pytest.raises(StoppedError, match=f"after iteration {iteration + 1} of 8, saved") as stopped:
            train(NETWORK, splits["train"], tmp_path, CONFIG, CPU)
    assert str(stopped.value).endswith(f"; continue with --resume -o {tmp_path}.")  # without --init or --recipe
    assert stopped.value.exit_code == 128 + number
    assert signal.getsignal(number) is signal.default_int_handler
    signal.signal(number, heeded)
    assert [int(path.stem) for path in Checkpoints(tmp_path).paths()] == [iteration + 1]
    train(None, splits["train"], tmp_path, CONFIG, CPU, resume=True)
    require_same(tmp_path, whole)


def test_a_run_cut_off_between_checkpoints_logs_no_iteration_twice(
    splits: dict[str, list[Model]], whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError

    with monkeypatch.context() as patch, pytest.raises(OSError):
        before_step(patch, 7, fail)
        train(NETWORK, splits["train"], tmp_path, CONFIG, CPU)
    assert [line for line, _ in losses(tmp_path)] == ["3", "6"]  # past the checkpoint at 4
    train(None, splits["train"], tmp_path, CONFIG, CPU, resume=True)
    require_same(tmp_path, whole)


@pytest.mark.long
def test_kill_9_loses_at_most_one_interval_and_ctrl_c_exits_with_130(
    data_folder: Path, splits: dict[str, list[Model]], tmp_path: Path
) -> None:
    """The command itself: killed, resumed with only --resume and -o, interrupted; against an uninterrupted run."""
    config = replace(CONFIG, iterations=2000, cooldown=0, report_every=1, save_every=5, workers=1, keep=2)
    write_settings(tmp_path / "begin.toml", str(data_folder), NETWORK, config)
    run = tmp_path / "run"

    def until(arguments: list[str], iteration: int, number: signal.Signals) -> tuple[int, str]:
        heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background job would ignore Ctrl-C
        command = [sys.executable, "-m", "r2n2", "train", *arguments, "-o", str(run)]
        process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            preexec_fn=heed,
        )
        while not (found := losses(run)) or int(found[-1][0]) < iteration:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        if number == signal.SIGKILL:
            process.kill()
        else:
            os.killpg(process.pid, number)  # as a terminal does: to the workers, too
        said = process.communicate()[1]
        return process.returncode, said

    assert until(["--config", str(tmp_path / "begin.toml")], 7, signal.SIGKILL)[0] == -signal.SIGKILL
    logged, saved = int(losses(run)[-1][0]), Checkpoints(run).description().iteration
    assert saved % 5 == 0
    assert 0 <= logged - saved < 6
    code, said = until(["--resume"], logged + 2, signal.SIGINT)
    assert code == 130, said
    assert "Traceback" not in said
    assert "stopped by Ctrl-C" in said.splitlines()[-1]
    reached = Checkpoints(run).description().iteration
    assert losses(run)[-1][0] == str(reached)
    train(NETWORK, splits["train"], tmp_path / "whole", replace(config, iterations=reached, workers=0), CPU)
    assert losses(run) == losses(tmp_path / "whole")
    first, second = (load_tensors(Checkpoints(place).paths()[-1])[0] for place in (run, tmp_path / "whole"))
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_the_newest_checkpoints_and_the_best_are_kept(
    splits: dict[str, list[Model]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from r2n2.training import loop

    scores = iter([0.1, 0.3, 0.2, 0.3])  # the first of equal scores is the best
    monkeypatch.setattr(loop, "validate", lambda *_: loop_validation(next(scores)))
    config = replace(CONFIG, validate_every=2, save_every=100, keep=1)
    train(NETWORK, splits["train"], tmp_path, config, CPU, validation=splits["val"])
    assert [int(path.stem) for path in Checkpoints(tmp_path).paths()] == [4, 8]
    best = Checkpoints(tmp_path).description().best
    assert (best.iteration, best.iou) == (4, 0.3)
    assert [line["iou"] for line in read_table(tmp_path / "validation.csv")] == ["0.1", "0.3", "0.2", "0.3"]
    assert load_weights(tmp_path / "best.safetensors").config == NETWORK
    kept = load_tensors(tmp_path / "best.safetensors")[0]
    stored = load_tensors(Checkpoints(tmp_path).paths()[0])[0]
    assert all(torch.equal(tensor, stored[f"average.{name}"]) for name, tensor in kept.items())


@pytest.mark.parametrize("scores", [[0.3, 0.1, 0.2], [0.1, 0.3, 0.2]])
def test_weights_of_another_run_are_scored_before_the_first_step(
    splits: dict[str, list[Model]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scores: list[float]
) -> None:
    from r2n2.training import loop

    weights, config = tmp_path / "first.safetensors", replace(CONFIG, iterations=4, validate_every=2)
    save_weights(weights, R2N2(NETWORK))
    given = iter(scores)
    monkeypatch.setattr(loop, "validate", lambda *_: loop_validation(next(given)))
    train(NETWORK, splits["train"], tmp_path / "run", config, CPU, init=weights, validation=splits["val"])
    rows = read_table(tmp_path / "run" / "validation.csv")
    assert [(row["iteration"], row["iou"]) for row in rows] == list(zip("024", map(str, scores), strict=True))
    assert Checkpoints(tmp_path / "run").description().best.iou == 0.3
    best, first = (load_tensors(path)[0] for path in (tmp_path / "run" / "best.safetensors", weights))
    assert all(torch.equal(tensor, first[name]) for name, tensor in best.items()) == (scores[0] == 0.3)


def test_the_best_score_stands_until_the_validation_objects_change(
    splits: dict[str, list[Model]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from r2n2.training import loop

    scores = iter([0.9, 0.5, 0.2])
    monkeypatch.setattr(loop, "validate", lambda *_: loop_validation(next(scores)))
    best = []
    for iterations, validation in ((1, splits["val"]), (2, splits["val"]), (3, splits["val"][:1])):
        config = replace(CONFIG, iterations=iterations, validate_every=1)
        train(NETWORK, splits["train"], tmp_path, config, CPU, resume=iterations > 1, validation=validation)
        best.append(Checkpoints(tmp_path).description().best.iteration)
    assert best == [1, 1, 3]


def loop_validation(iou: float) -> object:
    from r2n2.training.validation import Validation

    return Validation([iou], None)


def test_validation_scores_the_shapes_and_draws_some(splits: dict[str, list[Model]], tmp_path: Path) -> None:
    from r2n2.evaluation.tables import evaluate
    from r2n2.training.validation import validate

    model = Run(NETWORK, CONFIG, CPU, ALONE).result()
    found = validate(model, splits["val"], 3)
    table = evaluate(model, splits["val"], 3)
    assert found.by_views == pytest.approx([table.views[str(count)].iou for count in (1, 2, 3)], abs=1e-6)
    assert found.picture.height > 2 * 320


def test_each_process_scores_its_share_of_the_validation_objects(
    splits: dict[str, list[Model]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from r2n2.training import validation
    from r2n2.training.validation import validate

    monkeypatch.setattr(validation, "PICTURED", 0)
    sums: list[torch.Tensor] = []

    class Share(Processes):
        def sum(self, values: torch.Tensor) -> torch.Tensor:
            sums.append(values)
            return values

    model, models = Run(NETWORK, CONFIG, CPU, ALONE).result(), splits["train"][:3]
    for rank, count in ((0, 1), (0, 2), (1, 2)):
        validate(model, models, 2, Share(rank, count))
    torch.testing.assert_close(sums[1] + sums[2], sums[0])
    assert sums[2][1].tolist() == [1, 1]


def test_a_validation_that_can_read_nothing_loses_no_iteration(splits: dict[str, list[Model]], tmp_path: Path) -> None:
    gone = [Model("03001627", "gone", tmp_path / "rendering", tmp_path / "model.binvox", "val")]
    with pytest.raises(UserError, match="None of the 1 models of the validation split"), pytest.warns(SkippedWarning):
        train(NETWORK, splits["train"], tmp_path / "run", replace(CONFIG, validate_every=3), CPU, validation=gone)
    assert [path.stem for path in Checkpoints(tmp_path / "run").paths()] == ["00000003"]


def test_a_run_killed_while_writing_resumes_with_weights_and_no_litter(
    splits: dict[str, list[Model]], whole: Path, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path / "run")
    (tmp_path / "run" / "weights.safetensors").unlink()  # as if killed between the last checkpoint and the weights
    litter = [tmp_path / "run" / name for name in (".weights.x.safetensors", "checkpoints/.tmpx")]
    for path in litter:
        path.touch()
    weights = train(None, splits["train"], tmp_path / "run", CONFIG, CPU, resume=True)
    assert load_weights(weights).config == NETWORK
    assert not any(path.exists() for path in litter)
    require_same(tmp_path / "run", whole)


def test_a_finished_run_says_so_and_cannot_be_shortened(
    splits: dict[str, list[Model]], whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(whole, tmp_path / "run")
    train(None, splits["train"], tmp_path / "run", CONFIG, CPU, resume=True)
    assert "has done its 8 iterations; --iterations" in capsys.readouterr().err
    require_same(tmp_path / "run", whole)
    with pytest.raises(UserError, match="has already done 8 iterations; --iterations sets where the run ends"):
        train(None, splits["train"], tmp_path / "run", replace(CONFIG, iterations=7, cooldown=0), CPU, resume=True)
    require_same(tmp_path / "run", whole)  # its last checkpoint is unchanged


def test_two_processes_do_not_train_in_one_folder(splits: dict[str, list[Model]], whole: Path, tmp_path: Path) -> None:
    """A job is queued again while the first one is still saving."""
    shutil.copytree(whole, tmp_path / "run")
    holding = "from r2n2.training.lock import locked; from pathlib import Path; import sys\n"
    holding += "with locked(Path(sys.argv[1])): print(flush=True); input()"
    command = [sys.executable, "-c", holding, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        first.stdout.readline()
        with pytest.raises(UserError, match="Another process is training in"):
            train(None, splits["train"], tmp_path / "run", CONFIG, CPU, resume=True)
        first.kill()
    train(None, splits["train"], tmp_path / "run", CONFIG, CPU, resume=True)


def test_resuming_with_changed_data_needs_the_option_other_data(
    splits: dict[str, list[Model]], whole: Path, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path / "run")
    longer = replace(CONFIG, iterations=9)
    for models in (splits["train"][1:], splits["train"][::-1]):
        with pytest.raises(UserError, match=r"training data differ from those .* --other-data"):
            train(None, models, tmp_path / "run", longer, CPU, resume=True)
    train(None, splits["train"][1:], tmp_path / "run", longer, CPU, resume=True, other_data=True)
    order = Checkpoints(tmp_path / "run").description().order
    assert (order.position, order.epoch) == (16, 1)  # a new epoch begins


def test_a_damaged_checkpoint_is_skipped_with_a_warning(splits: dict[str, list[Model]], tmp_path: Path) -> None:
    config = replace(CONFIG, keep=2)
    train(NETWORK, splits["train"], tmp_path, config, CPU)
    last = Checkpoints(tmp_path).paths()[-1]
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.warns(SkippedWarning, match=last.name):
        assert Checkpoints(tmp_path).description().iteration == 4
