"""Whether launches that should compute the same do so, on one set of random numbers.

Sums in other orders differ in their last digits, and values rounded to the operands' type by a digit of that type. A
larger difference, as a share of a tensor's largest value, means another result.
"""

from collections.abc import Callable
from typing import Any

import torch
from convrnn3d.launcher import Slot
from torch import Tensor

LARGEST_DIFFERENCE = {"half": 2**-6, "tf32": 2**-8, "ieee": 2**-13}  # by kind of operand, of the largest value


def outcome(launched: list[tuple], launch: Callable[..., None]) -> list[Tensor]:
    """All tensors that kernels read or write, after filling them with random numbers and running the kernels in order.

    This shows what is not written, or added to twice. `parts`, which one kernel leaves for the next, are no result.
    The tensors keep their values afterwards, so that a launch can be timed on them.
    """
    found: dict[int, tuple[str, Tensor]] = {}
    for kernel, _, arguments, *_ in launched:
        for name, argument in zip(kernel.arg_names, arguments, strict=False):
            tensor: Any = argument.tensor if isinstance(argument, Slot) else argument
            if isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.numel():
                found[tensor.data_ptr()] = name, tensor
    for _, tensor in found.values():
        generator = torch.Generator(tensor.device).manual_seed(0)
        tensor.normal_(0, 0.1, generator=generator)  # sums over some thousand products are of order one
    for one in launched:
        launch(*one)
    return [tensor.clone() for name, tensor in found.values() if name != "parts"]


def agree(ours: list[Tensor], others: list[Tensor], kind: str) -> bool:
    """Whether two outcomes are the same except for the order of sums."""
    largest = [LARGEST_DIFFERENCE[kind] * other.abs().max().item() for other in others]
    pairs = zip(ours, others, largest, strict=True)
    return all(bool(((one - other).abs() <= most).all()) for one, other, most in pairs)
