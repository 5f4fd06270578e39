"""Token classification for `datasets` and transformers: a Parquet file with one row a sentence.

Columns: `id`, `article_id`, `tokens`, `starts` and `ends` (each token's place in the article's text), and `ner_tags`, a
ClassLabel of BIO tags: `O`, then `B-` and `I-` of each type in the order of the schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.article import Article
from curation.errors import BadInput
from curation.files import whole_file
from curation.formats.bio import spans_of, tags_of
from curation.formats.exchange import Document, Intake, Pair
from curation.formats.loss import Holds
from curation.formats.tokens import Tokens
from curation.formats.tokens import tokenise as own_tokens
from curation.schema import LabelSchema

if TYPE_CHECKING:
    from datasets import Features

SUFFIX = ".parquet"
HOLDS = Holds(unit="sentences", overlap="none")
_ROWS = 1000


def tokenise(article: Article, schema: LabelSchema) -> Tokens:
    """Our own tokens, or those the article came with."""
    return own_tokens(article)


def features(schema: LabelSchema) -> Features:
    """The columns as `datasets` knows them; event types have tags too, whether or not triggers are written."""
    from datasets import ClassLabel, Features, List, Value

    types = (*schema.entity_names, *schema.event_names)
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


def write(documents: Iterable[Document], target: Path, schema: LabelSchema) -> None:
    """One file of all documents, sentences without entities too."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = features(schema)
    codes = {name: code for code, name in enumerate(columns["ner_tags"].feature.names)}
    rows = (row for document in documents for row in _rows(document, codes))
    with whole_file(target, "wb") as file, pq.ParquetWriter(file, columns.arrow_schema, compression="zstd") as writer:
        while batch := list(islice(rows, _ROWS)):
            writer.write_table(pa.Table.from_pylist(batch, columns.arrow_schema))


def read(source: Path, intake: Intake) -> Iterator[Pair]:
    """Rows that follow each other with the same `article_id` are sentences of one document; without, one each."""
    for number, (_, group) in enumerate(groupby(_read(source), key=lambda row: row["article"]), start=1):
        rows = list(group)
        name = rows[0]["article_id"]
        article, tokens = intake.known.tokens([one["tokens"] for one in rows], name, f"{source.stem}-{number}", source)
        spans = spans_of((one["tags"] for one in rows), tokens, intake.lost)
        yield article, intake.spans(article, spans, source)


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


def _read(source: Path) -> Iterator[dict[str, Any]]:
    """Each row's tokens, the names of its tags, its article's id, and what tells its document from the next."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features

    try:
        with pq.ParquetFile(source) as file:
            columns = Features.from_arrow_schema(file.schema_arrow)
            names = columns["ner_tags"].feature.names
            number = 0
            for batch in file.iter_batches(batch_size=_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    tags = [names[code if code >= 0 else len(names)] for code in row["ner_tags"]]  # -1 is no last tag
                    if len(tags) != len(row["tokens"]):
                        what, way_out = "tokens and ner_tags differ in length", "give each token a tag"
                        raise BadInput(what, path=source, line=number, way_out=way_out)
                    article = row.get("article_id")
                    key = number if article is None else article
                    yield {"tokens": row["tokens"], "tags": tags, "article_id": article, "article": key}
    except (OSError, pa.ArrowException, KeyError, AttributeError, IndexError, TypeError) as error:
        way_out = "give Parquet with tokens and ner_tags, a list of ClassLabel"
        raise BadInput(f"cannot be read: {error}", path=source, way_out=way_out) from error
