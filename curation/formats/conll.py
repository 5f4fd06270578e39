"""CoNLL: one token a line with its BIO tag in the last of four columns, a blank line after each sentence.

    -DOCSTART- -X- O O

    Karsk -X- O B-GPE
    fires -X- O O

An article's id cannot be written: an import knows its articles by their tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from curation.article import Article
from curation.errors import BadInput
from curation.files import read_lines, whole_file
from curation.formats.bio import spans_of, tags_of
from curation.formats.exchange import Document, Intake, Pair
from curation.formats.loss import Holds
from curation.formats.tokens import Tokens
from curation.formats.tokens import tokenise as own_tokens
from curation.schema import LabelSchema

SUFFIX = ".conll"
HOLDS = Holds(unit="sentences", overlap="none", labels=re.compile(r"\S+"))
DOCUMENT = "-DOCSTART- -X- O O"


def tokenise(article: Article, schema: LabelSchema) -> Tokens:
    """Our own tokens, or those the article came with."""
    return own_tokens(article)


def write(documents: Iterable[Document], target: Path, schema: LabelSchema) -> None:
    """One file of all documents."""
    with whole_file(target) as file:
        for article, annotation, tokens in documents:
            file.write(f"{DOCUMENT}\n\n")
            tags = iter(tags_of(annotation.items(), tokens))
            for sentence in tokens.sentences:
                for start, end in sentence.tokens:
                    file.write(f"{article.text[start:end]} -X- O {next(tags)}\n")
                file.write("\n")


def read(source: Path, intake: Intake) -> Iterator[Pair]:
    """The documents of a file; columns are parted by white space, the first is the token, the last the tag."""
    for number, (line, document) in enumerate(_documents(source), start=1):
        words = [[word for word, _ in sentence] for sentence in document]
        tags = [[tag for _, tag in sentence] for sentence in document]
        article, tokens = intake.known.tokens(words, None, f"{source.stem}-{number}", source, line)
        yield article, intake.spans(article, spans_of(tags, tokens, intake.lost), source, line)


def _documents(source: Path) -> Iterator[tuple[int, list[list[tuple[str, str]]]]]:
    """Each document with the line it begins on: its sentences, each of tokens and tags."""
    document: list[list[tuple[str, str]]] = [[]]
    began = 1
    for number, line in enumerate(_lines(source), start=1):
        columns = line.split()
        if columns[:1] == ["-DOCSTART-"]:
            if any(document):
                yield began, [sentence for sentence in document if sentence]
            document, began = [[]], number
        elif not columns:
            document.append([])
        elif len(columns) == 1:
            way_out = "give each token a tag, parted by a space or a tab"
            raise BadInput("has one column", path=source, line=number, way_out=way_out)
        else:
            document[-1].append((columns[0], columns[-1]))
    if any(document):
        yield began, [sentence for sentence in document if sentence]


def _lines(source: Path) -> Iterator[str]:
    for number, raw in read_lines(source):
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadInput("not UTF-8", path=source, line=number, way_out="convert the file to UTF-8") from error
