"""A mistake on a benchmark's command line gives a one-line message and exit code 2 before anything is timed."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.measuring.options import amount, existing, names, numbers, whole


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (whole(), "3", 3),
        (whole(0), "0", 0),
        (amount(), "0.5", 0.5),
        (amount(zero=True), "0", 0),
        (numbers(), "1,36", [1, 36]),
        (names({"a": 1, "b": 2}), "b,a", ["b", "a"]),
    ],
)
def test_valid_values_are_parsed(read: Callable[[str], object], text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        (whole(), ["0", "-1", "x", "1.5", ""]),
        (whole(2), ["1"]),
        (amount(), ["0", "-1", "nan", "inf", "x"]),
        (amount(zero=True), ["-1", "nan"]),
        (numbers(), ["1,", "0", "1,x"]),
        (names(("a", "b")), ["c", "a,c", "", "a,"]),
        (existing, ["no such file", "."]),
    ],
)
def test_invalid_values_are_rejected(read: Callable[[str], object], wrong: list[str]) -> None:
    for text in wrong:
        with pytest.raises(ArgumentTypeError, match=r"must be|no such file: "):
            read(text)


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("recurrence", "--batch 0", "argument --batch: must be a whole number of at least 1, not '0'"),
        ("recurrence", "--cells gru,rnn", "argument --cells: must be among gru, lstm, not 'rnn'"),
        ("recurrence", "--seconds -1", "argument --seconds: must be a number above zero, not '-1'"),
        ("networks", "--networks 3d-gru-9", "argument --networks: must be among "),
        ("networks", "--views 1,none", "argument --views: must be a whole number"),
        ("host", "--rounds 0", "argument --rounds: must be a whole number of at least 2"),
        ("work", "--kernel-size 2", "argument --kernel-size: invalid choice: 2"),
        ("work", "--measured nowhere.csv", "argument --measured: no such file: nowhere.csv"),
        ("work.outcomes", "nowhere.csv", "argument FILE: no such file: nowhere.csv"),
        ("machine_code", "--targets sm_1", "argument --targets: must be among "),
        ("emulator", "--brackets some", "argument --brackets: must be a whole number"),
        ("tune", "--kinds whole", "argument --kinds: must be among half, tf32, ieee, not 'whole'"),
        ("step_times", "--kinds half,all", "argument --kinds: must be among half, tf32, ieee, not 'all'"),
        ("gpu_run", "--out x --parts none", "argument --parts: must be among "),
        ("rendering", "--renderers pencil", "argument --renderers: must be among "),
        ("loading", "--network 3d-gru-9", "There is no network '3d-gru-9'"),
        ("loading", "--data nowhere", "There is no folder nowhere"),
        ("peaks", "--all", "unrecognized arguments: --all"),
        ("pictures", "--all", "unrecognized arguments: --all"),
    ],
)
def test_a_command_with_an_invalid_option_measures_nothing(
    command: str,
    options: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [command, *options.split()])
    module = import_module(f"benchmarks.{command}")
    if hasattr(module, "__path__"):
        module = import_module(f"benchmarks.{command}.__main__")
    with pytest.raises(SystemExit) as ended:
        module.main()
    printed = capsys.readouterr()
    assert ended.value.code == 2 and said in printed.err and not printed.out
    assert f"python -m benchmarks.{command}" in printed.err and not list(tmp_path.iterdir())
