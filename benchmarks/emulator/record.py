"""Stored outcomes of emulated problems: one file per version of Triton, a row for each result of a problem.

A problem's rows are found by the digest of its launches, so they apply as long as the kernels are compiled from the
same source with the same tiles.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import triton
from convrnn3d.launcher import FUSION, argument_kind, to_compile

from benchmarks.emulator.check import Distance, Problem, by_kernels
from benchmarks.machine_code.digest import digest
from benchmarks.measuring.kept import Row, read_table, write_table

FOLDER = Path(__file__).parents[1] / "results" / "emulator"
WORDS = ("architecture", "kind", "bracket", "cell", "digest")
COLUMNS = (*WORDS, "result", "ours", "theirs", "allowed")


def file_of(version: str) -> Path:
    return FOLDER / f"triton-{version}.csv"


def digest_of(problem: Problem) -> str:
    """Twelve digits that change with the source or options of any of the problem's launches."""
    found = []

    def take_down(kernel: Any, blocks: int, arguments: tuple, constants: dict[str, Any], options: dict) -> None:
        what = to_compile(kernel, tuple(map(argument_kind, arguments)), constants)
        found.append((blocks, digest(what, options | FUSION, problem.architecture)))

    by_kernels(problem, take_down)
    return hashlib.sha256(repr(found).encode()).hexdigest()[:12]


def recorded(version: str, problem: Problem) -> list[Distance]:
    """The recorded results of a problem in its current form with a version of Triton; empty if there are none."""
    words = _words(problem)
    return [
        Distance(row["result"], *(float(row[name]) for name in ("ours", "theirs", "allowed")))
        for row in read_table(file_of(version))
        if all(row[name] == word for name, word in words.items())
    ]


def keep(problem: Problem, found: Iterable[Distance]) -> None:
    """Store the results of this version of Triton's kernels, replacing earlier ones of the problem."""
    words, file = _words(problem), file_of(triton.__version__)
    others = [row for row in read_table(file) if any(row[name] != words[name] for name in WORDS[:4])]
    rows = [words | {"result": one.what} | _numbers(one) for one in found]
    write_table(file, COLUMNS, sorted(others + rows, key=lambda row: [row[name].zfill(8) for name in WORDS[:4]]))


def _words(problem: Problem) -> Row:
    words = problem.architecture, problem.kind, str(problem.bracket), problem.cell, digest_of(problem)
    return dict(zip(WORDS, words, strict=True))


def _numbers(distance: Distance) -> Row:
    return {name: f"{getattr(distance, name):.6g}" for name in ("ours", "theirs", "allowed")}
