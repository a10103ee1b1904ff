"""What a model was prepared with, so that a folder never mixes options unsaid.

`prepared.json` beside a model's voxels holds the options that shaped its files. A model without one (ShapeNet's own, or
prepared before there was such a file) is taken as it is.
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
    """ "views 6, not 24" for each option with which the model in `folder` was prepared otherwise."""
    path = folder / PREPARED_FILE
    if not path.exists():
        return []
    try:
        before = json.loads(path.read_text())
        if not isinstance(before, dict):
            raise ValueError
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged; delete it, or the folder that it lies in.") from error
    return [
        f"{name} {before[name]}, not {value}" for name, value in options.items() if before.get(name, value) != value
    ]
