"""The options that a model was prepared with, so that none is taken for one prepared with other options.

`prepared.json` next to a model's voxels holds the options that determined its files. A model without this file
(ShapeNet's own, or prepared before the file existed) is accepted as it is.
"""

import json
from pathlib import Path

from r2n2.errors import UserError
from r2n2.files import written_beside

PREPARED_FILE = "prepared.json"
Options = dict[str, object]


def write_options(folder: Path, options: Options) -> None:
    with written_beside(folder / PREPARED_FILE) as temporary:
        temporary.write_text(json.dumps(options) + "\n")


def differences(folder: Path, options: Options) -> list[str]:
    """Return "views 6, not 24" for each option in which the model in `folder` was prepared differently."""
    path = folder / PREPARED_FILE
    if not path.exists():
        return []
    try:
        before = json.loads(path.read_text())
        if not isinstance(before, dict):
            raise ValueError
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged; delete it, or the folder that contains it.") from error
    return [
        f"{name} {before[name]}, not {value}" for name, value in options.items() if before.get(name, value) != value
    ]
