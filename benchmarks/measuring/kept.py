"""Tables of results that take long to compute: CSV files, one per version of Triton, which are replaced as a whole."""

import csv
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path

from r2n2.files import written_beside

Row = dict[str, str]


def parsed(parser: ArgumentParser, version: str) -> Namespace:
    """The arguments, including --record, --recorded and --triton; version: of the installed Triton."""
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--record", action="store_true", help="compute and record only what is not recorded yet")
    kept.add_argument("--recorded", action="store_true", help="compute nothing, only show what is recorded")
    parser.add_argument("--triton", default=version, help="version to show with --recorded (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.triton != version and not arguments.recorded:
        parser.error(f"--triton {arguments.triton} needs --recorded: the installed Triton is {version}")
    return arguments


def read_table(file: Path) -> list[Row]:
    """The file's rows; none if the file does not exist."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_table(file: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows to the file, replacing its contents."""
    with written_beside(file) as beside, beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
