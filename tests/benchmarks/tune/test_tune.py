"""The command, on any device."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import table, table_file

from benchmarks.tune import __main__ as command
from benchmarks.tune.choices import BATCHES
from benchmarks.work.outcomes import read

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def test_the_fastest_choice_is_written_and_all_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Sequence(8, 2, (1, 1, 2), 4, 3, torch.bfloat16, "ieee", DEVICE)
    monkeypatch.setattr(command, "sequence_of", lambda kind, batch, device: replace(small, batch=batch))
    monkeypatch.setattr(command, "compile_in_processes", lambda *arguments: None)
    out, timings = tmp_path / "launches.json", tmp_path / "timings.csv"
    asked = ["--kinds", "half", "--kernels", "gru_gates,gru_update", "--batches", "8,1", "--most", "2", "--jobs", "1"]
    options = command.parser().parse_args([*asked, "--timings", str(timings)])
    command.tune(options, DEVICE, 99 << 10, out)

    rows = list(read(timings))
    assert {(row.kernel, row.kind, row.batch) for row in rows} == {
        (kernel, "half", batch) for kernel in ("gru_gates", "gru_update") for batch in (1, 8)
    }
    before = {kernel: dict(kinds) for kernel, kinds in table().items()}
    monkeypatch.setenv("CONVRNN3D_LAUNCHES", str(out))
    table.cache_clear()
    try:
        after = table()
    finally:
        monkeypatch.delenv("CONVRNN3D_LAUNCHES")
        table.cache_clear()
    for kernel, kinds in before.items():
        for kind, choices in kinds.items():
            assert after[kernel][kind] == choices or (kind == "half" and kernel in ("gru_gates", "gru_update"))
    for kernel in ("gru_gates", "gru_update"):
        now = {launch.batch: replace(launch, batch=None) for launch in after[kernel]["half"]}
        assert list(now) == [*BATCHES[:-1], None]
        for batch in (1, 8):
            fastest = min(
                (row for row in rows if (row.kernel, row.batch) == (kernel, batch)), key=lambda row: row.microseconds
            )
            assert now[batch] == fastest.launch
    assert table_file(None) != out and not out.with_suffix(".new").exists()


def test_tune_without_a_gpu_is_an_error_but_its_help_works(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for argument, code, words in (("", 2, "tune needs a GPU, and there is none here"), ("--help", 0, "--timings")):
        monkeypatch.setattr("sys.argv", ["tune", *argument.split()])
        with pytest.raises(SystemExit) as ended:
            command.main()
        said = capsys.readouterr()
        assert ended.value.code == code and words in said.out + said.err
