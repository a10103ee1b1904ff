"""Launches for `convrnn3d.sequence.Sequence` of kernels that are compiled for an NVIDIA GPU and emulated."""

from collections.abc import Callable
from functools import cache
from typing import Any

import triton
from convrnn3d.launcher import FUSION, Slot, argument_kind, to_compile
from torch import Tensor

from benchmarks.emulator.machine import run_all
from benchmarks.emulator.memory import Global
from benchmarks.emulator.ptx import Program, parse
from benchmarks.machine_code.compiled import TARGETS


@cache
def compiled(kernel: Any, kinds: tuple, constants: tuple, options: tuple, architecture: str) -> tuple[Program, int]:
    """A kernel's PTX, and how many bytes of shared memory it needs."""
    target = TARGETS[architecture]
    found = triton.compile(to_compile(kernel, kinds, dict(constants)), target=target, options=dict(options) | FUSION)
    return parse(found.asm["ptx"]), found.metadata.shared


def launcher(architecture: str, told: Callable[[str, int, int], None] = lambda *_: None) -> Callable[..., None]:
    """A function for a Sequence's `launch`. told: called with each launch's kernel, programs and instructions."""

    def launch(kernel: Any, blocks: int, arguments: tuple, constants: dict[str, Any], options: dict[str, int]) -> None:
        kinds = tuple(map(argument_kind, arguments))
        how = tuple(constants.items()), tuple(options.items())
        program, shared = compiled(kernel, kinds, *how, architecture)
        tensors = [argument.tensor if isinstance(argument, Slot) else argument for argument in arguments]
        memory = Global([tensor for tensor in tensors if isinstance(tensor, Tensor) and tensor.numel()])
        values = list(numbers(arguments))
        values += [0] * (len(program.parameters) - len(values))  # Triton's own scratch memory, which is not used
        named = dict(zip((name for name, _ in program.parameters), values, strict=True))
        threads, early = 32 * options["num_warps"], options.get("launch_pdl", False)
        executed = run_all(program, named, blocks, threads, shared, memory, early)
        told(kernel.__name__, blocks, executed)

    return launch


def numbers(arguments: tuple) -> list[int]:
    """The arguments as the driver gets them: a tensor's address, nothing for None."""
    found: list[int] = []
    for argument in arguments:
        if isinstance(argument, Slot):
            found += numbers(tuple(argument))
        elif isinstance(argument, Tensor):
            found.append(argument.data_ptr())
        elif argument is not None:
            found.append(int(argument))
    return found
