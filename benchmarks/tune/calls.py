"""How a training step launches each kernel, recorded, and the same call launched as another candidate."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import torch
from convrnn3d import gru, lstm
from convrnn3d.launcher import Slot
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import Launch, architecture_of

from benchmarks.machine_code.compiled import OPERANDS

Launched = tuple[Any, int, tuple, dict, dict]  # kernel, blocks, arguments, constants, options
Call = Callable[[Sequence], object]  # makes the sequence launch a kernel as it was launched before


def sequence_of(kind: str, batch: int, device: torch.device) -> Sequence:
    """C = 128, G = 4, three steps; launched by the table of the device's architecture."""
    precision, architecture = "tf32" if kind == "tf32" else "ieee", architecture_of(device)
    return Sequence(batch, 3, (4, 4, 4), 128, 3, OPERANDS[kind], precision, device, architecture=architecture)


def training_step(sequence: Sequence, kind: str) -> None:
    """Both cells forward and backward, through whatever launches `sequence` is given."""
    dtype, device, batch, steps = OPERANDS[kind], sequence.device, sequence.batch, sequence.steps

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, dtype=dtype, device=device)

    grid = (*sequence.grid, sequence.channels)
    projection, weight = random(batch, steps, 3, *grid), random(3, sequence.channels, *grid[-1:], 3, 3, 3) / 60
    state = random(batch, *grid)
    states, last, *kept = gru.forward(sequence, projection, weight, state, None, dtype, True, True)
    sources, gates, packed = kept
    gru.backward(sequence, states, last, weight, packed, None, sources, None, None, gates, dtype, False, True, True)
    states, last, cell, *kept = lstm.forward(
        sequence, projection, weight, (state, state.clone()), None, dtype, True, True
    )
    sources, cells, gates, packed = kept
    lstm.backward(sequence, states, last, cell, weight, packed, None, sources, cells, gates, dtype, False, True, True)


def recorded(sequence: Sequence, kind: str) -> dict[str, Call]:
    """How a training step launches each kernel of the launch table, the first time that it convolves."""
    calls: dict[str, Call] = {}

    class Recorder(Sequence):
        def run(self, kernel: Any, name: str, phase: Any, source: Slot, *rest: Any, **constants: Any) -> None:
            if source.tensor is not None:
                calls.setdefault(name, lambda other: other.run(kernel, name, phase, source, *rest, **constants))
            super().run(kernel, name, phase, source, *rest, **constants)

        def weight_gradient(self, *arguments: torch.Tensor) -> torch.Tensor:
            calls.setdefault("weight_gradient", lambda other: other.weight_gradient(*arguments))
            return super().weight_gradient(*arguments)

    training_step(Recorder(**{field.name: getattr(sequence, field.name) for field in fields(sequence)}), kind)
    return calls


def launches_of(call: Call, sequence: Sequence, candidate: Launch) -> list[Launched]:
    """What `call` launches as `candidate`: one launch, or two where another adds parts up."""
    launched: list[Launched] = []
    fitted = candidate.fitted(sequence.channels)
    call(replace(sequence, launch=lambda *one: launched.append(one), choose=lambda *_: fitted))
    return launched
