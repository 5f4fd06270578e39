"""Read hand-written YAML files into a model, with errors that name file, line and field."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.composer import Composer

from curation.errors import BadInput

MAX_BYTES = 2_000_000
"""Largest file that is read."""

V = TypeVar("V", bound=BaseModel)

Where = tuple[int | str, ...]
"""Path from a value to a part of it: keys and indexes."""

Complaint = tuple[Where, str]
"""A path in the file, and the error there."""


class Misplaced(ValueError):
    """Raised by a validator of a model for one part of its value; `where` is the path from the value to that part."""

    def __init__(self, message: str, *where: int | str) -> None:
        super().__init__(message)
        self.where = where


def read_yaml(
    model: type[V],
    path: Path,
    *,
    error: type[BadInput],
    what: str,
    example: str,
    check: Callable[[V], Iterable[Complaint]] = lambda value: (),
) -> V:
    """Read a YAML file as `model`.

    Args:
        model: type of the content.
        path: the file.
        error: class of the errors raised.
        what: kind of file, for messages: `label schema`.
        example: a file of that kind, named in hints.
        check: further checks of a valid `model`; gives the errors it finds.

    Raises:
        BadInput: (as `error`) with the file, line and field of the first error.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise error(
            f"cannot be read: {problem.strerror or problem}",
            path=path,
            way_out=f"name a {what} file, such as {example}",
        ) from problem
    if len(raw) > MAX_BYTES:
        raise error(f"is larger than {MAX_BYTES} bytes", path=path, way_out=f"this is not a {what}")
    try:
        loader = _Loader(raw.decode("utf-8"))
        root = loader.get_single_node()
        data = None if root is None else loader.construct_document(root)
    except UnicodeDecodeError as problem:
        raise error("not UTF-8", path=path, way_out="convert the file to UTF-8") from problem
    except yaml.MarkedYAMLError as problem:
        last = raw.count(b"\n", 0, -1) + 1  # an unclosed bracket is reported after the last line
        line = min(problem.problem_mark.line + 1, last) if problem.problem_mark else None
        raise error(
            f"not valid YAML: {problem.problem}", path=path, line=line, way_out="correct that line"
        ) from problem
    except (yaml.YAMLError, RecursionError, ValueError) as problem:  # ValueError: an impossible date, a huge number
        raise error(f"not valid YAML: {problem}", path=path, way_out="correct the file") from problem
    if not isinstance(data, dict):
        raise error(f"contains no {what}", path=path, way_out=f"start from {example}")
    try:
        value = model.model_validate(data)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        inside: Where = getattr(first.get("ctx", {}).get("error"), "where", ())
        message = first["msg"].removeprefix("Value error, ")
        raise _complain(error, path, root, (*first["loc"], *inside), message) from problem
    for where, message in check(value):
        raise _complain(error, path, root, where, message)
    return value


def _complain(error: type[BadInput], path: Path, root: yaml.Node | None, where: Where, message: str) -> BadInput:
    field = ".".join(str(part) for part in where) or None
    return error(message, path=path, line=_line(root, where), field=field, way_out="correct that field")


if yaml.__with_libyaml__:

    class _Base(Composer, yaml.CSafeLoader):
        """libyaml is seven times as fast. Nodes are composed in Python, because we check each of them."""

        def __init__(self, text: str) -> None:
            Composer.__init__(self)
            yaml.CSafeLoader.__init__(self, text)

else:
    _Base = yaml.SafeLoader  # type: ignore[misc,assignment]


class _Loader(_Base):
    """Safe YAML without aliases (they can expand without limit) or duplicate keys (the last would win silently).

    Only `true` and `false` are booleans, as in YAML 1.2; `on` and `no` are strings.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - name and form given by yaml
        first: [(tag, rule) for tag, rule in rules if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[union-attr]
            raise yaml.constructor.ConstructorError(None, None, "aliases are not allowed here; use groups", mark)  # type: ignore[arg-type]
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a single word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is duplicated", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _line(node: yaml.Node | None, loc: Where) -> int | None:
    """Line of the innermost YAML node on the path `loc`."""
    line = None if node is None else node.start_mark.line + 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key, value) for key, value in node.value}
            if part not in pairs:
                break
            key, node = pairs[part]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
