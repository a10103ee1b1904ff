"""Every kernel that the launch table leads to, compiled for GPUs that need not be present.

The recurrences run on tensors without storage, with a launcher that records what would be launched, so the kernels
compiled here are those that a GPU would run.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from typing import Any

import torch
import triton
from convrnn3d.launcher import FUSION, argument_kind, to_compile
from convrnn3d.parts import conv_parts
from convrnn3d.places import Phase, Tile
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import overlaps_unasked, supported, table
from convrnn3d.wgrad import GradientTile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from benchmarks.machine_code.digest import digest
from benchmarks.machine_code.disassembly import MachineCode, read
from benchmarks.machine_code.step import training_step

CHANNELS, GRID, STEPS, SIDE = 128, 4, 3, 3
TARGETS = {f"sm_{arch}": GPUTarget("cuda", arch, 32) for arch in (80, 90, 100, 120)}
TARGETS |= {arch: GPUTarget("hip", arch, 64) for arch in ("gfx942", "gfx950")}
OPERANDS = {"half": torch.bfloat16, "tf32": torch.float32, "ieee": torch.float32}


@dataclass(frozen=True)
class Kernel:
    """A kernel as it would be launched for operands of `kind` at `batch`."""

    function: str
    kind: str
    batch: int
    target: str  # one of TARGETS
    place: int  # index in `taken_down` for these

    def compile(self) -> Any:
        """Triton's compiled kernel."""
        what, options = self._asked
        return triton.compile(what, target=TARGETS[self.target], options=options)

    @property
    def digest(self) -> str:
        """Twelve digits that change with everything that decides the machine code except Triton's version."""
        return digest(*self._asked, self.target)

    @property
    def tile(self) -> Tile | GradientTile | None:
        return self._launched[2].get("TILE")

    @property
    def phase(self) -> Phase | None:
        return self._launched[2].get("PHASE")

    def words(self) -> dict[str, object]:
        """The columns that identify the kernel in a table."""
        tile = () if self.tile is None else self.tile[:3]  # rows, channels, inner
        if isinstance(self.tile, GradientTile):
            tile = self.tile.channels, self.tile.channels, self.tile.rows
        return {
            "kernel": self.function,
            "operands": self.kind,
            "batch": self.batch,
            "target": self.target,
            "tile": "x".join(map(str, tile)),
            "num_warps": self.options["num_warps"],
            "num_stages": self.options["num_stages"],
        }

    @property
    def options(self) -> dict[str, int]:
        return self._launched[3]

    @property
    def convolves(self) -> bool:
        """Whether the kernel convolves and computes the gates itself, neither from parts nor from zeros."""
        function, kinds, *_ = self._launched
        kind_of = dict(zip(function.arg_names, kinds, strict=False))
        whole = function is not conv_parts and "source" in kind_of
        return whole and kind_of["parts"] is None and kind_of["source"].tensor is not None

    @property
    def _asked(self) -> tuple[ASTSource, dict[str, Any]]:
        """The source and the options that the compiler is given."""
        function, kinds, constants, options = self._launched
        if tile := constants.get("TILE"):
            constants = constants | {"TILE": tile._replace(precision=supported(tile.precision, self.target))}
        return to_compile(function, kinds, constants), options | FUSION

    @property
    def _launched(self) -> tuple[Any, tuple, dict[str, Any], dict[str, int]]:
        return taken_down(self.kind, self.batch, self.target)[self.place]


def brackets(target: str) -> list[int]:
    """A batch size for each bracket of the launch table; with STEPS steps they also cover the weight gradient's."""
    by_kernel = {name: kinds for name, kinds in table(target).items() if name != "weight_gradient"}
    ends = {launch.batch for kinds in by_kernel.values() for launches in kinds.values() for launch in launches}
    known = sorted(end for end in ends if end is not None)
    return [*known, known[-1] + 1]


def every_kernel(target: str, kinds: tuple[str, ...] = tuple(OPERANDS), batches: tuple[int, ...] = ()) -> list[Kernel]:
    """Both cells' kernels, forward and backward, for every kind of operand, without duplicates.

    batches: the batch sizes that they are launched for; by default one of each bracket.
    """
    found: dict[str, Kernel] = {}
    for operand in kinds:
        for batch in batches or brackets(target):
            for place, (function, *how) in enumerate(taken_down(operand, batch, target)):
                name = function.fn.__module__.split(".")[-1] + "." + function.__name__.removesuffix("_kernel")
                found.setdefault(f"{name} {how}", Kernel(name, operand, batch, target, place))
    return list(found.values())


@cache
def taken_down(
    operand: str, batch: int, target: str = "sm_90"
) -> list[tuple[Any, tuple, dict[str, Any], dict[str, int]]]:
    """The launches of training steps of both cells, from first states and from zeros.

    Each is a tuple (function, kinds of its arguments, constants, options).
    """
    launched = []

    def take_down(
        function: Any, blocks: int, arguments: tuple, constants: dict[str, Any], options: dict[str, int]
    ) -> None:
        launched.append((function, tuple(map(argument_kind, arguments)), constants, options))

    def empty(*shape: int) -> torch.Tensor:
        return torch.empty(shape, dtype=OPERANDS[operand], device="meta")

    dtype, grid = OPERANDS[operand], (GRID, GRID, GRID, CHANNELS)
    projection, weight = empty(batch, STEPS, 3, *grid), empty(3, CHANNELS, CHANNELS, SIDE, SIDE, SIDE)
    state = empty(batch, *grid)
    sequence = Sequence.of(projection, weight, dtype, "tf32" if operand == "tf32" else "ieee")
    dependent = overlaps_unasked(target, batch)
    sequence = replace(sequence, launch=take_down, architecture=target, dependent=dependent)
    for cell, states in (("gru", [state]), ("lstm", [state, state]), ("gru", []), ("lstm", [])):
        training_step(cell, sequence, projection, weight, states)
    return launched


def machine_codes(kernels: list[Kernel], jobs: int) -> Iterator[MachineCode]:
    """The machine code of each kernel in turn, compiled in `jobs` processes."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_machine_code, kernels, chunksize=4)


def _machine_code(kernel: Kernel) -> MachineCode:
    return read(kernel.compile())
