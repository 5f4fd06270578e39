"""The engine interface, the base class for engines that work in batches, and loading an engine by name.

An engine in another package registers under the entry point group `curation.engines`:

    [project.entry-points."curation.engines"]
    mine = "my_package.engine:MyEngine"

and is constructed as `MyEngine(schema, lexicon=..., model=...)`. Further keyword arguments with defaults are its
options, which users set in curation.toml or with `--option NAME=VALUE`.
"""

from __future__ import annotations

import hashlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

from curation.annotation import Annotation, Annotator, Entity, Event, annotation_id
from curation.article import Article
from curation.errors import EngineError, one_line
from curation.executor import batches
from curation.schema import LabelSchema

GROUP = "curation.engines"
REQUIRES = {"spacy": '"curation[spacy]"', "gliner": "gliner", "gliner2": "gliner2"}
"""Engine of this package → what to install with pip. What needs torch is not an extra: the lock would pin torch."""
STANDARD_ARGUMENTS = ("schema", "lexicon", "model")
"""Constructor arguments of every engine; all others are options."""
BATCH_ARTICLES, BATCH_CHARACTERS = 32, 200_000
"""Limits of a batch, whichever is reached first: large enough to keep a model busy, small enough to stream."""


class Failure(NamedTuple):
    """An article that an engine could not annotate, with the reason in one line."""

    article_id: str
    reason: str


class Stopped(EngineError):
    """The whole run must stop: other articles would fail the same way (no server, no access, no budget left)."""


class Engine(ABC):
    """Annotates articles without a person.

    A subclass sets `schema` and `annotator` in its constructor and defines `__call__`, which returns
    `self.annotation(...)`. Override `pipe` to process several articles at once.

    Attributes:
        schema: the label schema to use.
        annotator: name and version of the engine. The version must change with everything that changes the output.
        cache: a folder for results that are expensive to recompute, or None.
    """

    schema: LabelSchema
    annotator: Annotator
    cache: Path | None = None

    @abstractmethod
    def __call__(self, article: Article) -> Annotation:
        """The annotation of one article.

        Raises:
            Stopped: the whole run must stop.
            EngineError: this article cannot be annotated.
        """

    def pipe(self, articles: Iterable[Article]) -> Iterator[Annotation | Failure]:
        """One result per article, in the order of `articles`. Raises `Stopped` when the whole run must stop."""
        for article in articles:
            yield self._attempt(article)

    def _attempt(self, article: Article) -> Annotation | Failure:
        try:
            return self(article)
        except Stopped:
            raise
        except EngineError as error:
            return Failure(article.id, str(error))

    def annotation(self, article: Article, entities: Iterable[Entity] = (), events: Iterable[Event] = ()) -> Annotation:
        """The prediction of this engine for `article`.

        Args:
            article: the annotated article.
            entities: its entities; spans are `[start, end)` in code points of `article.text`.
            events: its events; arguments refer to entities and events by id.
        """
        return Annotation(
            id=self._prediction_id(article),
            article_id=article.id,
            text_sha256=article.text_sha256,
            schema_ref=self.schema.ref,
            annotator=self.annotator,
            entities=tuple(entities),
            events=tuple(events),
        )

    def _prediction_id(self, article: Article) -> str:
        return annotation_id(article.id, article.text_sha256, self.annotator.key, self.schema.ref)

    def leave_out(self, article_id: str, counts: Mapping[str, int]) -> None:
        """Record what could not be used of the output for an article: reason → count. Reports show it."""
        if counts:
            self._left_out[article_id] = dict(counts)

    def left_out(self, article_id: str) -> dict[str, int]:
        """What `leave_out` recorded for an article. A second call returns nothing."""
        return self._left_out.pop(article_id, {})

    @cached_property
    def _left_out(self) -> dict[str, dict[str, int]]:
        return {}


