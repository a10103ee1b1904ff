"""Work in shares: `--shard 3/16` is the third of sixteen, for sixteen jobs of any scheduler.

An object's shard is its name's checksum modulo the count. It depends on no list, so that jobs which see different lists
(one began before the last mesh was copied) never prepare the same object twice, and a job that was cut off goes on.
"""

import re
import zlib
from dataclasses import dataclass

from r2n2.errors import UserError


@dataclass(frozen=True)
class Shard:
    """Share `number` of `count`, counted from 1. Raises UserError for a number outside."""

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise UserError(
                f"There is no shard {self.number} of {self.count}; give a number from 1 to how many there are, such as "
                f"1/{max(self.count, 1)}."
            )

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The shard that "3/16" names. Raises UserError for anything else."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match:
            raise UserError(f"{text!r} names no shard; give its number and how many there are, such as 3/16.")
        return cls(int(match[1]), int(match[2]))

    def holds(self, key: str) -> bool:
        """Whether the object of this name is in the shard."""
        return zlib.crc32(key.encode(errors="surrogateescape")) % self.count == self.number - 1

    @property
    def mark(self) -> str:
        """What tells this shard's files from another's: ".3-of-16", nothing for the whole."""
        return f".{self.number}-of-{self.count}" if self.count > 1 else ""


WHOLE = Shard()
