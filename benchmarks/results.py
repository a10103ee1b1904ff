"""Append the rows of other result files, for example a GPU run's, to those in benchmarks/results.

python -m benchmarks.results FILE ...
"""

import sys
from pathlib import Path

from benchmarks.measuring.options import command
from benchmarks.measuring.results import adopt


def main(arguments: list[str] | None = None) -> int:
    parser = command("results", __doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    for file in parser.parse_args(arguments).files:
        try:
            found = adopt(file)
        except (OSError, ValueError) as error:
            parser.error(str(error))
        for own, number in found.items():
            print(f"{file}: {number} rows to {own.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
