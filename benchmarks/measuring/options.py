"""Argument types of the commands: one or several numbers or names. Mistakes give a one-line message and exit code 2.

Use them as `ArgumentParser.add_argument`'s `type`, which also parses defaults given as strings.
"""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Collection
from math import isfinite
from pathlib import Path

CELLS = ("gru", "lstm")
KINDS = ("half", "tf32", "ieee")  # of operands, as launch tables have them


def command(name: str, doc: str) -> ArgumentParser:
    """The parser of `python -m benchmarks.NAME`; doc: the module's docstring, whose first line says what it does."""
    return ArgumentParser(f"python -m benchmarks.{name}", description=doc.splitlines()[0])


def whole(least: int = 1) -> Callable[[str], int]:
    """A whole number of at least `least`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise ArgumentTypeError(f"must be a whole number of at least {least}, not {text!r}")
        return number

    return read


def amount(zero: bool = False) -> Callable[[str], float]:
    """A finite number above zero, or with `zero` at least zero."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not isfinite(number) or number < 0 or (number == 0 and not zero):
            raise ArgumentTypeError(f"must be a number {'of at least' if zero else 'above'} zero, not {text!r}")
        return number

    return read


def numbers(least: int = 1) -> Callable[[str], list[int]]:
    """Comma-separated whole numbers of at least `least`."""
    return lambda text: [whole(least)(part) for part in text.split(",")]


def names(known: Collection[str]) -> Callable[[str], list[str]]:
    """Comma-separated names, all of them known."""

    def read(text: str) -> list[str]:
        found = text.split(",")
        if unknown := sorted(set(found) - set(known)):
            raise ArgumentTypeError(f"must be among {', '.join(known)}, not {', '.join(map(repr, unknown))}")
        return found

    return read


def existing(text: str) -> Path:
    """The path of an existing file."""
    path = Path(text)
    if not path.is_file():
        raise ArgumentTypeError(f"no such file: {text}")
    return path
