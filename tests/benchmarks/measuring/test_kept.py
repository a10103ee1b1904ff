"""Tables that are replaced as a whole, and the options of the commands that keep them."""

import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest

from benchmarks.measuring.kept import parsed, read_table, write_table


def test_a_table_is_read_back_and_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "new" / "table.csv"
    assert read_table(file) == []
    for rows in ([{"a": "1", "b": "x, y"}, {"a": "2", "b": ""}], [{"a": "3", "b": "z"}]):
        write_table(file, ("a", "b"), rows)
        assert read_table(file) == rows


def test_a_failed_write_leaves_the_previous_table(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    write_table(file, ("a",), [{"a": "1"}])
    with pytest.raises(ValueError, match="fields not in fieldnames"):
        write_table(file, ("a",), [{"a": "2"}, {"b": "3"}])
    assert read_table(file) == [{"a": "1"}]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--triton", "3.6.0"], "--triton 3.6.0 needs --recorded: the installed Triton is 3.9.0"),
        (["--record", "--triton", "3.6.0"], "--triton 3.6.0 needs --recorded: the installed Triton is 3.9.0"),
        (["--record", "--recorded"], "not allowed with"),
    ],
)
def test_conflicting_record_and_triton_options_are_rejected(
    words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys, "argv", ["command", *words])
    with pytest.raises(SystemExit, match="2"):
        parsed(ArgumentParser(), "3.9.0")
    assert sentence in capsys.readouterr().err


def test_records_of_another_triton_version_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["command", "--recorded", "--triton", "3.6.0"])
    assert parsed(ArgumentParser(), "3.9.0").triton == "3.6.0"
