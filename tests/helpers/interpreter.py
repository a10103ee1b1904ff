"""Triton's interpreter, without what it does anew for each operation though once is enough.

It computes whether each sum and product of integers overflows, and drops the answer; patches Triton's language at every
call of a function inside a kernel; builds a dictionary of all types whenever it looks one up; and works out the type
and the shape of every result, of which there are few. All of this took longer than what it is for; `pytest
--durations=30` shows what the tests of kernels take. And programs come one after the other: what adds parts up, in as
many programs as a GPU has room for, does so in few.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import triton.language as tl
from convrnn3d.plans import ADD_PARTS, plan
from convrnn3d.tuning import Launch
from triton.runtime import interpreter

AS_ON_A_GPU = dict(ADD_PARTS)
IN_FEW_PROGRAMS = {shared: replace(launch, rows=32) for shared, launch in ADD_PARTS.items()}


@contextmanager
def hastened() -> Iterator[None]:
    """Within it, and for this process alone."""
    builder, numpy_type, patch = interpreter.interpreter_builder, interpreter._get_np_dtype, interpreter._patch_lang
    options, of_scalar = builder.options, cache(numpy_type)
    builder.options = replace(options, sanitize_overflow=False)
    interpreter._get_np_dtype = lambda type: of_scalar(type) if type.__class__ is tl.dtype else numpy_type(type)
    interpreter._patch_lang = _PatchedOnce(patch)
    of_tensor, of_block = tl.core.tensor.__init__, tl.core.block_type.__init__
    tl.core.tensor.__init__, tl.core.block_type.__init__ = _with_known_shapes(of_tensor), _of_known_types(of_block)
    try:
        with parts_added_up(IN_FEW_PROGRAMS):
            yield
    finally:
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
    """A tensor's `init`, which makes a constant of each side and of their product, and a type of these constants."""
    known: dict[tuple[int, ...], tuple[Any, Any]] = {}

    def of_tensor(self: Any, handle: Any, type: Any) -> None:
        shape = type.shape if type.is_block() else ()
        if shape in known:
            self.handle, self.type, self.dtype = handle, type, type.scalar
            self.shape, self.numel = known[shape]
        else:
            init(self, handle, type)
            known[shape] = self.shape, self.numel

    return of_tensor


def _of_known_types(init: Callable[..., None]) -> Callable[..., None]:
    """The `init` of a block's type, which checks each side and writes the type's name."""
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


class _PatchedOnce:
    """`_patch_lang` for functions whose modules were not patched yet; they stay patched.

    It is called at each launch, which takes it back, and at each call of a function within a kernel, which does not.
    """

    def __init__(self, patch: Callable[[Any], Any]) -> None:
        self.patch, self.patched = patch, set()

    def __call__(self, function: Any) -> Any:
        languages = {id(value) for value in function.__globals__.values() if value is tl or value is tl.core}
        if not languages <= self.patched:
            self.patch(function)
            self.patched |= languages
        return interpreter._LangPatchScope()  # with nothing to take back
