"""spaCy's `ner`: a DocBin whose `doc.ents` are the outermost entities, which share no character."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from curation.formats.exchange import Document, Intake, Pair
from curation.formats.loss import Holds
from curation.formats.spacy_docs import ID, make_doc, read_docs, tokenise, write_docs
from curation.schema import LabelSchema

__all__ = ["HOLDS", "SUFFIX", "read", "tokenise", "write"]

SUFFIX = ".spacy"
HOLDS = Holds(overlap="none")


def write(documents: Iterable[Document], target: Path, schema: LabelSchema) -> None:
    """One DocBin of all documents."""

    def docs() -> Iterator[object]:
        for article, annotation, _ in documents:
            doc = make_doc(article, schema)
            doc.ents = [doc.char_span(item.start, item.end, item.type) for item in annotation.items()]
            yield doc

    write_docs(docs(), target)


def read(source: Path, intake: Intake) -> Iterator[Pair]:
    """Documents of ours by their article's id, others by their text."""
    for number, doc in enumerate(read_docs(source, intake.schema), start=1):
        article = intake.known.text(doc.text, doc.user_data.get(ID), f"{source.stem}-{number}", source)
        spans = ((span.start_char, span.end_char, span.label_) for span in doc.ents)
        yield article, intake.spans(article, spans, source)
