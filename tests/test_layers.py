"""The layers of CONTRIBUTING.md: no import climbs, packages of layer 2 do not know each other, no import circle.

Imports inside functions count; those under TYPE_CHECKING count for the layers, not for circles.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[1] / "curation"
LAYERS = {
    4: {"cli", "serve", "__main__"},
    3: {"project", "settings", "jobs", "__init__"},
    2: {"engines", "preannotate", "labelstudio", "review", "release", "formats", "report"},
}
"""Layer → names directly in `curation`. All others are layer 1."""

CLIMBS: set[tuple[str, str]] = set()
"""Imports that are against the layers today: (module, imported module). Remove what you put right; add nothing."""

CIRCLES: set[tuple[str, str]] = set()
"""Imports that close a circle today. Remove what you put right; add nothing."""


class Import(NamedTuple):
    """One import: both ends are module names, `typing` says whether only a type checker sees it."""

    module: str
    imported: str
    typing: bool


@cache
def modules() -> dict[str, Path]:
    """Module name → file, a package under its own name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Every import of one of our modules by another."""
    return tuple(
        one for module, path in modules().items() for one in _imports(module, ast.parse(path.read_text("utf-8")))
    )


def _imports(module: str, tree: ast.AST) -> Iterator[Import]:
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, typing = waiting.pop()
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in modules() else str(node.module) for name in inner]
        else:
            names = []
        yield from (Import(module, name, typing) for name in sorted(set(names)) if name in modules() and name != module)
        for child in ast.iter_child_nodes(node):
            only_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and child in node.body
            waiting.append((child, typing or only_types))


def place(module: str) -> tuple[int, str]:
    """The layer of a module, and the name directly in `curation` that it belongs to."""
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else "__init__"
    return next((layer for layer, names in LAYERS.items() if name in names), 1), name


def climbing() -> set[tuple[str, str]]:
    """Imports of a higher layer, or of another package on layer 2."""
    found = set()
    for one in imports():
        (layer, name), (other_layer, other_name) = place(one.module), place(one.imported)
        if other_layer > layer or (layer == other_layer == 2 and name != other_name):
            found.add((one.module, one.imported))
    return found


def circular() -> set[tuple[str, str]]:
    """Imports between two modules of which each is reached from the other."""
    edges: dict[str, set[str]] = {module: set() for module in modules()}
    for one in imports():
        if not one.typing:
            edges[one.module].add(one.imported)

    @cache
    def reached(module: str) -> frozenset[str]:
        found, waiting = set(), list(edges[module])
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(edges[name])
        return frozenset(found)

    return {(module, name) for module, names in edges.items() for name in names if module in reached(name)}


def test_no_import_climbs() -> None:
    assert climbing() == CLIMBS


def test_no_import_circle() -> None:
    assert circular() == CIRCLES
