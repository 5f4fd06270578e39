"""Neighbouring articles taken together, by number and by length: what one pass of a model, or one shard, holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from curation.article import Article


def batches(articles: Iterable[Article], most: int, characters: int) -> Iterator[list[Article]]:
    """Lists of `most` articles, cut earlier by the article with which their texts reach `characters` code points."""
    batch: list[Article] = []
    length = 0
    for article in articles:
        batch.append(article)
        length += len(article.text)
        if len(batch) >= most or length >= characters:
            yield batch
            batch, length = [], 0
    if batch:
        yield batch
