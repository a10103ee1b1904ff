"""Settings in a TOML file: read, overridden by options, written, and refused by name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small import small_network
from typer.testing import CliRunner

from r2n2.commands.cli import app
from r2n2.config import NETWORKS
from r2n2.data.fingerprint import Fingerprint
from r2n2.errors import UserError
from r2n2.training.checkpoints import Checkpoints
from r2n2.training.recipes import RECIPES, TrainingConfig
from r2n2.training.settings import read_settings, write_settings
from r2n2.training.state import Description

TEXT = """
data = "there"
network = "3d-gru-3"
recipe = "2016"
learning-rate = 1
batch_size = 8
drops = [3, 5]
fall = "cosine"
"""


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> list[tuple[Any, ...]]:
    """The arguments of each call of the training function, which is replaced by one that does nothing."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr("r2n2.training.train.train", lambda *arguments, **others: calls.append((*arguments, others)))
    return calls


def test_options_override_the_file_which_overrides_the_recipe(
    called: list[tuple[Any, ...]], data_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "run.toml").write_text(TEXT)
    options = ["--config", str(tmp_path / "run.toml"), "--data", str(data_folder), "-o", str(tmp_path / "run")]
    CliRunner().invoke(app, ["train", *options, "--batch-size", "4", "--drops", "7"], catch_exceptions=False)
    network, models, output, config, *_ = called[0]
    assert network == NETWORKS["3d-gru-3"]
    assert (len(models), output) == (28, tmp_path / "run")
    changes = {"learning_rate": 1, "batch_size": 4, "drops": (7,), "fall": "cosine"}
    assert config == replace(RECIPES["2016"], **changes)
    assert len(called[0][-1]["validation"]) == 2


def test_only_selects_categories_and_a_resumed_run_keeps_them(
    called: list[tuple[Any, ...]], data_folder: Path, tmp_path: Path
) -> None:
    def models_of(*options: str) -> tuple[set[str], set[str]]:
        CliRunner().invoke(app, ["train", "-o", str(tmp_path / "run"), *options], catch_exceptions=False)
        _, models, *_, others = called.pop()
        return {model.word for model in models}, {model.word for model in others["validation"]}

    anew = ["--data", str(data_folder)]
    assert models_of(*anew) == ({"chair", "lamp"},) * 2
    assert models_of(*anew, "--only", "chair", "--only", "lamp") == ({"chair", "lamp"},) * 2
    assert models_of(*anew, "--only", "chair") == ({"chair"},) * 2
    (tmp_path / "x.toml").write_text('only = ["chair"]')
    assert models_of(*anew, "--config", str(tmp_path / "x.toml"), "--only", "lamp") == ({"lamp"},) * 2
    stored = Description(
        1, small_network("3d-gru-1"), TrainingConfig(only=("lamp",)), Fingerprint(0, ""), place=str(data_folder)
    )
    Checkpoints(tmp_path / "run").save({}, stored)
    assert models_of("--resume") == ({"lamp"},) * 2


@pytest.mark.parametrize(("options", "warned"), [((), True), (("--warmup", "4", "--cooldown", "20"), False)])
def test_a_schedule_that_does_not_fit_the_iterations_is_reported(
    called: list[tuple[Any, ...]], data_folder: Path, tmp_path: Path, options: tuple[str, ...], warned: bool
) -> None:
    command = ["train", "--data", str(data_folder), "-o", str(tmp_path / "run"), "--iterations", "30", *options]
    said = CliRunner().invoke(app, command, catch_exceptions=False).stderr
    assert len(called) == 1
    assert ("cooldown of 2500 do not fit into 30 iterations" in said) == warned, said


def test_written_settings_are_read_back_unchanged(tmp_path: Path) -> None:
    config = TrainingConfig(
        drops=(2, 4), clip=float("inf"), amp=True, learning_rate=3e-4, fall="cosine", only=("a", "b")
    )
    for network in (NETWORKS["3d-lstm-1"], small_network("compact")):
        write_settings(tmp_path / "x.toml", 'C:\\data "1"', network, config)
        settings = read_settings(tmp_path / "x.toml")
        assert (settings.data, settings.network) == (Path('C:\\data "1"'), network)
        assert TrainingConfig(**settings.changes) == config


