"""hf-ner: token classification for `datasets` and transformers, a Parquet file with one row a sentence.

Columns: `id`, `article_id`, `tokens`, `starts` and `ends` (the places of the tokens in the article's text), and
`ner_tags`, a ClassLabel of BIO tags: `O`, then `B-` and `I-` of each type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.errors import BadInput
from curation.formats.format_loss import Capabilities
from curation.formats.registry import Document, ExportContext, ImportContext, Pair
from curation.formats.token_tags import TAG, TokenTags, spans_of, tags_of

if TYPE_CHECKING:
    from datasets import Features

_BATCH_ROWS = 1000


class HfNer(TokenTags):
    """Token classification for `datasets`: a row a sentence."""

    suffix = ".parquet"
    capabilities = Capabilities(unit="sentences", overlap="none")

    def write(self, documents: Iterable[Document], target: Path, context: ExportContext) -> None:
        """One file of all documents, including sentences without entities."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = features(context.types)
        codes = {name: code for code, name in enumerate(columns["ner_tags"].feature.names)}
        rows = (row for document in documents for row in _rows(document, codes))
        with pq.ParquetWriter(target, columns.arrow_schema, compression="zstd") as writer:
            while batch := list(islice(rows, _BATCH_ROWS)):
                writer.write_table(pa.Table.from_pylist(batch, columns.arrow_schema))

    def read(self, source: Path, context: ImportContext) -> Iterator[Pair | BadInput]:
        """Consecutive rows with the same `article_id` are sentences of one document; rows without one are one each."""

        def document(numbered: tuple[int, list[dict[str, Any]]]) -> Pair:
            number, rows = numbered
            for row in rows:
                if len(row["tags"]) != len(row["tokens"]):
                    what, way_out = "tokens and ner_tags differ in length", "give each token a tag"
                    raise BadInput(what, path=source, line=row["number"], way_out=way_out)
            name = rows[0]["article_id"]
            words = [row["tokens"] for row in rows]
            article, tokens = context.articles.by_tokens(words, name, f"{source.stem}-{number}", source)
            spans = spans_of((row["tags"] for row in rows), tokens, context.lost)
            return article, context.spans(article, spans, source)

        groups = groupby(_parquet_rows(source), key=lambda row: row["document"])
        return context.each(enumerate((list(group) for _, group in groups), start=1), document)


def features(types: Iterable[str]) -> Features:
    """The columns of hf-ner for `datasets`. All types have tags, event types too, whether or not they occur."""
    from datasets import ClassLabel, Features, List, Value

    tags = ["O", *(f"{mark}-{name}" for name in types for mark in "BI")]
    return Features(
        {
            "id": Value("string"),
            "article_id": Value("string"),
            "tokens": List(Value("string")),
            "starts": List(Value("int64")),
            "ends": List(Value("int64")),
            "ner_tags": List(ClassLabel(names=tags)),
        }
    )


def _rows(document: Document, codes: dict[str, int]) -> Iterator[dict[str, Any]]:
    article, annotation, tokens = document
    for item in annotation.items():
        if f"B-{item.type}" not in codes:
            way_out = "add it to the schema, or choose another format"
            raise BadInput(f"the type {item.type} is not in the schema", path=article.id, way_out=way_out)
    tags = iter(tags_of(annotation.items(), tokens))
    for number, sentence in enumerate(tokens.sentences):
        yield {
            "id": f"{article.id}-{number}",
            "article_id": article.id,
            "tokens": [article.text[start:end] for start, end in sentence.tokens],
            "starts": [start for start, _ in sentence.tokens],
            "ends": [end for _, end in sentence.tokens],
            "ner_tags": [codes[next(tags)] for _ in sentence.tokens],
        }


def _parquet_rows(source: Path) -> Iterator[dict[str, Any]]:
    """Each row's tokens, tags, `article_id`, number, and what parts its document from the next."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features

    try:
        with pq.ParquetFile(source) as file:
            columns = Features.from_arrow_schema(file.schema_arrow)
            names = columns["ner_tags"].feature.names
            if wrong := [name for name in names if not TAG.fullmatch(name)]:
                what = f"{', '.join(wrong[:3])} are no BIO, BIOES or BILOU tags"
                raise BadInput(what, path=source, field="ner_tags", way_out="name them B-TYPE, I-TYPE and O")
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    # A code below 0 is none: it must not count from the end of the list.
                    tags = [names[code if code >= 0 else len(names)] for code in row["ner_tags"]]
                    article = row.get("article_id")
                    key = number if article is None else article
                    yield {
                        "tokens": row["tokens"],
                        "tags": tags,
                        "article_id": article,
                        "number": number,
                        "document": key,
                    }
    except (OSError, pa.ArrowException, KeyError, AttributeError, IndexError, TypeError, ValueError) as error:
        way_out = "give Parquet with tokens and ner_tags, a list of ClassLabel"
        raise BadInput(f"cannot be read: {error}", path=source, way_out=way_out) from error
