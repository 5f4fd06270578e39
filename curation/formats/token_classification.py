"""Token classification: CoNLL files, and Parquet for `datasets` and transformers.

Both hold a tag for each token. We write BIO: `B-TYPE` on the first token of a span, `I-TYPE` on the others, `O`
elsewhere. We also read IOB1, BIOES, BILOU and BMES.

CoNLL files are written with four columns, the token and its tag in the first and last, a blank line after each
sentence:

    -DOCSTART- -X- O O

    Karsk -X- O B-GPE
    fires -X- O O

An article's id cannot be written: an import finds its articles by their tokens. Of files by others the columns are
chosen by what they hold, see `_layout`.

hf-ner is a Parquet file with one row a sentence. Columns: `id`, `article_id`, `tokens`, `starts` and `ends` (the
places of the tokens in the article's text), and `ner_tags`, a ClassLabel of BIO tags: `O`, then `B-` and `I-` of each
type.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.annotation import Item
from curation.article import Article
from curation.errors import BadInput, one_line
from curation.files import lines_or_faults, read_lines
from curation.formats.format_loss import Capabilities, Loss
from curation.formats.registry import Document, ExportContext, Format, ImportContext, Pair
from curation.formats.tokens import Tokens, align, tokenise
from curation.schema import LabelSchema

if TYPE_CHECKING:
    from datasets import Features

DOCUMENT = "-DOCSTART- -X- O O"
_TAG = re.compile(r"O|([BIMELSUW])-(.+)")
_BEGIN, _INSIDE, _END, _SINGLE = "B", "IM", "EL", "SUW"
_BRACKET = re.compile(r"(?:\(([^()*\s]+))?(\*?)(\))?")
_CHUNKS = frozenset(["NP", "VP", "PP", "ADJP", "ADVP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP"])
_HEADER = re.compile(r"(?:.*[-_ ])?(?:ner?|iob2?|bio|tags?|labels?|entity|entities)", re.IGNORECASE)
_UD_WORD = re.compile(r"\d{1,9}(?:[-.]\d{1,9})?")
_UD_TAG = re.compile(r"(?:^|\|)(?:NER|NE|name)=([^|\s]+)", re.IGNORECASE)
_SAMPLE = 20_000
"""Lines that are looked at to find out the columns of a file."""

_ROWS = 1000


class _TokenTags(Format):
    """Our own tokens, or those the article was imported with; sentences without overlapping spans."""

    def tokenise(self, article: Article, schema: LabelSchema) -> Tokens:
        """Our own tokens, or those the article was imported with."""
        return tokenise(article)


class Conll(_TokenTags):
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
        layout = _layout(source)

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


class HfNer(_TokenTags):
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
            while batch := list(islice(rows, _ROWS)):
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


def tags_of(items: Iterable[Item], tokens: Tokens) -> list[str]:
    """The BIO tag of each token. The items are of whole tokens and do not overlap."""
    tags = ["O"] * len(tokens.all)
    for item in items:
        place = tokens.exactly(item.start, item.end)
        if place is not None:
            first, behind = place
            tags[first:behind] = [f"B-{item.type}", *[f"I-{item.type}"] * (behind - first - 1)]
    return tags


def spans_of(sentences: Iterable[Sequence[str]], tokens: Tokens, lost: Loss) -> Iterator[tuple[int, int, str]]:
    """The spans that tags mark, as start, end and type, sentence by sentence.

    Marks are B (begin), I or M (inside), E or L (last), S, U or W (a single token). One that continues nothing begins
    a span of its own, as in files of the older IOB1 kind. What is no tag counts as lost.
    """
    first = 0
    for tags in sentences:
        begin, label = 0, ""
        for place, tag in enumerate([*tags, "O"]):
            match = _TAG.fullmatch(tag)
            lost.add("tags", match is None)
            mark, type_ = (match[1], match[2]) if match else (None, None)
            continues = mark is not None and mark in _INSIDE + _END and type_ == label
            if label and not continues:
                yield *tokens.span(first + begin, first + place), label
                label = ""
            if mark is not None and type_ is not None and not continues:
                begin, label = place, type_
            if label and mark is not None and mark in _END + _SINGLE:
                yield *tokens.span(first + begin, first + place + 1), label
                label = ""
        first += len(tags)


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


@dataclass(frozen=True)
class _Layout:
    """The columns of a CoNLL file, counted from 0. `tags` are several if tags come in layers.

    `width` is the number of columns, None if it varies. `tabs`: columns are parted by single tabs, else by blanks.
    `header`: the first line that is no comment names the columns.
    """

    kind: str
    tabs: bool
    width: int | None
    token: int
    tags: tuple[int, ...]
    header: bool = False

    @property
    def layers(self) -> int:
        return len(self.tags)

    def columns(self, line: str) -> list[str]:
        """The columns of a line; other white space, such as a no-break space, belongs to a column."""
        return _columns(line, self.tabs)


@dataclass
class _Document:
    """A document of a CoNLL file: its first line, its sentences of (token, tags) pairs, and their texts if given."""

    line: int
    name: str | None = None
    sentences: list[list[tuple[str, list[str]]]] = field(default_factory=lambda: [[]])
    texts: list[str] = field(default_factory=list)
    fault: BadInput | None = None


def _columns(line: str, tabs: bool) -> list[str]:
    if tabs:
        return [column.strip(" ") for column in line.rstrip("\t ").split("\t")] if line.strip() else []
    return [column for column in re.split(r"[ \t]+", line) if column]


def _layout(source: Path) -> _Layout:
    """The columns of a file, by what they hold.

    The tags are in the column that holds nothing but tags; the token is in the first one that holds neither tags nor a
    running number. This suits CoNLL-2002 and -2003 and their relatives. Two columns of tags after a running number are
    layers, as in GermEval; chunk tags are left out. CoNLL-2012 and CoNLL-U with tags in the last column are recognised.

    Raises:
        BadInput: the file cannot be read, or looks like something else; the message says what it looks like.
    """
    lines = [
        raw.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n")
        for _, raw in islice(lines_or_faults(source), _SAMPLE)
        if isinstance(raw, bytes)
    ]
    first = next((line for line in lines if line.strip()), "")
    _refuse_other_formats(first, source)
    data = [line for line in lines if line.strip() and line[0] != "#"] or [line for line in lines if line.strip()]
    data = [line for line in data if not line.startswith("-DOCSTART-")]
    if not data:
        return _Layout("empty", False, None, 0, (1,))
    tabs = sum("\t" in line for line in data) * 2 > len(data)
    rows = [_columns(line, tabs) for line in data]
    width = Counter(map(len, rows)).most_common(1)[0][0]
    begins = any(line.startswith("#begin document") for line in lines)
    if begins and all(len(row) > 11 and _BRACKET.fullmatch(row[10]) for row in rows):
        return _Layout("CoNLL-2012", tabs, None, 3, (10,))
    if width == 1:
        line = next(number for number, text in enumerate(lines, start=1) if len(_columns(text, tabs)) == 1)
        way_out = "give each token a tag, parted by a space or a tab"
        raise BadInput("has one column", path=source, line=line, way_out=way_out)
    rows = [row for row in rows if len(row) == width]
    columns = [[row[place] for row in rows] for place in range(width)]
    header = any(_HEADER.fullmatch(values[0]) and len(values) > 1 and _is_tags(values[1:]) for values in columns)
    if header:
        columns = [values[1:] for values in columns]
    index = _is_running_number(columns[0])
    ud = tabs and width == 10 and index
    ud_tags = [match[1] for row in rows if ud and (match := _UD_TAG.search(row[9]))]
    if ud_tags and _is_tags(ud_tags):
        return _Layout("CoNLL-U", tabs, width, 1, (9,))
    tags = [place for place, values in enumerate(columns) if _is_tags(values)]
    marked = [place for place in tags if any(value != "O" for value in columns[place])]
    tags = marked or tags[-1:]
    entities = [place for place in tags if {value[2:] for value in columns[place]} - {""} - _CHUNKS]
    tags = entities or tags[-1:]
    if not tags:
        raise _no_tags(columns, ud, source)
    if len(tags) > 1 and not index:
        places = " and ".join(str(place + 1) for place in tags)
        what = f"has tags in columns {places}, which may be layers, or gold and predictions"
        raise BadInput(what, path=source, way_out="keep the token and one column of tags")
    tokens = [place for place in range(width) if place not in tags and not (index and place == 0)]
    if not tokens:
        raise BadInput("has no column of tokens", path=source, way_out="give each token and its tag")
    return _Layout("CoNLL", tabs, width, tokens[0], tuple(tags), header)


def _refuse_other_formats(first: str, source: Path) -> None:
    """Raise BadInput if the first line is that of another well-known kind of file."""
    looks = None
    if first.startswith("#FORMAT=WebAnno TSV"):
        looks, way_out = "WebAnno TSV", "export it from INCEpTION or WebAnno as CoNLL 2002"
    elif first[:1] in ("{", "["):
        if re.match(r"[{\[]\s*[\"{\[]", first):
            looks, way_out = "JSON", "choose another --format"
    elif re.match(r"<(?:\?xml|!DOCTYPE|[A-Za-z][\w:-]*[ >])", first):
        looks, way_out = "XML", "choose another --format"
    elif re.match(r"[TERAMN]\d+\t\S+[ :]", first):
        looks, way_out = "brat standoff", "choose --format brat and name the folder"
    if looks:
        raise BadInput(f"looks like {looks}, not like CoNLL", path=source, way_out=way_out)


def _is_running_number(values: Sequence[str]) -> bool:
    """Whether a column numbers the tokens of each sentence, as 1, 2, 3; ranges and empty nodes of CoNLL-U count too."""
    if not all(_UD_WORD.fullmatch(value) for value in values):
        return False
    numbers = [int(re.split("[-.]", value)[0]) for value in values]
    return numbers[0] in (0, 1) and all(after in (before, before + 1, 0, 1) for before, after in pairwise(numbers))


def _is_tags(values: Sequence[str]) -> bool:
    """Whether a column holds tags; one in a hundred may be misspelt."""
    return sum(_TAG.fullmatch(value) is None for value in values) * 100 <= len(values)


def _no_tags(columns: list[list[str]], ud: bool, source: Path) -> BadInput:
    """What to say of a file without a column of tags."""
    last = Counter(columns[-1])
    if ud:
        return BadInput(
            "looks like CoNLL-U without entity tags", path=source, way_out="add NER=B-TYPE to its column MISC"
        )
    bracketed = sum(count for value, count in last.items() if _BRACKET.fullmatch(value))
    shown = ", ".join(one_line(value, 20) for value, _ in last.most_common(3))
    what = f"column {len(columns)} holds {shown}, which are no BIO, BIOES or BILOU tags"
    if bracketed == last.total():
        what += "; looks like CoNLL-2005 or -2012 without its headers"
    elif "O" in last:
        what += "; looks like tags without B- and I-"
    return BadInput(what, path=source, way_out="give each token a tag such as B-GPE, I-GPE or O in one column")


def _documents(source: Path, layout: _Layout) -> Iterator[_Document]:
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
            way_out = "give each token a tag, parted by a space or a tab"
            document.fault = document.fault or BadInput(what, path=source, line=number, way_out=way_out)
        elif header:
            header = False
        elif layout.kind == "CoNLL-U" and not _UD_WORD.fullmatch(columns[0]):
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


def _is_comment(line: str, columns: list[str], layout: _Layout) -> bool:
    """Whether a line that begins with # is a comment and not the token #."""
    if line[0] != "#":
        return False
    if layout.kind in ("CoNLL-U", "CoNLL-2012"):
        return True
    right = len(columns) == layout.width
    return not right or not all(_TAG.fullmatch(columns[place]) for place in layout.tags)


def _begins_document(line: str, layout: _Layout) -> str | None:
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
    match = _UD_TAG.search(columns[9])
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
    match = _BRACKET.fullmatch(value)
    if match is None:
        return value, opened
    tag = f"B-{match[1]}" if match[1] else f"I-{opened}" if opened else "O"
    return tag, "" if match[3] else match[1] or opened


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
            if wrong := [name for name in names if not _TAG.fullmatch(name)]:
                what = f"{', '.join(wrong[:3])} are no BIO, BIOES or BILOU tags"
                raise BadInput(what, path=source, field="ner_tags", way_out="name them B-TYPE, I-TYPE and O")
            number = 0
            for batch in file.iter_batches(batch_size=_ROWS):
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
