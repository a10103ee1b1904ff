"""Results are appended, complete and never mixed with others."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rows import ROW

from benchmarks.measuring import results
from benchmarks.measuring.machine import Machine
from benchmarks.measuring.results import COLUMNS, append, read
from benchmarks.results import main


def test_rows_are_appended_under_one_header(tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    append([ROW, replace(ROW, contender="reference")], Machine.here(), file)
    append([ROW], Machine.here(), file)
    stored = read(file)
    assert len(stored) == 3 and file.read_text(encoding="utf-8").count("measured,commit") == 1
    assert len({row["measured"] for row in stored[:2]}) == 1  # side by side
    first = stored[0]
    assert (first["median"], first["rounds"], first["graph"], first["torch"]) == ("10", "3", "True", torch.__version__)
    assert all(first[name] for name in COLUMNS if name not in ("driver", "cuda", "cudnn", "commit"))


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    file.write_text("name,seconds\na,1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="is not a results file"):
        append([ROW], Machine.here(), file)
    assert file.read_text(encoding="utf-8") == "name,seconds\na,1\n"


def test_a_runs_rows_are_added_unchanged_to_its_machines_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "kept")
    file = append([ROW], replace(Machine.here(), device="A GPU (80GB)"), tmp_path / "results.csv")
    assert main([str(file)]) == main([str(file)]) == 0
    kept = tmp_path / "kept" / "a-gpu-80gb.csv"
    assert read(kept) == read(file)  # a second time adds nothing


def test_adding_a_missing_file_names_it_and_exits_with_code_2(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / "nowhere.csv")])
    assert stopped.value.code == 2 and "nowhere.csv" in capsys.readouterr().err
