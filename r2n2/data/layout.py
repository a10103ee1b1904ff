"""Where a collection keeps its meshes: a path pattern that gives each mesh's category and name.

    {category}/{name}/models/model_normalized.obj      ShapeNetCore v2
    {category}/*/{name}.off                            ModelNet

The pattern is matched against the last parts of a path, so any folder of the collection may be given.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from r2n2.errors import UserError

FIELDS = ("{category}", "{name}")


@dataclass(frozen=True)
class Layout:
    """Patterns for a path's last parts; `{category}`, `{name}` and `*` match any characters within a part."""

    parts: tuple[re.Pattern[str], ...]

    @classmethod
    def parse(cls, text: str) -> "Layout":
        """Raises UserError unless `text` contains {category} and {name} once each, no other field and no empty part."""
        parts, rest = text.split("/"), text
        for field in FIELDS:
            rest = rest.replace(field, "", 1)
        if any(field not in text for field in FIELDS) or "" in parts or "{" in rest or "}" in rest:
            raise UserError(
                f"{text!r} is not a layout; it must contain {{category}} and {{name}} once each, as in "
                "{category}/{name}/models/model_normalized.obj."
            )
        return cls(tuple(re.compile(_pattern(part)) for part in parts))

    def match(self, path: Path) -> tuple[str, str] | None:
        """The category and the name of the mesh at `path`, or None if the path does not match."""
        found: dict[str, str] = {}
        whole = Path(os.path.normpath(path.absolute()))  # without "..", which would match as a name
        last = whole.parts[-len(self.parts) :]
        if len(last) < len(self.parts):
            return None
        for pattern, part in zip(self.parts, last, strict=True):
            match = pattern.fullmatch(part)
            if match is None:
                return None
            found |= match.groupdict()
        return found["category"], found["name"]


def _pattern(part: str) -> str:
    """The regular expression for one folder or file name."""
    spelled = {"{category}": "(?P<category>.+)", "{name}": "(?P<name>.+)", "*": ".*"}
    return "".join(spelled.get(piece) or re.escape(piece) for piece in re.split(r"({category}|{name}|\*)", part))
