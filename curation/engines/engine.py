"""The interface every engine has, and how an engine is found by name.

An engine of another package registers itself under the entry point group `curation.engines`:

    [project.entry-points."curation.engines"]
    mine = "my_package.engine:MyEngine"

and is made as `MyEngine(schema, lexicon=..., model=...)`. What else it can be told are further keyword arguments with
defaults: its options, which a user sets in curation.toml or with `--option NAME=VALUE`.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.errors import EngineError
from curation.schema import LabelSchema

GROUP = "curation.engines"
NEEDS = {"spacy": '"curation[spacy]"', "gliner": "gliner", "gliner2": "gliner2"}
"""Engines of this package → what pip installs for them. What needs torch is no extra: it would be in the lock."""
OWN = ("schema", "lexicon", "model")
"""Arguments of every engine, which are no options."""


class Failure(NamedTuple):
    """An article that an engine could not annotate, and why, in one line."""

    article_id: str
    reason: str


class Engine(ABC):
    """Annotates articles without a person. A new engine defines `annotator` and `__call__`, and `pipe` for speed.

    `cache` is a folder of the engine's own, for what is dear to make again; None where there is none.
    """

    annotator: Annotator
    cache: Path | None = None

    def leave_out(self, article_id: str, counts: Mapping[str, int]) -> None:
        """Say what of an article could not be used, how much of it by reason; whoever runs the engine reports it."""
        if counts:
            self.__dict__.setdefault("_left_out", {})[article_id] = dict(counts)

    def left_out(self, article_id: str) -> dict[str, int]:
        """What was said of that article, once."""
        found: dict[str, int] = self.__dict__.get("_left_out", {}).pop(article_id, {})
        return found

    @abstractmethod
    def __call__(self, article: Article) -> Annotation:
        """The annotation of one article.

        Raises:
            EngineError: the article cannot be annotated.
        """

    def pipe(self, articles: Iterable[Article]) -> Iterator[Annotation | Failure]:
        """Annotations in the order of `articles`, one for each, a Failure where one cannot be annotated."""
        for article in articles:
            try:
                yield self(article)
            except EngineError as error:
                yield Failure(article.id, str(error))


def load_engine(
    name: str,
    schema: LabelSchema,
    *,
    lexicon: Path | None,
    model: str | None = None,
    cache: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Engine:
    """The engine registered as `name`, made for `schema`.

    Args:
        name: its name under the entry point group `curation.engines`.
        schema: the labels it is to use.
        lexicon: what rule engines know of the schema's words; engines without rules leave it unread.
        model: a model's name or folder, where the engine takes one.
        cache: where engines may keep things, each in a folder of its name.
        options: what else it is told, by name.

    Raises:
        EngineError: no such engine, or what it needs is not installed, or it has no such option.
        BadInput: the lexicon cannot be used.
    """
    known = {point.name: point for point in entry_points(group=GROUP)}
    if name not in known:
        installed = ", ".join(sorted(known)) or "none"
        raise EngineError(
            f"there is no engine {name!r}; installed: {installed}; choose one of them, "
            "or install the package that brings it"
        )
    try:
        made = known[name].load()
    except ImportError as error:
        way_out = f"pip install {NEEDS[name]}" if name in NEEDS else "install what its package asks for"
        raise EngineError(f"engine {name} needs {error.name or error}, which is not installed; {way_out}") from error
    options = options or {}
    if options:
        known_options = [one for one in inspect.signature(made).parameters if one not in OWN]
        if unknown := sorted(set(options) - set(known_options)):
            has = f"its options: {', '.join(known_options)}" if known_options else "it has none"
            raise EngineError(f"engine {name} has no option {unknown[0]!r}; {has}")
    engine = made(schema, lexicon=lexicon, model=model, **options)
    if not isinstance(engine, Engine):
        raise EngineError(f"engine {name} is no curation.engines.Engine; ask whoever made its package")
    engine.cache = cache / name if cache else None
    return engine
