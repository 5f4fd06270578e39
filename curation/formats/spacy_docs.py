"""What the two spaCy formats share: spaCy's own tokens, and DocBin files.

The tokens are those of a blank pipeline in the schema's language, so a model trained on the file meets the same ones.
White space that spaCy keeps as a token is none here: spaCy trains on no span that begins or ends with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from curation.article import MAX_CHARACTERS, Article
from curation.errors import BadInput, one_line
from curation.files import whole_file
from curation.formats.tokens import Sentence, Tokens
from curation.schema import LabelSchema

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

ID = "article_id"
"""The key of the article's id in `doc.user_data`."""


@lru_cache(maxsize=2)
def blank(language: str) -> Language:
    """spaCy's tokeniser of a language. Raises BadInput where spaCy has none, or is not installed."""
    try:
        import spacy

        pipeline = spacy.blank(language)
    except ImportError as error:
        missing = getattr(error, "name", None) == "spacy"
        what = "spaCy is not installed" if missing else f"spaCy has no tokeniser for {language}"
        way_out = "pip install 'curation[spacy]'" if missing else "choose another format"
        raise BadInput(what, field="format", way_out=way_out) from error
    pipeline.max_length = MAX_CHARACTERS
    return pipeline


def make_doc(article: Article, schema: LabelSchema) -> Doc:
    """The article as spaCy's tokens, nothing marked."""
    doc = blank(schema.language).make_doc(article.text)
    doc.user_data[ID] = article.id
    return doc


def tokenise(article: Article, schema: LabelSchema) -> Tokens:
    """spaCy's tokens, white space left out, as one sentence."""
    doc = make_doc(article, schema)
    found = tuple((token.idx, token.idx + len(token)) for token in doc if not token.is_space)
    return Tokens([Sentence(0, len(article.text), found)] if found else [])


def write_docs(docs: Iterable[Doc], target: Path) -> None:
    """A DocBin of `docs`, whole or not at all."""
    from spacy.tokens import DocBin

    held = DocBin(attrs=["ORTH", "SPACY", "ENT_IOB", "ENT_TYPE"], store_user_data=True)
    for doc in docs:
        held.add(doc)
    with whole_file(target, "wb") as file:
        file.write(held.to_bytes())


def read_docs(source: Path, schema: LabelSchema) -> Iterator[Doc]:
    """The documents of a DocBin. Raises BadInput where it is none."""
    vocab = blank(schema.language).vocab
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
