"""What to prepare: a mesh file and its origin."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from r2n2.data.splits import VARIANT_MARK
from r2n2.errors import UserError

FORBIDDEN = r'\x00-\x1f\x7f/\\:*?"<>|\ud800-\udfff'  # in folder names on at least one system, and undecodable bytes


def mixed_name(name: str) -> str:
    """The name with four hash digits in front, which make the order by name, and so the split, random."""
    return f"{hashlib.md5(name.encode()).hexdigest()[:4]}-{name}"


def plain_name(name: str) -> str:
    """The name as a folder name valid on any system: separators and wildcards become "-", leading "." and "-" go."""
    return re.sub(f"[{FORBIDDEN}]", "-", name).strip().lstrip(".- ")


@dataclass(frozen=True)
class MeshSource:
    """One object to prepare: mesh file, category word, model name, rotation (3, 3) to the canonical frame, and origin.

    Category and name become folder names. Raises UserError for a category that is not a plain folder name.
    """

    mesh: Path
    category: str
    name: str
    rotation: np.ndarray = field(default_factory=lambda: np.eye(3))
    record: dict[str, str] = field(default_factory=dict)
    variant: int = 0

    def __post_init__(self) -> None:
        if not self.category or plain_name(self.category) != self.category:
            raise UserError(f"{self.category!r} cannot be a category, which names a folder; use a word such as chair.")

    @property
    def folder(self) -> str:
        """The model's folder: its name, marked if it is a variant."""
        return f"{self.name}{VARIANT_MARK}{self.variant}" if self.variant else self.name
