"""The interface every engine has, and how an engine is found by name.

An engine of another package registers itself under the entry point group `curation.engines`:

    [project.entry-points."curation.engines"]
    mine = "my_package.engine:MyEngine"

and is made as `MyEngine(schema, lexicon=..., model=...)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.errors import EngineError
from curation.schema import LabelSchema

GROUP = "curation.engines"
EXTRAS = {"spacy": "spacy"}
"""Engines of this package → the extra that installs what they need."""


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
    name: str, schema: LabelSchema, *, lexicon: Path | None, model: str | None = None, cache: Path | None = None
) -> Engine:
    """The engine registered as `name`, made for `schema`.

    Args:
        name: its name under the entry point group `curation.engines`.
        schema: the labels it is to use.
        lexicon: what rule engines know of the schema's words; engines without rules leave it unread.
        model: a model's name or folder, where the engine takes one.
        cache: where engines may keep things, each in a folder of its name.

    Raises:
        EngineError: no such engine, or what it needs is not installed.
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
        extra = EXTRAS.get(name)
        way_out = f'pip install "curation[{extra}]"' if extra else "install what its package asks for"
        raise EngineError(f"engine {name} needs {error.name or error}, which is not installed; {way_out}") from error
    engine = made(schema, lexicon=lexicon, model=model)
    if not isinstance(engine, Engine):
        raise EngineError(f"engine {name} is no curation.preannotate.Engine; ask whoever made its package")
    engine.cache = cache / name if cache else None
    return engine