class BatchEngine(Engine):
    """Base class of engines that annotate several articles at once. A subclass defines `annotate`.

    Args:
        schema: the label schema to use.
        languages: the languages the engine reads; default: the schema's. `*` stands for any.
    """

    def __init__(self, schema: LabelSchema, languages: Iterable[str] | None = None) -> None:
        self.schema = schema
        if isinstance(languages, str):
            languages = (languages,)
        self._languages = {_primary(language) for language in languages or (schema.language,)}

    @abstractmethod
    def annotate(self, articles: list[Article]) -> list[Annotation] | list[Annotation | Failure]:
        """One result per article, in order. An error is attributed to single articles by annotating each alone."""

    def __call__(self, article: Article) -> Annotation:
        """The annotation of one article. Raises EngineError if it cannot be annotated."""
        (result,) = self._batch([article])
        if isinstance(result, Failure):
            raise EngineError(f"{result.article_id}: {result.reason}")
        return result

    def pipe(self, articles: Iterable[Article]) -> Iterator[Annotation | Failure]:
        """One result per article, in the order of `articles`. Memory does not grow with their number."""
        for batch in batches(articles, BATCH_ARTICLES, BATCH_CHARACTERS):
            yield from self._batch(batch)

    def _batch(self, articles: list[Article]) -> list[Annotation | Failure]:
        """One result per article. An error costs only the article that raised it."""
        readable = [index for index, article in enumerate(articles) if self._reads(article)]
        results: dict[int, Annotation | Failure] = {}
        try:
            if readable:
                annotations = self.annotate([articles[index] for index in readable])
                results.update(zip(readable, annotations, strict=True))
        except Stopped:
            raise
        except Exception as error:  # models raise anything
            if len(articles) == 1:
                reason = str(error) if isinstance(error, EngineError) else one_line(f"{type(error).__name__}: {error}")
                return [Failure(articles[0].id, reason)]
            return [result for article in articles for result in self._batch([article])]
        return [results.get(index) or self._foreign(article) for index, article in enumerate(articles)]

    def _reads(self, article: Article) -> bool:
        return not article.language or not self._languages.isdisjoint({"*", _primary(article.language)})

    def _foreign(self, article: Article) -> Failure:
        return Failure(article.id, f"is in {article.language}, this engine reads {', '.join(sorted(self._languages))}")


def _primary(language: str) -> str:
    """The primary subtag of a language tag: `en` of `en-GB`."""
    return language.split("-")[0].lower()


def fingerprint(text: str) -> str:
    """Eight hex digits of a hash of `text`, for engine versions."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def load_engine(
    name: str,
    schema: LabelSchema,
    *,
    lexicon: Path | None,
    model: str | None = None,
    cache: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Engine:
    """The engine registered as `name`, constructed for `schema`.

    Args:
        name: its name in the entry point group `curation.engines`.
        schema: the label schema to use.
        lexicon: the schema's lexicon file; engines without rules ignore it.
        model: name or folder of a model, for engines that take one.
        cache: parent folder of engine caches; each engine gets a subfolder of its name.
        options: further options of the engine, by name.

    Raises:
        EngineError: no such engine, a missing requirement, or an unknown option.
        BadInput: the lexicon cannot be used.
    """
    registered = {point.name: point for point in entry_points(group=GROUP)}
    if name not in registered:
        installed = ", ".join(sorted(registered)) or "none"
        raise EngineError(
            f"there is no engine {name!r}; installed: {installed}; choose one of them, "
            "or install the package that provides it"
        )
    try:
        constructor = registered[name].load()
    except ImportError as error:
        hint = f"pip install {REQUIRES[name]}" if name in REQUIRES else "install the requirements of its package"
        raise EngineError(f"engine {name} needs {error.name or error}, which is not installed; {hint}") from error
    options = options or {}
    if options:
        known = [
            argument for argument in inspect.signature(constructor).parameters if argument not in STANDARD_ARGUMENTS
        ]
        if unknown := sorted(set(options) - set(known)):
            listed = f"its options: {', '.join(known)}" if known else "it has none"
            raise EngineError(f"engine {name} has no option {unknown[0]!r}; {listed}")
    engine = constructor(schema, lexicon=lexicon, model=model, **options)
    if not isinstance(engine, Engine):
        raise EngineError(
            f"engine {name} is not a subclass of curation.Engine; report it to the authors of its package"
        )
    engine.cache = cache / name if cache else None
    return engine
