"""Annotating shards of articles, as a task for `curation.executor`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from curation.annotation import Annotation
from curation.article import Article
from curation.engines.engine import Engine, Failure, load_engine
from curation.engines.rules.lexicon import lexicon_files
from curation.errors import BadInput
from curation.executor import Shard
from curation.schema import LabelSchema


class Recipe(NamedTuple):
    """The arguments of `load_engine`, to construct an engine here or in another process."""

    name: str
    schema: LabelSchema
    lexicon: Path | None = None
    model: str | None = None
    cache: Path | None = None
    options: Mapping[str, Any] | None = None

    def load(self) -> Engine:
        """The engine. Raises what `load_engine` raises."""
        return load_engine(
            self.name,
            self.schema,
            lexicon=self.lexicon,
            model=self.model,
            cache=self.cache,
            options=self.options,
        )


class LeftOut(NamedTuple):
    """Output for an article that an engine could not use: reason → count. The article's annotation comes next."""

    article_id: str
    left_out: dict[str, int]


class AnnotateShards:
    """Annotates shards of articles. A `curation.executor.ShardTask`.

    Args:
        recipe: the engine.
        portable: whether workers are on other machines. They get the files of the lexicon, and no cache.
    """

    def __init__(self, recipe: Recipe, *, portable: bool = False) -> None:
        self._recipe = recipe._replace(cache=None) if portable else recipe
        self._files = lexicon_files(recipe.lexicon) if portable and recipe.lexicon else {}
        self._engine: Engine | None = None

    def about(self) -> dict[str, Any]:
        """The engine (the key of its annotator), its model and options, and the schema. Raises what loading raises."""
        return {
            "engine": self._loaded().annotator.key,
            "model": self._recipe.model,
            "options": dict(self._recipe.options or {}),
            "schema": self._recipe.schema.model_dump(mode="json"),
        }

    def lines(self, articles: list[Article], on_article: Callable[[Article], None]) -> Iterator[str]:
        """One annotation or failure per article, and before it what the engine could not use."""
        engine = self._loaded()
        for article, result in zip(articles, engine.pipe(articles), strict=True):
            if left_out := engine.left_out(article.id):
                yield json.dumps(LeftOut(article.id, left_out)._asdict(), sort_keys=True)
            if isinstance(result, Failure):
                yield json.dumps(result._asdict(), ensure_ascii=True)
            else:
                yield result.to_json()
            on_article(article)

    def _loaded(self) -> Engine:
        if self._engine is None:
            if self._recipe.lexicon is None or not self._files:
                self._engine = self._recipe.load()
            else:
                with tempfile.TemporaryDirectory() as folder:
                    for name, text in self._files.items():
                        (Path(folder) / Path(name).name).write_text(text, encoding="utf-8")
                    self._engine = self._recipe._replace(lexicon=Path(folder) / self._recipe.lexicon.name).load()
        return self._engine


def read_shard(shard: Shard) -> Iterator[Annotation | Failure | LeftOut]:
    """The results in a shard, in the order of its articles.

    Raises:
        BadInput: a line cannot be read, or results are missing; names the file.
    """
    path, found = Path(shard.url), 0
    for number, record in shard.records():
        if "left_out" in record:
            yield LeftOut(record["article_id"], record["left_out"])
            continue
        found += 1
        if "reason" in record:
            yield Failure(record["article_id"], record["reason"])
        else:
            yield Annotation.from_record(record, path=path, line=number)
    if found != shard.articles:
        raise BadInput(f"is damaged: {found} of {shard.articles} articles", path=path, way_out="run again")
