"""Progress bars on standard error: shown in a terminal, silent in a pipe or a log."""

from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(items: Iterable[Item], label: str, unit: str = "it", total: int | None = None) -> Iterable[Item]:
    """Return `items` with a bar that appears after a second; `disable=None` keeps tqdm quiet without a terminal."""
    return tqdm(items, desc=label, unit=unit, total=total, disable=None, delay=1, leave=False)
