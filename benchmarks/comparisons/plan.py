"""What is measured, the most informative first: everything on a GPU, fewer sizes on a CPU, very little in a dry run."""

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import torch

from benchmarks.measuring.options import CELLS
from benchmarks.measuring.results import Row
from benchmarks.measuring.side_by_side import PRINTER, Witness
from benchmarks.networks import measure as networks
from benchmarks.networks.measure import NetworkProblem
from benchmarks.recurrence import measure as recurrence
from benchmarks.recurrence.problems import Problem
from r2n2.config import NETWORKS, NetworkConfig
from r2n2.devices import has_bfloat16

TYPES = ("bf16", "tf32", "fp16", "fp32")
TRAINING_TYPES = ("bf16", "tf32", "fp32")
BATCHES = (1, 4, 16, 36, 64, 256)
BOTH = (False, True)  # forward, and with the backward pass
TINY = NetworkConfig("tiny", "gru", 3, "simple", (4, 4, 4, 4, 6, 6), 12, 5, (5, 5, 4, 3))
ORIGINAL_BATCH, ORIGINAL_VIEWS = 36, 5  # of a training step in 2016, with at most so many views


@dataclass(frozen=True)
class Comparison:
    """A problem for all contenders. compilers: include those under torch.compile; cold: with a flushed L2 cache.

    interpreted: include the kernels even without a GPU, in Triton's interpreter, to try them out.
    """

    problem: Problem | NetworkProblem
    compilers: bool = False
    cold: bool = False
    interpreted: bool = False

    def __str__(self) -> str:
        problem = self.problem
        if isinstance(problem, Problem):
            sizes = f"B{problem.batch} T{problem.steps} G{problem.grid} C{problem.channels}"
            words = [problem.cell, "backward" if problem.backward else "forward", sizes, problem.type_name]
        else:
            sizes = f"B{problem.batch} T{problem.views}"
            words = [problem.network.name, "training" if problem.training else "inference", sizes, problem.type_name]
        return " ".join(words + ["compiled"] * self.compilers + ["cold"] * self.cold)

    def names(self, device: torch.device) -> list[str]:
        """Names of the contenders that take part on `device`."""
        if isinstance(self.problem, Problem):
            found = recurrence.able(device, self.problem, self.compilers)
        else:
            found = networks.able(device, self.problem, self.compilers)
        return list(dict.fromkeys(["kernels", *found])) if self.interpreted else found

    def measure(
        self, device: torch.device, seconds: float, witness: Witness = PRINTER, without: Collection[str] = ()
    ) -> list[Row]:
        """A row for each contender except those named in `without`, see `recurrence` and `networks`."""
        names = [name for name in self.names(device) if name not in without]
        if isinstance(self.problem, Problem):
            return recurrence.measure(self.problem, names, device, seconds, self.cold, witness)
        return networks.measure(self.problem, names, device, seconds, witness)

    def is_among(self, rows: Iterable[dict[str, str]], device: torch.device) -> bool:
        """Whether stored rows hold this comparison with what it is made for: compilers, or the kernels if they run."""
        contenders = {row["contender"] for row in rows if self._matches(row)}
        wanted = "compiled" if self.compilers else "kernels" if "kernels" in self.names(device) else ""
        return any(name.startswith(wanted) for name in contenders)

    def _matches(self, row: dict[str, str]) -> bool:
        mine = self.problem
        if isinstance(mine, Problem):
            sizes = ("recurrence", mine.cell, mine.batch, mine.steps, mine.grid, mine.channels, mine.backward)
        else:
            width = mine.network.hidden_channels
            sizes = ("network", mine.network.name, mine.batch, mine.views, 4, width, mine.training)
        names = ("table", "what", "batch", "steps", "grid", "channels", "backward", "dtype", "cold")
        return [row[name] for name in names] == [str(value) for value in (*sizes, mine.type_name, self.cold)]


