"""Appends the rows of other result files, a GPU run's say, to those kept in results/.

python -m benchmarks.results FILE ...
"""

import sys
from pathlib import Path

from benchmarks.measuring.results import adopt


def main(files: list[str]) -> int:
    for name in files:
        for own, number in adopt(Path(name)).items():
            print(f"{name}: {number} rows to {own.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
