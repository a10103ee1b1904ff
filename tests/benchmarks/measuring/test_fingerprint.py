"""Figures count as old if and only if the code that they were measured with has changed."""

import sys
from pathlib import Path
from types import FrameType

import pytest
import torch
from convrnn3d import ConvGRU, ConvLSTM, freezing, onednn

from benchmarks.measuring import fingerprint as module
from benchmarks.measuring.fingerprint import FOLDER, ON_CPU, code_of, fingerprint


def test_only_a_gpus_fingerprint_follows_the_launch_table_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu, cpu = fingerprint(gpu=True), fingerprint(gpu=False)
    assert len(gpu) == len(cpu) == 12 and gpu != cpu
    other = tmp_path / "launches.json"
    other.write_text("{}", encoding="utf-8")
    monkeypatch.setenv("CONVRNN3D_LAUNCHES", str(other))
    assert fingerprint(gpu=True) != gpu and fingerprint(gpu=False) == cpu


@pytest.mark.parametrize(("name", "of_both"), [("manual", True), ("reference", True), ("gru", False), ("ops", False)])
def test_code_in_a_file_changes_the_fingerprints_of_devices_that_run_it(
    name: str, of_both: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in FOLDER.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    before = fingerprint(gpu=True), fingerprint(gpu=False)
    changed = tmp_path / f"{name}.py"
    changed.write_text("# a comment\n" + changed.read_text(encoding="utf-8"), encoding="utf-8")
    assert (fingerprint(gpu=True), fingerprint(gpu=False)) == before
    changed.write_text(changed.read_text(encoding="utf-8") + "more = 1\n", encoding="utf-8")
    assert fingerprint(gpu=True) != before[0] and (fingerprint(gpu=False) != before[1]) == of_both


def test_comments_docstrings_and_blank_lines_do_not_count_as_code() -> None:
    source = (
        '"""What\nfor."""\n\nX = "# text"  # why\n\n\nclass A:\n    """A."""\n\n    def f(self):  # f\n        "F."\n'
    )
    assert code_of(source).splitlines() == ['X = "# text"', "class A:", "    def f(self):"]
    assert code_of('X = """a\n\n# b"""\n') != code_of('X = """a\n"""\n')  # a string is code


def test_a_cpus_fingerprint_covers_exactly_the_files_that_it_runs() -> None:
    if onednn.hindrance(torch.zeros(1)) is not None:
        pytest.skip(onednn.hindrance(torch.zeros(1)))
    ran = set()

    def note(frame: FrameType, event: str, arg: object) -> None:
        path = Path(frame.f_code.co_filename)
        if path.parent == FOLDER and frame.f_code.co_name != "<module>":
            ran.add(path.stem)

    x = torch.randn(4, 2, 2, 2, 2, 8, requires_grad=True)
    modules = [kind(8, 32, backend=backend) for kind in (ConvGRU, ConvLSTM) for backend in ("auto", "reference")]
    sys.setprofile(note)
    try:
        for cell in modules:
            states, _ = cell(x, lengths=torch.tensor([2, 1, 2, 2]))
            states.sum().backward()
            with torch.no_grad(), freezing(cell.weight):
                cell(x)
    finally:
        sys.setprofile(None)
    assert ran == set(ON_CPU)
