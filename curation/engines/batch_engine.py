"""What engines share that work on some articles at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator

from curation.annotation import Annotation
from curation.article import Article
from curation.engines.batches import batches
from curation.engines.engine import Engine, Failure
from curation.errors import EngineError, one_line
from curation.schema import LabelSchema

BATCH_ARTICLES, BATCH_CHARACTERS = 32, 200_000
"""How much is read at a time, whichever comes first: enough to keep a model busy, little enough to stream."""


class BatchEngine(Engine):
    """An engine that annotates some articles at once. A new one defines `annotate`.

    Args:
        schema: the labels to use.
        languages: those it reads; default: the schema's. `*` stands for any.
    """

    def __init__(self, schema: LabelSchema, languages: Iterable[str] | None = None) -> None:
        self.schema = schema
        given = (languages,) if isinstance(languages, str) else languages
        self._languages = {_main(one) for one in given or (schema.language,)}

    @abstractmethod
    def annotate(self, articles: list[Article]) -> list[Annotation]:
        """The annotations of some articles, in their order."""

    def __call__(self, article: Article) -> Annotation:
        """The annotation of one article. Raises EngineError where it cannot be annotated."""
        (made,) = self._batch([article])
        if isinstance(made, Failure):
            raise EngineError(f"{made.article_id}: {made.reason}")
        return made

    def pipe(self, articles: Iterable[Article]) -> Iterator[Annotation | Failure]:
        """Annotations in the order of `articles`; memory does not grow with their number."""
        for batch in batches(articles, BATCH_ARTICLES, BATCH_CHARACTERS):
            yield from self._batch(batch)

    def _batch(self, articles: list[Article]) -> list[Annotation | Failure]:
        """What is made of each article. An error costs the article that raised it and no other."""
        readable = [article for article in articles if self._reads(article)]
        try:
            made = dict(zip(map(id, readable), self.annotate(readable), strict=True)) if readable else {}
        except Exception as error:  # whatever a model raises on one text
            if len(articles) == 1:
                return [Failure(articles[0].id, one_line(f"{type(error).__name__}: {error}"))]
            return [result for article in articles for result in self._batch([article])]
        return [made.get(id(article)) or self._foreign(article) for article in articles]

    def _reads(self, article: Article) -> bool:
        return not article.language or not self._languages.isdisjoint({"*", _main(article.language)})

    def _foreign(self, article: Article) -> Failure:
        return Failure(article.id, f"is in {article.language}, this engine reads {', '.join(sorted(self._languages))}")


def _main(language: str) -> str:
    """`en` of `en-GB`."""
    return language.split("-")[0].lower()
