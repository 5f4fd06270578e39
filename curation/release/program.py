"""The part of this program that decides what a row says: rows are taken over only while it is the same."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "curation"


def program(*modules: str) -> str:
    """Hex SHA-256 of the source of these modules and of all of this package that they import, and Python's version.

    Imports inside functions count, those for types alone do not.
    """
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for name in sources(*modules):
        digest.update(f"\n{name}\n".encode() + _file(name).read_bytes())
    return digest.hexdigest()


def sources(*modules: str) -> list[str]:
    """The names of these modules and of all of this package that they import, directly or not, sorted."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            package, _, _ = name.rpartition(".")
            waiting += [package] if package else []
            waiting += _imports(name)
    return sorted(found)


def _imports(module: str) -> list[str]:
    """What a module imports of this package when it runs."""
    found = []
    for node in _running(_tree(module)):
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                found.append(node.module)
                found += _homes(node.module, one.name)
        elif isinstance(node, ast.ImportFrom):
            raise ValueError(f"{module}: imports by a relative name, which is not followed")
    return [name for name in found if name.partition(".")[0] == _PACKAGE]


def _homes(module: str, name: str) -> list[str]:
    """Where a name comes from that is imported from `module`: a module of its own, or one that loads on first use."""
    if module.partition(".")[0] != _PACKAGE:
        return []
    if _file(module).name != "__init__.py":
        return []
    if _file(f"{module}.{name}").is_file():
        return [f"{module}.{name}"]
    nodes = [node for node in ast.walk(_tree(module)) if isinstance(node, ast.ImportFrom) and node.module]
    return [str(node.module) for node in nodes for one in node.names if (one.asname or one.name) == name]


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement but those under `if TYPE_CHECKING:`."""
    for part in ("body", "orelse", "handlers", "finalbody", "cases"):
        for one in getattr(node, part, ()):
            if isinstance(one, ast.If) and isinstance(one.test, ast.Name) and one.test.id == "TYPE_CHECKING":
                continue
            yield one
            yield from _running(one)


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_file(module).read_bytes())


def _file(module: str) -> Path:
    path = _ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
