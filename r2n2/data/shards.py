"""Divide work into shards: `--shard 3/16` is the third of sixteen, for sixteen jobs of any scheduler.

An object's shard is the checksum of its name modulo the count. It does not depend on the list of objects, so jobs that
see different lists (one began before the last mesh was copied) never prepare the same object twice, and an interrupted
job can continue.
"""

import re
import zlib
from dataclasses import dataclass

from r2n2.errors import UserError


@dataclass(frozen=True)
class Shard:
    """Shard `number` of `count`, counted from 1. Raises UserError if the number is out of range."""

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise UserError(
                f"There is no shard {self.number} of {self.count}; give a number from 1 to the count of shards, such "
                f"as 1/{max(self.count, 1)}."
            )

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Parse a shard written as "3/16". Raises UserError for any other form."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match:
            raise UserError(f"{text!r} is not a shard; give its number and the count of shards, such as 3/16.")
        return cls(int(match[1]), int(match[2]))

    def holds(self, key: str) -> bool:
        """Whether the object with this name is in the shard."""
        return zlib.crc32(key.encode(errors="surrogateescape")) % self.count == self.number - 1

    @property
    def mark(self) -> str:
        """The part of a file name that distinguishes shards: ".3-of-16", empty for the whole."""
        return f".{self.number}-of-{self.count}" if self.count > 1 else ""


WHOLE = Shard()
