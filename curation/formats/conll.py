"""conll: one token a line, in columns, a blank line after each sentence.

We write four columns, with the token in the first and its BIO tag in the last:

    -DOCSTART- -X- O O

    Karsk -X- O B-GPE
    fires -X- O O

An article's id cannot be written: an import finds its articles by their tokens. `conll_layout` finds the columns of
files that other tools wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from curation.errors import BadInput
from curation.files import read_lines
from curation.formats.conll_layout import BRACKET, UD_TAG, UD_WORD, Layout, detect_layout
from curation.formats.format_loss import Capabilities
from curation.formats.registry import Document, ExportContext, ImportContext, Pair
from curation.formats.token_tags import TAG, TokenTags, spans_of, tags_of
from curation.formats.tokens import align

DOCUMENT = "-DOCSTART- -X- O O"


class Conll(TokenTags):
    """One token a line, in columns."""

    suffix = ".conll"
    capabilities = Capabilities(unit="sentences", overlap="none", labels=re.compile(r"\S+"))

    def write(self, documents: Iterable[Document], target: Path, context: ExportContext) -> None:
        """One file of all documents."""
        with target.open("w", encoding="utf-8", newline="\n") as file:
            for article, annotation, tokens in documents:
                file.write(f"{DOCUMENT}\n\n")
                tags = iter(tags_of(annotation.items(), tokens))
                for sentence in tokens.sentences:
                    for start, end in sentence.tokens:
                        file.write(f"{article.text[start:end]} -X- O {next(tags)}\n")
                    file.write("\n")

    def read(self, source: Path, context: ImportContext) -> Iterator[Pair | BadInput]:
        """The documents of a file, which begin with `-DOCSTART-`, `# newdoc` or `#begin document`.

        Raises:
            BadInput: the file cannot be read, or looks like another format.
        """
        layout = detect_layout(source)

        def document(numbered: tuple[int, _Document]) -> Pair:
            number, found = numbered
            if found.fault:
                raise found.fault
            words = [[word for word, _ in sentence] for sentence in found.sentences]
            text = "\n".join(found.texts)
            whole = len(found.texts) == len(words) and align([word for line in words for word in line], text)
            name = found.name or f"{source.stem}-{number}"
            article, tokens = context.articles.by_tokens(words, None, name, source, found.line, text if whole else None)
            spans: dict[tuple[int, int, str], None] = {}
            for layer in range(layout.layers):
                tags = [[tags[layer] for _, tags in sentence] for sentence in found.sentences]
                spans |= dict.fromkeys(spans_of(tags, tokens, context.lost))
            return article, context.spans(article, spans, source, found.line)

        return context.each(enumerate(_documents(source, layout), start=1), document)


@dataclass
class _Document:
    """A document of a CoNLL file: its first line, its sentences of (token, tags) pairs, and their texts if given."""

    line: int
    name: str | None = None
    sentences: list[list[tuple[str, list[str]]]] = field(default_factory=lambda: [[]])
    texts: list[str] = field(default_factory=list)
    fault: BadInput | None = None


def _documents(source: Path, layout: Layout) -> Iterator[_Document]:
    """Each document that has tokens, or a fault in its place."""
    document = _Document(1)
    open_bracket, covered, header = "", 0, layout.header
    for number, raw in read_lines(source):
        try:
            line = raw.decode("utf-8").removeprefix("\ufeff" if number == 1 else "").rstrip("\r\n")
        except UnicodeDecodeError:
            fault = BadInput("not UTF-8", path=source, line=number, way_out="convert the file to UTF-8")
            document.fault = document.fault or fault
            continue
        columns = layout.columns(line)
        if not columns:
            document.sentences.append([])
        elif columns[0] == "-DOCSTART-" or _is_comment(line, columns, layout):
            name = _begins_document(line, layout)
            if name is not None:
                if any(document.sentences) or document.fault:
                    yield _without_blanks(document)
                document, open_bracket, covered = _Document(number, name or None), "", 0
            elif match := re.match(r"# ?text = (.*)", line):
                document.texts.append(match[1])
        elif (layout.width and len(columns) != layout.width) or len(columns) <= max(layout.token, *layout.tags):
            what = f"has {len(columns)} columns, other lines have {layout.width or 'more'}"
            what = "has one column" if len(columns) == 1 else what
            way_out = "give each token a tag, separated by a space or a tab"
            document.fault = document.fault or BadInput(what, path=source, line=number, way_out=way_out)
        elif header:
            header = False
        elif layout.kind == "CoNLL-U" and not UD_WORD.fullmatch(columns[0]):
            fault = BadInput("begins with no word number", path=source, line=number, way_out="number the words from 1")
            document.fault = document.fault or fault
        elif layout.kind == "CoNLL-U":
            covered = _add_ud_word(document.sentences[-1], columns, covered)
        else:
            tags = [columns[place] for place in layout.tags]
            if layout.kind == "CoNLL-2012":
                tags[0], open_bracket = _bracket_tag(tags[0], open_bracket)
            document.sentences[-1].append((columns[layout.token], tags))
    if any(document.sentences) or document.fault:
        yield _without_blanks(document)


def _is_comment(line: str, columns: list[str], layout: Layout) -> bool:
    """Whether a line that begins with # is a comment and not the token #."""
    if line[0] != "#":
        return False
    if layout.kind in ("CoNLL-U", "CoNLL-2012"):
        return True
    right = len(columns) == layout.width
    return not right or not all(TAG.fullmatch(columns[place]) for place in layout.tags)


def _begins_document(line: str, layout: Layout) -> str | None:
    """The name of the document that a line begins, empty if it has none; None if it begins no document.

    Each sentence of a file with layers (GermEval) is from another text, named in a comment before it.
    """
    if line.startswith("-DOCSTART-"):
        return ""
    if match := re.match(r"# ?newdoc(?: id)?(?: = (.*))?$", line):
        return (match[1] or "").strip()
    if match := re.match(r"#begin document \((.*)\)(?:; part (\d+))?", line):
        return match[1] + (f"-{match[2]}" if match[2] else "")
    return "" if layout.layers > 1 and line.startswith("#\t") else None


def _without_blanks(document: _Document) -> _Document:
    document.sentences = [sentence for sentence in document.sentences if sentence]
    return document


def _add_ud_word(sentence: list[tuple[str, list[str]]], columns: list[str], covered: int) -> int:
    """Add a word of CoNLL-U; a multiword token stands for its words and has the first of their tags.

    Returns the number of the last word that the multiword token before covers.
    """
    number, _, last = columns[0].partition("-")
    match = UD_TAG.search(columns[9])
    tag = match[1] if match else "O"
    if "." in number:
        return covered
    if last:
        sentence.append((columns[1], [tag]))
        return int(last)
    if int(number) > covered or (int(number) == 1 and not sentence):
        sentence.append((columns[1], [tag]))
        return 0
    if sentence and sentence[-1][1] == ["O"]:
        sentence[-1] = (sentence[-1][0], [tag])
    return covered


def _bracket_tag(value: str, opened: str) -> tuple[str, str]:
    """The BIO tag of a bracketed one such as `(GPE*`, `*` or `*)`, and the type that stays open behind it."""
    match = BRACKET.fullmatch(value)
    if match is None:
        return value, opened
    tag = f"B-{match[1]}" if match[1] else f"I-{opened}" if opened else "O"
    return tag, "" if match[3] else match[1] or opened
