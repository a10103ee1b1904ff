"""A short run of the fuzzer; `python tests/helpers/fuzz.py` runs it for longer."""

from pathlib import Path

import fuzz
import pytest
from PIL import Image

from r2n2.commands import cli

SEED, COUNT = 1, 90


def test_damaged_files_give_no_traceback_and_no_half_written_file() -> None:
    print(f"seed {SEED}")
    assert list(fuzz.fuzz(COUNT, SEED)) == []


def test_the_fuzzer_sees_tracebacks_and_half_written_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash() -> None:
        raise ValueError("not a user's mistake")

    monkeypatch.setattr(fuzz, "main", crash)
    assert [failure.number for failure in fuzz.fuzz(3, SEED)] == [0, 1, 2]

    def half() -> None:
        output = next(word for word in cli.sys.argv if "/out/" in word)
        with open(output, "wb") as file:  # noqa: PTH123
            file.write(b"half")

    monkeypatch.setattr(fuzz, "main", half)
    assert [failure.reason for failure in fuzz.fuzz(2, SEED)][1] == "copy.safetensors is not whole"


def test_the_fuzzer_sees_silent_failures_and_leftover_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> None:
        raise SystemExit(2)

    monkeypatch.setattr(fuzz, "main", silent)
    assert [failure.reason for failure in fuzz.fuzz(1, SEED)] == ["exit code 2 without a message: "]

    def leaving() -> None:
        output = Path(next(word for word in cli.sys.argv if "/out/" in word))
        Image.new("RGB", (8, 8)).save(output.with_name("left-views.png"))
        print("r2n2: Something else is wrong.", file=cli.sys.stderr)
        raise SystemExit(2)

    monkeypatch.setattr(fuzz, "main", leaving)
    found = [failure.reason for failure in fuzz.fuzz(1, SEED)]
    assert found == ["left-views.png was written although the command failed"]
