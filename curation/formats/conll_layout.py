"""The columns of CoNLL files, recognised by what they hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from curation.errors import BadInput, one_line
from curation.files import lines_or_faults
from curation.formats.token_tags import TAG

BRACKET = re.compile(r"(?:\(([^()*\s]+))?(\*?)(\))?")
"""A tag of CoNLL-2012, such as `(GPE*`, `*` or `*)`."""
UD_WORD = re.compile(r"\d{1,9}(?:[-.]\d{1,9})?")
"""The first column of CoNLL-U: the number of a word, of a multiword token or of an empty node."""
UD_TAG = re.compile(r"(?:^|\|)(?:NER|NE|name)=([^|\s]+)", re.IGNORECASE)
"""The entity tag in the last column of CoNLL-U."""
_CHUNKS = frozenset(["NP", "VP", "PP", "ADJP", "ADVP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP"])
_HEADER = re.compile(r"(?:.*[-_ ])?(?:ner?|iob2?|bio|tags?|labels?|entity|entities)", re.IGNORECASE)
_SAMPLE_LINES = 20_000
"""Lines that are read to find out the columns of a file."""


@dataclass(frozen=True)
class Layout:
    """The columns of a CoNLL file, counted from 0.

    Attributes:
        kind: `CoNLL`, `CoNLL-2012`, `CoNLL-U` or `empty`.
        tabs: columns are separated by single tabs, else by blanks.
        width: the number of columns; None if it varies.
        token: the column of the token.
        tags: the columns of tags, several if tags come in layers.
        header: the first line that is no comment names the columns.
    """

    kind: str
    tabs: bool
    width: int | None
    token: int
    tags: tuple[int, ...]
    header: bool = False

    @property
    def layers(self) -> int:
        """The number of columns of tags."""
        return len(self.tags)

    def columns(self, line: str) -> list[str]:
        """The columns of a line; other white space, such as a no-break space, belongs to a column."""
        return _columns(line, self.tabs)


def detect_layout(source: Path) -> Layout:
    """The columns of a file, by what they hold.

    The tags are in the column that holds nothing but tags; the token is in the first one that holds neither tags nor a
    running number. This suits CoNLL-2002 and -2003 and their relatives. Two columns of tags after a running number are
    layers, as in GermEval; chunk tags are left out. CoNLL-2012 and CoNLL-U with tags in the last column are recognised.

    Raises:
        BadInput: the file cannot be read, or looks like something else; the message says what it looks like.
    """
    lines = [
        raw.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n")
        for _, raw in islice(lines_or_faults(source), _SAMPLE_LINES)
        if isinstance(raw, bytes)
    ]
    _refuse_other_formats(next((line for line in lines if line.strip()), ""), source)
    data = [line for line in lines if line.strip() and line[0] != "#"] or [line for line in lines if line.strip()]
    data = [line for line in data if not line.startswith("-DOCSTART-")]
    if not data:
        return Layout("empty", False, None, 0, (1,))
    tabs = sum("\t" in line for line in data) * 2 > len(data)
    rows = [_columns(line, tabs) for line in data]
    if _is_conll_2012(lines, rows):
        return Layout("CoNLL-2012", tabs, None, 3, (10,))
    width = Counter(map(len, rows)).most_common(1)[0][0]
    if width == 1:
        line = next(number for number, text in enumerate(lines, start=1) if len(_columns(text, tabs)) == 1)
        way_out = "give each token a tag, separated by a space or a tab"
        raise BadInput("has one column", path=source, line=line, way_out=way_out)
    rows = [row for row in rows if len(row) == width]
    columns = [[row[place] for row in rows] for place in range(width)]
    header = any(_HEADER.fullmatch(values[0]) and len(values) > 1 and _is_tags(values[1:]) for values in columns)
    if header:
        columns = [values[1:] for values in columns]
    numbered = _is_running_number(columns[0])
    conll_u = tabs and width == 10 and numbered
    if conll_u and _has_conll_u_tags(rows):
        return Layout("CoNLL-U", tabs, width, 1, (9,))
    tags = _tag_columns(columns)
    if not tags:
        raise _no_tags(columns, conll_u, source)
    if len(tags) > 1 and not numbered:
        places = " and ".join(str(place + 1) for place in tags)
        what = f"has tags in columns {places}, which may be layers, or gold and predictions"
        raise BadInput(what, path=source, way_out="keep the token and one column of tags")
    tokens = [place for place in range(width) if place not in tags and not (numbered and place == 0)]
    if not tokens:
        raise BadInput("has no column of tokens", path=source, way_out="give each token and its tag")
    return Layout("CoNLL", tabs, width, tokens[0], tuple(tags), header)


def _is_conll_2012(lines: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    begins = any(line.startswith("#begin document") for line in lines)
    return begins and all(len(row) > 11 and BRACKET.fullmatch(row[10]) for row in rows)


def _has_conll_u_tags(rows: Sequence[Sequence[str]]) -> bool:
    tags = [match[1] for row in rows if (match := UD_TAG.search(row[9]))]
    return bool(tags) and _is_tags(tags)


def _tag_columns(columns: Sequence[Sequence[str]]) -> list[int]:
    """The columns of entity tags: not of chunk tags, and not of `O` alone if others have tags."""
    tags = [place for place, values in enumerate(columns) if _is_tags(values)]
    marked = [place for place in tags if any(value != "O" for value in columns[place])]
    tags = marked or tags[-1:]
    entities = [place for place in tags if {value[2:] for value in columns[place]} - {""} - _CHUNKS]
    return entities or tags[-1:]


def _columns(line: str, tabs: bool) -> list[str]:
    if tabs:
        return [column.strip(" ") for column in line.rstrip("\t ").split("\t")] if line.strip() else []
    return [column for column in re.split(r"[ \t]+", line) if column]


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
    if not all(UD_WORD.fullmatch(value) for value in values):
        return False
    numbers = [int(re.split("[-.]", value)[0]) for value in values]
    return numbers[0] in (0, 1) and all(after in (before, before + 1, 0, 1) for before, after in pairwise(numbers))


def _is_tags(values: Sequence[str]) -> bool:
    """Whether a column holds tags; one in a hundred may be misspelt."""
    return sum(TAG.fullmatch(value) is None for value in values) * 100 <= len(values)


def _no_tags(columns: list[list[str]], conll_u: bool, source: Path) -> BadInput:
    """The error of a file without a column of tags."""
    last = Counter(columns[-1])
    if conll_u:
        return BadInput(
            "looks like CoNLL-U without entity tags", path=source, way_out="add NER=B-TYPE to its column MISC"
        )
    bracketed = sum(count for value, count in last.items() if BRACKET.fullmatch(value))
    shown = ", ".join(one_line(value, 20) for value, _ in last.most_common(3))
    what = f"column {len(columns)} holds {shown}, which are no BIO, BIOES or BILOU tags"
    if bracketed == last.total():
        what += "; looks like CoNLL-2005 or -2012 without its headers"
    elif "O" in last:
        what += "; looks like tags without B- and I-"
    return BadInput(what, path=source, way_out="give each token a tag such as B-GPE, I-GPE or O in one column")
