"""Kernels compiled once for each kind of arguments, then called directly.

Triton's `kernel[grid](...)` binds and specialises all arguments again at every launch, which takes the host longer than
the launch itself. Here the kinds of the arguments are the key: a tensor's type and whether it is aligned to 16 bytes,
whether an integer fits in 32 bits, the kind of a Slot's tensor. Another number of the same kind compiles nothing.
`python -m benchmarks.host` times a launch without the driver.
"""

from functools import cache
from typing import Any, NamedTuple

import torch
import triton
from torch import Tensor
from triton.compiler import ASTSource
from triton.runtime import JITFunction
from triton.runtime.jit import JITCallable

FUSION = {"enable_fp_fusion": True}  # of a multiplication and an addition; Triton 3.9 warns if it is not set
TYPES = {torch.float32: "*fp32", torch.bfloat16: "*bf16", torch.float16: "*fp16", torch.uint8: "*u8"}
RUNTIME = triton.knobs.runtime
ALIGNMENT = 16  # bytes: the widest load


class Slot(NamedTuple):
    """One of a sample's `slots` grids in a tensor (B, slots, X, Y, Z, C): a step's, or the first of a step's gates.

    Without a tensor it reads as zeros, and writes to it are dropped.
    """

    tensor: Tensor | None
    slots: int = 1
    slot: int = 0


ZEROS = Slot(None)


def of_gates(tensor: Tensor | None, steps: int, t: int) -> Slot:
    """The Slot of the first of step t's three grids in a tensor (B, steps, 3, X, Y, Z, C)."""
    return Slot(tensor, 3 * steps, 3 * t)


def launch(kernel: Any, blocks: int, arguments: tuple, constants: dict[str, Any], options: dict[str, int]) -> None:
    """Run `blocks` programs of a kernel whose first parameters are `arguments`, the others `constants`.

    options: num_warps, num_stages. Triton's interpreter runs kernels that are interpreted.
    """
    if not isinstance(kernel, JITFunction):
        kernel[(blocks,)](*arguments, **constants)
    elif blocks:
        driver = triton.runtime.driver.active
        device = driver.get_current_device()
        compiled, values = _compiled_with_values(device, kernel, arguments, constants, options)
        enter, leave = RUNTIME.launch_enter_hook, RUNTIME.launch_exit_hook
        if getattr(enter, "calls", enter) or getattr(leave, "calls", leave):  # a profiler listens
            compiled[(blocks, 1, 1)](*values)
        else:
            run = compiled.run  # loads the kernel on first access; before that it has no function
            how = driver.get_current_stream(device), compiled.function, compiled.packed_metadata, None, None, None
            run(blocks, 1, 1, *how, *values)


def compile_kernel(kernel: Any, arguments: tuple, constants: dict[str, Any], options: dict[str, int]) -> Any:
    """Return Triton's compiled kernel for the current device, from the second call on out of a cache."""
    device = triton.runtime.driver.active.get_current_device()
    return _compiled_with_values(device, kernel, arguments, constants, options)[0]


def _compiled_with_values(
    device: int, kernel: Any, arguments: tuple, constants: dict[str, Any], options: dict[str, int]
) -> tuple[Any, list]:
    """Return the compiled kernel and what it is called with: instead of a tensor, its address.

    Given a tensor, Triton's launcher would ask for its address again, and ask the driver whether it is on the device.
    """
    kinds: list = [kernel.fn, device, *constants.values(), *options.values()]
    values: list = []
    for argument in arguments:
        is_slot = type(argument) is Slot
        tensor = argument[0] if is_slot else argument
        if tensor is None:
            kinds.append(None)
            values.append(argument)
        elif type(tensor) is int:
            kinds.append(-(2**31) <= tensor < 2**31)
            values.append(tensor)
        else:
            address = tensor.data_ptr()
            kinds.append(tensor.dtype)
            kinds.append(address % ALIGNMENT == 0)
            values.append((address, argument[1], argument[2]) if is_slot else address)
    values += constants.values()
    key = tuple(kinds)
    compiled = _compiled.get(key)
    if compiled is None:
        what = to_compile(kernel, tuple(map(argument_kind, arguments)), constants)
        compiled = _compiled[key] = triton.compile(what, options=options | FUSION)
    return compiled, values


_compiled: dict[tuple, Any] = {}


def argument_kind(argument: Any) -> Any:
    """What a kernel is compiled for: a tensor's (type, aligned), i32 or i64, None, or a Slot of these."""
    if isinstance(argument, Tensor):
        return argument.dtype, argument.data_ptr() % ALIGNMENT == 0
    if isinstance(argument, Slot):
        return _slot_of(argument_kind(argument.tensor))
    return None if argument is None else "i32" if -(2**31) <= argument < 2**31 else "i64"


@cache
def _slot_of(kind: Any) -> Slot:
    return Slot(kind, "i32", "i32")  # type: ignore[arg-type]  # kinds in place of numbers


def to_compile(kernel: Any, kinds: tuple, constants: dict[str, Any]) -> ASTSource:
    """What Triton compiles: `kernel` for arguments of these kinds."""
    if isinstance(kernel, JITCallable):  # an interpreted function has no key
        _settle_key(kernel)
    names = kernel.arg_names
    if names[len(kinds) :] != list(constants):
        raise TypeError(f"{kernel.__name__} takes {names}, got {len(kinds)} arguments and {list(constants)}")
    fixed: dict[Any, Any] = {(len(kinds) + place,): value for place, value in enumerate(constants.values())}
    aligned = {}

    def signature(kind: Any, *path: int) -> Any:
        if isinstance(kind, Slot):
            return Slot(*(signature(part, *path, place) for place, part in enumerate(kind)))
        if kind is None:
            fixed[path] = None
            return "constexpr"
        if isinstance(kind, str):
            return kind
        if kind[1]:
            aligned[path] = [["tt.divisibility", ALIGNMENT]]
        return TYPES[kind[0]]

    types = {name: signature(kind, place) for place, (name, kind) in enumerate(zip(names, kinds, strict=False))}
    return ASTSource(kernel, types | dict.fromkeys(constants, "constexpr"), fixed, aligned)


def _settle_key(function: JITCallable, on_the_way: tuple[JITCallable, ...] = ()) -> None:
    """Make Triton compute a function's key in its cache on disk after the keys of all functions that it calls.

    Triton 3.6 derives the key from those of the called functions that it knows by then: the key would depend on the
    order in which a program first uses kernels, and each program would compile them again. Triton 3.9 computes the keys
    in this order by itself.
    """
    path = *on_the_way, function
    for name in function.fn.__code__.co_names:
        called = function.fn.__globals__.get(name)
        if isinstance(called, JITCallable) and not any(called is one for one in path):
            _settle_key(called, path)
    _ = function.cache_key
