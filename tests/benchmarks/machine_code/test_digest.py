"""What changes a kernel's digest, and what does not."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from triton.compiler import ASTSource

from benchmarks.machine_code.digest import digest

MODULE = """
import triton
import triton.language as tl
MOST = tl.constexpr(16)
{other}

@triton.constexpr_function
def half(N):
    return N // 2

@triton.jit
def scaled(x, N: tl.constexpr):
    return x * half(N) + MOST

@triton.jit
def kernel(pointer, N: tl.constexpr):
    x = tl.load(pointer)
    tl.store(pointer, scaled(x, N))
"""


@pytest.fixture
def digest_of(tmp_path: Path) -> Any:
    """A function that returns the digest of the module's kernel, with `old` replaced by `new` in the module."""
    number = 0

    def of(old: str = "", new: str = "", other: str = "", n: int = 4, type: str = "*fp32") -> str:
        nonlocal number
        number += 1
        text = MODULE.format(other=other)
        assert old in text
        file = tmp_path / f"module{number}.py"
        file.write_text(text.replace(old, new) if old else text, encoding="utf-8")
        specification = importlib.util.spec_from_file_location("module", file)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        signature = {"pointer": type, "N": "constexpr"}
        return digest(ASTSource(module.kernel, signature, {(1,): n}, {}), {"num_warps": 4}, "sm_90")

    return of


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tl.load(pointer)", "tl.load(pointer + 1)"),
        ("x * half(N)", "x / half(N)"),
        ("N // 2", "N // 3"),
        ("MOST = tl.constexpr(16)", "MOST = tl.constexpr(8)"),
    ],
)
def test_the_digest_follows_the_kernel_and_all_that_it_calls(digest_of: Any, old: str, new: str) -> None:
    assert digest_of(old, new) != digest_of()


def test_the_digest_follows_constants_and_argument_types(digest_of: Any) -> None:
    assert len({digest_of(), digest_of(n=8), digest_of(type="*bf16")}) == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    x = tl.load", "    # why\n    x = tl.load"),
        ("    return x *", '    """What for."""\n    return x *'),
        ("@triton.jit\ndef kernel", "def beside():\n    return 1\n\n@triton.jit\ndef kernel"),
    ],
)
def test_the_digest_ignores_comments_docstrings_and_uncalled_functions(digest_of: Any, old: str, new: str) -> None:
    assert digest_of(old, new) == digest_of()


@pytest.mark.parametrize(
    ("other", "read", "what"),
    [("TABLE = {4: 8}", "TABLE[N]", "TABLE, a dict"), ("import math", "math.pi", "math, a module")],
)
def test_a_global_that_the_digest_cannot_include_is_an_error(digest_of: Any, other: str, read: str, what: str) -> None:
    with pytest.raises(TypeError, match=f"kernel reads {what}, which the digest cannot include"):
        digest_of("scaled(x, N)", f"scaled(x, {read})", other=other)
