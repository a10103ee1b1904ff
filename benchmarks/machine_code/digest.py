"""A digest, in twelve digits, of what decides a kernel's machine code.

This is its source and that of all functions that it calls, without comments; the types of its arguments, its constants,
the options and the target. To one version of Triton two kernels with the same digest are the same, whatever else
differs in convrnn3d.
"""

import ast
import hashlib
import inspect
import textwrap
from functools import cache
from types import ModuleType
from typing import Any

from triton.compiler import ASTSource
from triton.language import constexpr


def digest(what: ASTSource, options: dict[str, Any], target: str) -> str:
    """The digest of what `triton.compile` is given."""
    decided = sorted(sources(what.fn).items()), what.signature, what.constants, what.attrs, options, target
    return hashlib.sha256(repr(decided).encode()).hexdigest()[:12]


@cache
def sources(function: Any) -> dict[str, str]:
    """The source of a Triton function, of those it calls at any depth, and its global constants, by module and name.

    Raises TypeError for a global whose value the digest cannot include.
    """
    found: dict[str, str] = {}
    _add(function, found)
    return found


def _add(function: Any, found: dict[str, str]) -> None:
    place = f"{function.fn.__module__}.{function.fn.__name__}"
    if place in found:
        return
    tree = _without_docstrings(ast.parse(textwrap.dedent(inspect.getsource(function.fn))))
    found[place] = ast.unparse(tree)
    values = function.fn.__globals__
    for name in sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & values.keys()):
        value = values[name]
        if hasattr(value, "fn"):  # of triton.jit or triton.constexpr_function
            _add(value, found)
        elif isinstance(value, constexpr | int):
            found[f"{function.fn.__module__}.{name}"] = str(value)
        elif name in function.fn.__code__.co_varnames:  # a local: Triton's interpreter adds globals of such names
            continue
        elif not (isinstance(value, ModuleType) and value.__name__.split(".")[0] == "triton"):
            raise TypeError(f"{place} reads {name}, a {type(value).__name__}, which the digest cannot include")


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree
