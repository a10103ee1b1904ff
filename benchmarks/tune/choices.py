"""The launch table as it is changed and written: for each kernel and kind of operand a choice for each bracket."""

import json
from dataclasses import asdict, replace

from convrnn3d.tuning import Launch

BATCHES = (1, 8, 16, 36, 64, 192, 256)  # the brackets; the last is for all larger ones, too


def chosen(choices: list[Launch], batch: int) -> Launch:
    return next(launch for launch in choices if launch.batch is None or batch <= launch.batch)


def with_choice(choices: list[Launch], batch: int, choice: Launch, steps: int = 1) -> list[Launch]:
    """`choices` of a kernel with another one for the bracket that ends at `batch`; the others stay as they are.

    steps: of each sample; the brackets of a kernel that is about several count them all.
    """
    picked = {end: choice if end == batch else chosen(choices, end * steps) for end in BATCHES}
    return [replace(launch, batch=None if end == BATCHES[-1] else end * steps) for end, launch in picked.items()]


def written(launches: dict[str, dict[str, list[Launch]]], device: str | None) -> str:
    """The table as JSON with a line for each launch."""

    def line(launch: Launch) -> str:
        unsaid = {"shared": 0, "lines": False}
        return json.dumps({name: value for name, value in asdict(launch).items() if unsaid.get(name, ...) != value})

    kinds = {
        kernel: ",\n".join(
            f'   "{kind}": [\n' + ",\n".join(f"    {line(launch)}" for launch in choices) + "\n   ]"
            for kind, choices in by_kind.items()
        )
        for kernel, by_kind in launches.items()
    }
    body = ",\n".join(f'  "{kernel}": {{\n{text}\n  }}' for kernel, text in kinds.items())
    return f'{{\n "device": {json.dumps(device)},\n "launches": {{\n{body}\n }}\n}}\n'
