"""Which engine a job runs: the project's, or one named in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curation.engines import Recipe
from curation.settings import Settings


def engine_recipe(
    project: Settings,
    engine: str | None = None,
    model: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Recipe:
    """What makes the engine.

    Args:
        project: whose schema, lexicon and settings are used; its model and options are those of its own engine alone.
        engine: name of the engine instead of the project's.
        model: its model instead of the project's.
        options: what it is told, each instead of the project's of that name.

    Raises:
        SchemaError: the schema cannot be used.
    """
    name = engine or project.engine.name
    own = name == project.engine.name
    return Recipe(
        name,
        project.load_schema(),
        project.lexicon,
        model or (project.engine.model if own else None),
        project.cache,
        {**(project.engine.options if own else {}), **(options or {})},
    )