def test_a_custom_network_is_a_toml_table(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('[network]\nbase = "3d-gru-3"\nhidden_channels = 64\n')
    assert read_settings(tmp_path / "x.toml").network == replace(NETWORKS["3d-gru-3"], hidden_channels=64)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("iteration = 3", r"unknown setting 'iteration'; did you mean iterations\?"),
        ("iterations = 3.5", "iterations in .* must be a whole number"),
        ("iterations = true", "iterations in .* must be a whole number"),
        ("amp = 1", "amp in .* must be true or false"),
        ("drops = 3", "drops in .* must be a list of whole numbers"),
        ('drops = ["3"]', "drops in .* must be a list of whole numbers"),
        ('only = "chair"', "only in .* must be a list of strings"),
        ("only = [3]", "only in .* must be a list of strings"),
        ("data = 3", "data in .* must be a string"),
        ("learning-rate = 1e-3\nlearning_rate = 1e-4", "both 'learning-rate' and 'learning_rate'"),
        ("x = [", "cannot be read as TOML"),
        ('network = "3d-gru-9"', "no network '3d-gru-9'"),
        ('[network]\nbase = "3d-gru-3"\nchannels = 3', "does not describe a valid network"),
        ('[network]\nname = "x"', "does not describe a valid network"),
        ("network = 3", "does not describe a valid network"),
        ('[network]\nbase = "3d-gru-3"\nkernel_size = 3.0', r"kernel_size is 3\.0"),
        ('[network]\nbase = "3d-gru-3"\nname = 3', "name is 3, not a string"),
        ('[network]\nbase = "3d-gru-3"\nhidden_channels = 0', "hidden_channels must be whole numbers .*, got 0"),
        ('[network]\nbase = "3d-gru-3"\nfeatures = [64, 64]', "features must be whole numbers .*, got"),
        ('[network]\nbase = "3d-gru-3"\nencoder_channels = 96', "encoder_channels must be a list of numbers, got 96"),
    ],
)
def test_an_invalid_setting_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(UserError, match=said):
        read_settings(tmp_path / "x.toml")


def test_a_missing_settings_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.toml cannot be read: No such file"):
        read_settings(tmp_path / "none.toml")


def test_auto_resume_continues_a_run_with_the_command_that_began_it(
    called: list[tuple[Any, ...]], data_folder: Path, tmp_path: Path
) -> None:
    """A job is queued again: the recipe and the initial weights are those that the run began with."""
    begun = replace(RECIPES["2016"], seed=7)
    command = ["train", "--data", str(data_folder), "-o", str(tmp_path), "--recipe", "compact", "--init", "weights"]
    Checkpoints(tmp_path).save({}, Description(1, NETWORKS["3d-gru-3"], begun, Fingerprint(28, "")))
    CliRunner().invoke(app, [*command, "--auto-resume"], catch_exceptions=False)
    assert called[0][3] == begun
    assert called[0][5:7] == (True, None)
    with pytest.raises(UserError, match="omit --recipe"):
        CliRunner().invoke(app, [*command, "--resume"], catch_exceptions=False)


def test_a_run_needs_data_and_a_folder(tmp_path: Path) -> None:
    for options, said in (
        ([], "name one with -o"),
        (["-o", str(tmp_path)], "--data"),
        (["-o", str(tmp_path), "--resume"], "no run"),
    ):
        with pytest.raises(UserError, match=said):
            CliRunner().invoke(app, ["train", *options], catch_exceptions=False)


@pytest.mark.parametrize("has_bfloat16", [True, False])
@pytest.mark.parametrize(("options", "asked"), [((), None), (("--amp",), True), (("--no-amp",), False)])
def test_a_recipe_uses_bfloat16_where_supported_unless_amp_is_given(
    called: list[tuple[Any, ...]],
    data_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_bfloat16: bool,
    options: tuple[str, ...],
    asked: bool | None,
) -> None:
    monkeypatch.setattr("r2n2.devices.has_bfloat16", lambda device: has_bfloat16)
    command = ["train", "--data", str(data_folder), "-o", str(tmp_path / "run"), "--device", "cpu", *options]
    said = CliRunner().invoke(app, command, catch_exceptions=False).stderr
    assert called[0][3].amp == (has_bfloat16 if asked is None else asked)
    assert ("--amp forces bfloat16" in said) == (asked is None and not has_bfloat16)


def test_a_resumed_run_keeps_bfloat16_on_a_cpu_without_it(
    called: list[tuple[Any, ...]], data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("r2n2.devices.has_bfloat16", lambda device: False)
    Checkpoints(tmp_path).save({}, Description(1, NETWORKS["compact"], RECIPES["compact"], Fingerprint(28, "")))
    command = ["train", "--data", str(data_folder), "-o", str(tmp_path), "--device", "cpu", "--resume"]
    CliRunner().invoke(app, command, catch_exceptions=False)
    assert called[0][3].amp


def test_init_shipped_is_the_shipped_weights_unless_a_file_has_that_name(
    called: list[tuple[Any, ...]], data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["train", "--data", str(data_folder), "-o", "run", "--init", "shipped"]
    CliRunner().invoke(app, command, catch_exceptions=False)
    assert called[0][6].name == "compact.safetensors"
    (tmp_path / "shipped").touch()
    CliRunner().invoke(app, command, catch_exceptions=False)
    assert called[1][6] == Path("shipped")
