"""Triton's interpreter, without what it does anew for each operation though once is enough.

It computes whether each sum and product of integers overflows, and drops the answer; patches Triton's language at every
call of a function inside a kernel; and builds a dictionary of all types whenever it looks one up. All of this took
longer than what it is for; `pytest --durations=30` shows what the tests of kernels take. And programs come one
after the other: what adds parts up, in as many programs as a GPU has room for, does so in few.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import triton.language as tl
from convrnn3d.plans import ADD_PARTS, plan
from triton.runtime import interpreter

ROWS = 32  # of a program that adds parts up


@contextmanager
def hastened() -> Iterator[None]:
    """Within it, and for this process alone."""
    builder, numpy_type, patch = interpreter.interpreter_builder, interpreter._get_np_dtype, interpreter._patch_lang
    add_parts = dict(ADD_PARTS)
    options, of_scalar = builder.options, cache(numpy_type)
    builder.options = replace(options, sanitize_overflow=False)
    interpreter._get_np_dtype = lambda type: of_scalar(type) if type.__class__ is tl.dtype else numpy_type(type)
    interpreter._patch_lang = _PatchedOnce(patch)
    ADD_PARTS.update({shared: replace(launch, rows=ROWS) for shared, launch in ADD_PARTS.items()})
    plan.cache_clear()
    try:
        yield
    finally:
        builder.options, interpreter._get_np_dtype, interpreter._patch_lang = options, numpy_type, patch
        ADD_PARTS.update(add_parts)
        plan.cache_clear()


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
