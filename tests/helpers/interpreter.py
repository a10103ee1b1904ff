"""Triton's interpreter, without the work that it repeats for every operation although once is enough.

The interpreter checks each sum and product of integers for overflow and discards the result. It patches Triton's
language at every call of a function inside a kernel, and builds a dictionary of all types whenever it looks one up. It
works out the type and the shape of every result, although few of them differ. It brings any two operands to one type
and shape, although most already have it, and converts the same numbers again and again. All of this took longer
than the computation itself; `pytest --durations=30` shows how long the tests of kernels take. The interpreter also runs
programs one after the other, so the kernels that add parts up use few programs here, where a GPU runs as many as it has
room for.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import triton.language as tl
from convrnn3d.plans import ADD_PARTS, plan
from convrnn3d.tuning import Launch
from triton.language.semantic import TritonSemantic
from triton.runtime import interpreter

AS_ON_A_GPU = dict(ADD_PARTS)
KEPT = {"int32", "uint32", "int64", "fp32"}  # kept by two operands of the same type, or by one next to an integer
IN_FEW_PROGRAMS = {shared: replace(launch, rows=32) for shared, launch in ADD_PARTS.items()}


@contextmanager
def hastened() -> Iterator[None]:
    """Speed the interpreter up within the context, for this process only."""
    builder, numpy_type, patch = interpreter.interpreter_builder, interpreter._get_np_dtype, interpreter._patch_lang
    options, of_scalar = builder.options, cache(numpy_type)
    builder.options = replace(options, sanitize_overflow=False)
    interpreter._get_np_dtype = lambda type: of_scalar(type) if type.__class__ is tl.dtype else numpy_type(type)
    interpreter._patch_lang = _PatchedOnce(patch)
    of_tensor, of_block = tl.core.tensor.__init__, tl.core.block_type.__init__
    tl.core.tensor.__init__, tl.core.block_type.__init__ = _with_known_shapes(of_tensor), _of_known_types(of_block)
    alike = TritonSemantic.binary_op_type_checking_impl
    TritonSemantic.binary_op_type_checking_impl = _alike_if_they_are_not(alike)
    try:
        with parts_added_up(IN_FEW_PROGRAMS):
            yield
    finally:
        TritonSemantic.binary_op_type_checking_impl = alike
        tl.core.tensor.__init__, tl.core.block_type.__init__ = of_tensor, of_block
        builder.options, interpreter._get_np_dtype, interpreter._patch_lang = options, numpy_type, patch


@contextmanager
def parts_added_up(by: Mapping[int, Launch]) -> Iterator[None]:
    before = dict(ADD_PARTS)
    ADD_PARTS.update(by)
    plan.cache_clear()
    try:
        yield
    finally:
        ADD_PARTS.update(before)
        plan.cache_clear()


def _with_known_shapes(init: Callable[..., None]) -> Callable[..., None]:
    """Cache, by shape, the constants that a tensor's `init` makes of each side and of their product, and their type."""
    known: dict[tuple[int, ...], tuple[Any, Any]] = {}

    def of_tensor(self: Any, handle: Any, type: Any) -> None:
        shape = (*type.shape.values,) if type.is_block() else ()
        if shape in known:
            self.handle, self.type, self.dtype = handle, type, type.scalar
            self.shape, self.numel = known[shape]
        else:
            init(self, handle, type)
            known[shape] = self.shape, self.numel

    return of_tensor


def _of_known_types(init: Callable[..., None]) -> Callable[..., None]:
    """Cache the result of a block type's `init`, which checks each side and writes the type's name."""
    known: dict[tuple, dict[str, Any]] = {}

    def of_block(self: Any, element_ty: Any, shape: Any) -> None:
        key = (element_ty, *shape)
        if type(element_ty) is not tl.dtype:  # a pointer, which has no hash
            init(self, element_ty, shape)
        elif key in known:
            self.__dict__.update(known[key])
        else:
            init(self, element_ty, shape)
            known[key] = dict(self.__dict__)

    return of_block


def _alike_if_they_are_not(bring: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any]]:
    """Bring two operands to one type and shape only where they differ, and cache what an integer becomes."""
    known: dict[tuple, tuple[Any, Any]] = {}

    def alike(self: Any, lhs: Any, rhs: Any, *allowed: bool, **checks: bool) -> tuple[Any, Any]:
        tensor, other = (lhs, rhs) if type(lhs) is tl.tensor else (rhs, lhs)
        if type(tensor) is not tl.tensor or tensor.dtype.name not in KEPT:
            return bring(self, lhs, rhs, *allowed, **checks)
        if type(other) is tl.tensor and other.dtype is tensor.dtype:
            return (lhs, rhs) if other.shape is tensor.shape else self.broadcast_impl_value(lhs, rhs)
        if type(other) is not int:
            return bring(self, lhs, rhs, *allowed, **checks)
        # Each shape is a single object, which `_with_known_shapes` caches.
        key = (other, tensor is lhs, tensor.dtype.name, id(tensor.shape), *allowed, *checks.items())
        if key not in known:
            known[key] = bring(self, lhs, rhs, *allowed, **checks)
        return (tensor, known[key][1]) if tensor is lhs else (known[key][0], tensor)

    return alike


class _PatchedOnce:
    """Apply `_patch_lang` only to functions whose modules are not patched yet; they stay patched.

    Triton calls it at each launch, which undoes it, and at each call of a function within a kernel, which does not.
    """

    def __init__(self, patch: Callable[[Any], Any]) -> None:
        self.patch, self.patched, self.known = patch, set(), {}

    def __call__(self, function: Any) -> Any:
        names = function.__globals__
        if id(names) not in self.known:
            languages = {id(value) for value in names.values() if value is tl or value is tl.core}
            if not languages <= self.patched:
                self.patch(function)
                self.patched |= languages
            self.known[id(names)] = names
        return interpreter._LangPatchScope()  # with nothing to undo
