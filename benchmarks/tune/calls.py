"""Recorded calls of each kernel in a training step, and the same call launched as another candidate."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import torch
from convrnn3d.launcher import Slot
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import Launch, architecture_of, dependent_launch

from benchmarks.machine_code.compiled import OPERANDS
from benchmarks.machine_code.step import training_step
from benchmarks.work.candidates import STEPS

Launched = tuple[Any, int, tuple, dict, dict]  # kernel, blocks, arguments, constants, options
Call = Callable[[Sequence], object]  # makes the sequence repeat a recorded call of a kernel


def sequence_of(kind: str, batch: int, device: torch.device) -> Sequence:
    """A sequence with C = 128, G = 4, STEPS steps, launched by the device's table as an ordinary call would."""
    precision = "tf32" if kind == "tf32" else "ieee"
    known = {"architecture": architecture_of(device), "dependent": dependent_launch(device, batch)}
    return Sequence(batch, STEPS, (4, 4, 4), 128, 3, OPERANDS[kind], precision, device, **known)


def both_cells(sequence: Sequence, kind: str) -> None:
    """Run a training step of each cell, through the `launch` of `sequence`."""
    batch, steps, channels = sequence.batch, sequence.steps, sequence.channels

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, dtype=OPERANDS[kind], device=sequence.device)

    grid = (*sequence.grid, channels)
    projection, weight = random(batch, steps, 3, *grid), random(3, channels, channels, 3, 3, 3) / 60
    for cell, states in (("gru", 1), ("lstm", 2)):
        training_step(cell, sequence, projection, weight, [random(batch, *grid) for _ in range(states)])


def recorded(sequence: Sequence, kind: str) -> dict[str, Call]:
    """The first convolving call of each kernel of the launch table in a training step."""
    calls: dict[str, Call] = {}

    class Recorder(Sequence):
        def run(self, kernel: Any, name: str, phase: Any, source: Slot, *rest: Any, **constants: Any) -> None:
            if source.tensor is not None:
                calls.setdefault(name, lambda other: other.run(kernel, name, phase, source, *rest, **constants))
            super().run(kernel, name, phase, source, *rest, **constants)

        def weight_gradient(self, *arguments: torch.Tensor) -> torch.Tensor:
            calls.setdefault("weight_gradient", lambda other: other.weight_gradient(*arguments))
            return super().weight_gradient(*arguments)

    both_cells(Recorder(**{field.name: getattr(sequence, field.name) for field in fields(sequence)}), kind)
    return calls


def launches_of(call: Call, sequence: Sequence, candidate: Launch) -> list[Launched]:
    """The launches of `call` as `candidate`: one, or two if a second one adds up parts."""
    launched: list[Launched] = []
    fitted = candidate.fitted(sequence.channels)
    call(replace(sequence, launch=lambda *one: launched.append(one), choose=lambda *_: fitted))
    return launched
