"""Changing and writing the launch table."""

import json
from dataclasses import replace

import pytest
from convrnn3d.tuning import FOLDER, Launch, table, table_file

from benchmarks.tune.choices import BATCHES, with_choice, written


@pytest.mark.parametrize("architecture", [None, *(file.suffixes[0][1:] for file in FOLDER.glob("launches.*.json"))])
def test_the_table_is_written_as_it_is_read(architecture: str | None) -> None:
    stored = table_file(architecture).read_text(encoding="utf-8")
    kernels = table(architecture).items()
    launches = {kernel: {kind: list(choices) for kind, choices in kinds.items()} for kernel, kinds in kernels}
    assert written(launches, json.loads(stored)["device"]) == stored


def test_a_choice_for_one_bracket_leaves_the_others_unchanged() -> None:
    choices = list(table()["gru_gates"]["half"])
    other = Launch(None, 16, 32, 64, 8, 3)
    changed = with_choice(choices, 36, other)
    assert [launch.batch for launch in changed] == [*BATCHES[:-1], None]
    for batch in (1, 8, 16, 17, 36, 37, 64, 65, 256, 1000):
        now = next(launch for launch in changed if launch.batch is None or batch <= launch.batch)
        before = next(launch for launch in choices if launch.batch is None or batch <= launch.batch)
        expected = other if 16 < batch <= 36 else before
        assert replace(now, batch=None) == replace(expected, batch=None)
