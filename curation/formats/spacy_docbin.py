"""spaCy: DocBin files, with entities in `doc.ents` (for `ner`) or in `doc.spans["sc"]` (for `spancat`).

The tokens are those of a blank pipeline in the schema's language, as in training. White space that spaCy keeps as a
token is none here: spaCy trains on no span that begins or ends with it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from curation.article import MAX_CHARACTERS, Article
from curation.errors import BadInput, one_line
from curation.formats.format_loss import Capabilities
from curation.formats.registry import Document, ExportContext, Format, ImportContext, Pair
from curation.formats.tokens import Sentence, Tokens
from curation.schema import LabelSchema

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Span

ID = "article_id"
"""The key of the article's id in `doc.user_data`."""


class _DocBin(Format):
    """A DocBin with one document an article."""

    suffix = ".spacy"

    @abstractmethod
    def mark(self, doc: Doc, spans: list[Span]) -> None:
        """Put `spans` into `doc`."""

    @abstractmethod
    def marked(self, doc: Doc) -> Iterable[Span]:
        """The spans in `doc`."""

    def tokenise(self, article: Article, schema: LabelSchema) -> Tokens:
        """spaCy's tokens without white space, as one sentence."""
        found = tuple((token.idx, token.idx + len(token)) for token in _make_doc(article, schema) if not token.is_space)
        return Tokens([Sentence(0, len(article.text), found)] if found else [])

    def write(self, documents: Iterable[Document], target: Path, context: ExportContext) -> None:
        """One DocBin of all documents."""
        _blank(context.schema.language)
        from spacy.tokens import DocBin

        docs = DocBin(attrs=["ORTH", "SPACY", "ENT_IOB", "ENT_TYPE"], store_user_data=True)
        for article, annotation, _ in documents:
            doc = _make_doc(article, context.schema)
            self.mark(doc, [doc.char_span(item.start, item.end, item.type) for item in annotation.items()])
            docs.add(doc)
        target.write_bytes(docs.to_bytes())

    def read(self, source: Path, context: ImportContext) -> Iterator[Pair | BadInput]:
        """Documents of ours are found by their article's id, others by their text."""

        def document(numbered: tuple[int, Doc]) -> Pair:
            number, doc = numbered
            article = context.articles.by_text(doc.text, doc.user_data.get(ID), f"{source.stem}-{number}", source)
            spans = ((span.start_char, span.end_char, span.label_) for span in self.marked(doc))
            return article, context.spans(article, spans, source)

        return context.each(enumerate(_read_docs(source, context.schema), start=1), document)


class SpacyNer(_DocBin):
    """spaCy's `ner`: the outermost entities, which share no character."""

    capabilities = Capabilities(unit="tokens", overlap="none")

    def mark(self, doc: Doc, spans: list[Span]) -> None:
        """Put `spans` into `doc.ents`."""
        doc.ents = spans

    def marked(self, doc: Doc) -> Iterable[Span]:
        """The spans in `doc.ents`."""
        yield from doc.ents


class SpacySpancat(_DocBin):
    """spaCy's `spancat`: all entities, nested and overlapping ones too."""

    capabilities = Capabilities(unit="tokens")
    group = "sc"
    """The key of the spans; this is spancat's default."""

    def mark(self, doc: Doc, spans: list[Span]) -> None:
        """Put `spans` into the group."""
        doc.spans[self.group] = spans

    def marked(self, doc: Doc) -> Iterable[Span]:
        """The spans in the group."""
        yield from doc.spans.get(self.group, ())


@lru_cache(maxsize=2)
def _blank(language: str) -> Language:
    """spaCy's tokenizer of a language. Raises BadInput if spaCy has none, or is not installed."""
    try:
        import spacy

        pipeline = spacy.blank(language)
    except ImportError as error:
        missing = getattr(error, "name", None) == "spacy"
        what = "spaCy is not installed" if missing else f"spaCy has no tokenizer for {language}"
        way_out = "pip install 'curation[spacy]'" if missing else "choose another format"
        raise BadInput(what, field="format", way_out=way_out) from error
    pipeline.max_length = MAX_CHARACTERS
    return pipeline


def _make_doc(article: Article, schema: LabelSchema) -> Doc:
    doc = _blank(schema.language).make_doc(article.text)
    doc.user_data[ID] = article.id
    return doc


def _read_docs(source: Path, schema: LabelSchema) -> Iterator[Doc]:
    vocab = _blank(schema.language).vocab
    from spacy.tokens import DocBin

    try:
        yield from DocBin().from_disk(source).get_docs(vocab)
    except OSError as error:
        way_out = "check the path and its permissions"
        raise BadInput(f"cannot be read: {error.strerror or error}", path=source, way_out=way_out) from error
    except Exception as error:  # zlib, msgpack and spaCy each have their own
        way_out = "name a .spacy file"
        raise BadInput(
            f"not a DocBin that spaCy can read ({one_line(str(error), 80)})", path=source, way_out=way_out
        ) from error