def on_gpu() -> list[Comparison]:
    """The step at B = 1, 36 and 256 and some networks, then everything else; compilers, which take minutes, late."""
    leading = ("3d-gru-3", "res3d-gru-3")
    every = [
        *_steps(batches=(1, 36, 256), types=("bf16",)),
        *_training(leading, ("bf16",)),
        *_networks(leading, (1,), (3,), ("bf16",)),
        *_steps(batches=(1, 36, 256), types=("tf32",)),
        *_steps(batches=(1, 36), types=("bf16",), backward=(False,), compilers=True),
        *_steps(batches=(1, 36, 256)),
        *_networks(leading, (1, 36), (1, 3, 5), ("bf16", "tf32")),
        *_training(leading, ("bf16", "tf32")),
        *_steps(batches=(1, 36), types=("bf16", "tf32"), backward=(False,), cold=True),
        *_steps(batches=(4, 16, 64)),
        *_steps(batches=(1, 36, 256), types=("bf16",), compilers=True),
        *_steps(batches=BATCHES, steps=(5, 24)),
        *_steps(batches=BATCHES, steps=(1, 5), grid=8, channels=64),
        *_steps(batches=BATCHES[:4], steps=(24,), grid=8, channels=64),  # at B = 256 the inputs alone fill the device
        *_training(tuple(NETWORKS), TRAINING_TYPES),
        *_networks(tuple(NETWORKS), (1, 36), (1, 3, 5, 24), TYPES),
        *_networks(leading, (1,), (3,), ("bf16",), compilers=True),
        *_training(leading, ("bf16",), compilers=True),
        *_steps(batches=BATCHES, compilers=True),
    ]
    return list(dict.fromkeys(every))


def on_cpu() -> list[Comparison]:
    """float32: the step at five batch sizes, sequences, the other grid; every network's inference and training.

    Two networks are also measured in bfloat16 if the processor has it: on an EPYC without it, compact takes 1.7 s
    instead of float32's 0.04, and res3d-gru-3 took 85, on busy cores (`python -m benchmarks.networks --networks compact
    --types bf16,fp32 --views 3`).
    """
    names, half = tuple(NETWORKS), ("bf16",) if has_bfloat16(torch.device("cpu")) else ()
    return [
        *_steps(batches=(1, 4, 16, 36, 64), types=("fp32",), compilers=True),
        *_steps(batches=(1, 4, 36), steps=(5,), types=("fp32",), compilers=True),
        *_steps(batches=(1,), steps=(24,), types=("fp32",)),
        *_steps(batches=(1, 4), types=("fp32",), grid=8, channels=64),
        *_networks(names, (1,), (1, 3, 5), ("fp32",)),
        *_networks(("3d-gru-3", "res3d-gru-3", "compact"), (1,), (24,), ("fp32",)),
        *_networks(("res3d-gru-3", "compact"), (1,), (3,), half),
        *_training(names, ("fp32",), batch=1, views=3),
    ]


def dry() -> list[Comparison]:
    """Few channels, and the kernels once: the interpreter takes seconds where a GPU takes microseconds."""
    steps = [Problem("gru", 1, 1, grid=2, channels=4, backward=backward) for backward in BOTH]
    networks = [NetworkProblem(TINY, 1, 2, training=training) for training in BOTH]
    return [Comparison(steps[0], interpreted=True), *map(Comparison, (steps[1], *networks))]


def _steps(
    batches: tuple[int, ...],
    steps: tuple[int, ...] = (1,),
    types: tuple[str, ...] = TYPES,
    grid: int = 4,
    channels: int = 128,
    backward: tuple[bool, ...] = BOTH,
    compilers: bool = False,
    cold: bool = False,
) -> list[Comparison]:
    return [
        Comparison(Problem(cell, batch, length, grid, channels, type_name, with_backward), compilers, cold)
        for type_name, length, batch, with_backward, cell in itertools.product(types, steps, batches, backward, CELLS)
    ]


def _networks(
    names: tuple[str, ...],
    batches: tuple[int, ...],
    views: tuple[int, ...],
    types: tuple[str, ...],
    compilers: bool = False,
) -> list[Comparison]:
    return [
        Comparison(NetworkProblem(NETWORKS[name], batch, number, type_name), compilers)
        for type_name, batch, number, name in itertools.product(types, batches, views, names)
    ]


def _training(
    names: tuple[str, ...],
    types: tuple[str, ...],
    batch: int = ORIGINAL_BATCH,
    views: int = ORIGINAL_VIEWS,
    compilers: bool = False,
) -> list[Comparison]:
    return [
        Comparison(NetworkProblem(NETWORKS[name], batch, views, type_name, training=True), compilers)
        for type_name, name in itertools.product(types, names)
    ]
