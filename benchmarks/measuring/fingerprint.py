"""Twelve digits that tell whether convrnn3d computes as it did when a figure was measured.

They are a digest of its source without comments and docstrings: for a GPU's figures all files and the launch tables,
for a CPU's the files that a CPU runs.
"""

import ast
import hashlib
import os
import tokenize
from io import StringIO
from pathlib import Path

import convrnn3d
import torch
from convrnn3d.tuning import VARIABLE, architecture_of

FOLDER = Path(convrnn3d.__file__).parent
ON_CPU = (
    "backend",
    "backward",
    "checks",
    "frozen",
    "interface",
    "manual",
    "modules",
    "once",
    "onednn",
    "plain",
    "reference",
)


def fingerprint(gpu: bool) -> str:
    """The fingerprint of what a GPU (`gpu`) or a CPU runs.

    A launch table named in the environment counts as that of this device's architecture, as which it may be stored.
    """
    sources = {file.name: code_of(file.read_text(encoding="utf-8")) for file in FOLDER.glob("*.py")}
    if gpu:
        tables = {file.name: file for file in FOLDER.glob("launches*.json")}
        if named := os.environ.get(VARIABLE):
            architecture = architecture_of(torch.device("cuda")) if torch.cuda.is_available() else None
            tables[f"launches.{architecture}.json"] = Path(named)
        sources |= {name: file.read_text(encoding="utf-8") for name, file in tables.items()}
    else:
        sources = {f"{name}.py": sources[f"{name}.py"] for name in ON_CPU}
    digest = hashlib.sha256()
    for name, source in sorted(sources.items()):
        digest.update(name.encode() + source.encode())
    return digest.hexdigest()[:12]


def code_of(source: str) -> str:
    """The lines of Python source that have code, without comments and docstrings; the same for all Python versions."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            for row in range(docstring.lineno - 1, docstring.end_lineno or docstring.lineno):
                lines[row] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())
