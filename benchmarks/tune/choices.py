"""Changing and writing the launch table, which has a choice for each kernel, kind of operand and bracket."""

import json
from dataclasses import asdict, replace

from convrnn3d.tuning import Launch

BATCHES = (1, 8, 16, 36, 64, 192, 256)  # the brackets' ends; the last bracket includes all larger batches


def chosen(choices: list[Launch], batch: int) -> Launch:
    return next(launch for launch in choices if launch.batch is None or batch <= launch.batch)


def with_choice(choices: list[Launch], batch: int, choice: Launch, steps: int = 1) -> list[Launch]:
    """`choices` of a kernel with another one for the bracket that ends at `batch`; the others are unchanged.

    steps: steps of each sample that a launch handles; the kernel's brackets count them all.
    """
    picked = {end: choice if end == batch else chosen(choices, end * steps) for end in BATCHES}
    return [replace(launch, batch=None if end == BATCHES[-1] else end * steps) for end, launch in picked.items()]


def written(launches: dict[str, dict[str, list[Launch]]], device: str | None) -> str:
    """The table as JSON, with one line per launch."""

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
