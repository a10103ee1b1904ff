"""Every kernel that the launch table stands for, compiled for GPUs that need not be there.

The recurrences run on tensors without storage, with a launcher that takes down what would be launched: what is
compiled here is what a GPU would be given.
"""

from dataclasses import dataclass
from typing import Any

import torch
import triton
from convrnn3d import gru, lstm
from convrnn3d.sequence import FUSION, Sequence
from convrnn3d.tuning import supported, table
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

CHANNELS, GRID, STEPS, SIDE = 128, 4, 3, 3
TARGETS = {f"sm_{arch}": GPUTarget("cuda", arch, 32) for arch in (80, 90, 100, 120)}
TARGETS |= {arch: GPUTarget("hip", arch, 64) for arch in ("gfx942", "gfx950")}
OPERANDS = {"half": torch.bfloat16, "tf32": torch.float32, "ieee": torch.float32}
TYPES = {torch.float32: "*fp32", torch.bfloat16: "*bf16"}
OPTIONS = ("num_warps", "num_stages")


@dataclass(frozen=True)
class Kernel:
    """A kernel as it would be launched for operands of `kind` at `batch`."""

    function: str
    kind: str
    batch: int
    place: int  # among those taken down for `kind` and `batch`

    def compile(self, target: str) -> Any:
        """Triton's compiled kernel for one of TARGETS."""
        function, signature, constants, options = taken_down(self.kind, self.batch)[self.place]
        places = [place for place, name in enumerate(function.arg_names) if signature.get(name, "")[0] == "*"]
        constants = constants | {"PRECISION": supported(constants["PRECISION"], target)}
        aligned = {(place,): [["tt.divisibility", 16]] for place in places}
        return triton.compile(
            ASTSource(function, signature, constants, aligned), target=TARGETS[target], options=options | FUSION
        )

    @property
    def constants(self) -> dict[str, Any]:
        return taken_down(self.kind, self.batch)[self.place][2]

    @property
    def options(self) -> dict[str, int]:
        return taken_down(self.kind, self.batch)[self.place][3]


def brackets() -> list[int]:
    """A batch size for each bracket of the launch table."""
    ends = {launch.batch for kinds in table().values() for launches in kinds.values() for launch in launches}
    known = sorted(end for end in ends if end is not None)
    return [*known, known[-1] + 1]


def every_kernel(kinds: tuple[str, ...] = tuple(OPERANDS)) -> list[Kernel]:
    """Both cells' kernels, forward and backward, for every kind of operand and bracket, each distinct one once."""
    found: dict[str, Kernel] = {}
    for kind in kinds:
        for batch in brackets():
            for place, (function, signature, constants, options) in enumerate(taken_down(kind, batch)):
                name = function.fn.__module__.split(".")[-1] + "." + function.__name__.removesuffix("_kernel")
                found.setdefault(f"{name} {signature} {constants} {options}", Kernel(name, kind, batch, place))
    return list(found.values())


def taken_down(kind: str, batch: int) -> list[tuple[Any, dict[str, str], dict[str, Any], dict[str, int]]]:
    """What a training step of both cells launches: function, signature, constants, options."""
    launched = []

    def take_down(function: Any, blocks: int, *arguments: Any, **constants: Any) -> None:
        options = {name: constants.pop(name) for name in OPTIONS}
        named = dict(zip(function.arg_names, arguments, strict=False))
        constants |= {name: None for name, argument in named.items() if argument is None}
        signature = {name: "i32" if isinstance(argument, int) else "constexpr" for name, argument in named.items()}
        signature |= {name: TYPES[a.dtype] for name, a in named.items() if isinstance(a, torch.Tensor)}
        launched.append((function, signature | dict.fromkeys(constants, "constexpr"), constants, options))

    def empty(*shape: int) -> torch.Tensor:
        return torch.empty(shape, dtype=OPERANDS[kind], device="meta")

    dtype, grid = OPERANDS[kind], (GRID, GRID, GRID, CHANNELS)
    projection, weight = empty(batch, STEPS, 3, *grid), empty(3, CHANNELS, CHANNELS, SIDE, SIDE, SIDE)
    state = empty(batch, *grid)
    sequence = Sequence.of(projection, weight, dtype, "tf32" if kind == "tf32" else "ieee")
    sequence.launch = take_down
    states, last, sources, gates = gru.forward(sequence, projection, weight, state, None, dtype, True, True)
    gru.backward(sequence, states, last, weight, None, sources, None, None, gates, False, True, True)
    states, last, cell, sources, cells, gates = lstm.forward(
        sequence, projection, weight, (state, state), None, dtype, True, True
    )
    lstm.backward(sequence, states, last, cell, weight, None, sources, cells, gates, False, True, True)
    return launched
