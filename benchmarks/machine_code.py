"""What the compiler makes of every kernel in the launch table, for GPUs that need not be there.

    python -m benchmarks.machine_code [--target sm_90] [--json FILE]

The recurrences run on tensors without storage, with a launcher that takes down what would be launched; each distinct
kernel is compiled at C = 128, G = 4, and its registers, stack, shared memory and main loop are read off.
"""

from dataclasses import dataclass
from typing import Any

import torch
import triton
from convrnn3d import gru, lstm
from convrnn3d.sequence import Sequence
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

TARGETS = {f"sm_{arch}": GPUTarget("cuda", arch, 32) for arch in (80, 90, 100, 120)}
TARGETS |= {arch: GPUTarget("hip", arch, 64) for arch in ("gfx942", "gfx950")}
TYPES = {torch.float32: "*fp32", torch.bfloat16: "*bf16", torch.float16: "*fp16", torch.uint8: "*u8"}
OPERANDS = {"half": torch.bfloat16, "tf32": torch.float32, "ieee": torch.float32}
OPTIONS = ("num_warps", "num_stages")


@dataclass(frozen=True)
class Kernel:
    """A kernel as it would be launched: what tells it from others."""

    function: Any
    kind: str
    signature: tuple[tuple[str, str], ...]
    constants: tuple[tuple[str, Any], ...]
    options: tuple[tuple[str, int], ...]


def kernels(kind: str, batch: int) -> list[Kernel]:
    """Every kernel of both cells, forward and backward, at C = 128, G = 4, T = 3."""
    found: dict[Kernel, None] = {}

    def take_down(function: Any, blocks: int, *arguments: Any, **constants: Any) -> None:
        options = tuple((name, constants.pop(name)) for name in OPTIONS)
        signature, fixed = {}, dict(constants)
        for name, argument in zip(function.arg_names, arguments, strict=False):
            if argument is None:
                fixed[name] = None
            signature[name] = (
                "constexpr"
                if argument is None
                else TYPES[argument.dtype]
                if isinstance(argument, torch.Tensor)
                else "i32"
            )
        signature |= dict.fromkeys(constants, "constexpr")
        found[Kernel(function, kind, tuple(signature.items()), tuple(fixed.items()), options)] = None

    operand = OPERANDS[kind]
    precision = "tf32" if kind == "tf32" else "ieee"
    projection = torch.empty(batch, 3, 3, 4, 4, 4, 128, dtype=operand, device="meta")
    weight = torch.empty(3, 128, 128, 3, 3, 3, dtype=operand, device="meta")
    state = torch.empty(batch, 4, 4, 4, 128, dtype=operand, device="meta")
    sequence = Sequence.of(projection, weight, operand, precision)
    sequence.launch = take_down
    states, last, sources, gates = gru.forward(sequence, projection, weight, state, None, operand, True, True)
    gru.backward(sequence, states, last, weight, projection, None, sources, gates, True, operand, True)
    states, last, cell, sources, cells, gates = lstm.forward(
        sequence, projection, weight, (state, state), None, operand, True, True
    )
    lstm.backward(sequence, states, last, cell, weight, projection, None, sources, cells, gates, True, operand, True)
    return list(found)


def compiled(kernel: Kernel, target: str) -> Any:
    names = kernel.function.arg_names
    attributes = {
        (names.index(name),): [["tt.divisibility", 16]] for name, kind in kernel.signature if kind.startswith("*")
    }
    source = ASTSource(kernel.function, dict(kernel.signature), dict(kernel.constants), attributes)
    return triton.compile(source, target=TARGETS[target], options=dict(kernel.options))
