"""What commands take: numbers and names, one or several with commas between. A mistake is a sentence and exit code 2.

For `ArgumentParser.add_argument`'s `type`, which reads defaults that are texts, too.
"""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Collection
from math import isfinite
from pathlib import Path

CELLS = ("gru", "lstm")
KINDS = ("half", "tf32", "ieee")  # of operands, as launch tables have them


def command(name: str, doc: str) -> ArgumentParser:
    """The parser of `python -m benchmarks.NAME`; doc: the module's, whose first line tells what it does."""
    return ArgumentParser(f"python -m benchmarks.{name}", description=doc.splitlines()[0])


def whole(least: int = 1) -> Callable[[str], int]:
    """A whole number from `least` on."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise ArgumentTypeError(f"takes whole numbers from {least} on, not {text!r}")
        return number

    return read


def amount(zero: bool = False) -> Callable[[str], float]:
    """A finite number above zero, or zero, too."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not isfinite(number) or number < 0 or (number == 0 and not zero):
            raise ArgumentTypeError(f"takes {'no number below' if zero else 'numbers above'} zero, not {text!r}")
        return number

    return read


def numbers(least: int = 1) -> Callable[[str], list[int]]:
    """Whole numbers from `least` on, with commas between."""
    return lambda text: [whole(least)(part) for part in text.split(",")]


def names(known: Collection[str]) -> Callable[[str], list[str]]:
    """Some of the known names, with commas between."""

    def read(text: str) -> list[str]:
        found = text.split(",")
        if unknown := sorted(set(found) - set(known)):
            raise ArgumentTypeError(f"takes {', '.join(known)}, not {', '.join(map(repr, unknown))}")
        return found

    return read


def existing(text: str) -> Path:
    """A file that there is."""
    path = Path(text)
    if not path.is_file():
        raise ArgumentTypeError(f"there is no file {text}")
    return path
