"""Tables of what takes long to find: CSV files, replaced whole, one for each version of Triton."""

import csv
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path

from r2n2.files import written_beside

Row = dict[str, str]


def parsed(parser: ArgumentParser, version: str) -> Namespace:
    """The arguments, --record, --recorded and --triton among them; version: of Triton here."""
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--record", action="store_true", help="find what was not recorded before, and keep it")
    kept.add_argument("--recorded", action="store_true", help="find nothing: show what was recorded")
    parser.add_argument("--triton", default=version, help="with --recorded: of which version; else this one")
    arguments = parser.parse_args()
    if arguments.triton != version and not arguments.recorded:
        parser.error(f"--triton {arguments.triton} needs --recorded: this is Triton {version}")
    return arguments


def read_table(file: Path) -> list[Row]:
    """Its rows; none if there is no such file."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_table(file: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Rows in place of those that the file has, if it is there."""
    with written_beside(file) as beside, beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
