"""A parsed zone as plain columns, and the only place in the rules that reads spaCy's objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from spacy.tokens import Doc

from curation.engines.article_zones import Zone
from curation.engines.rules.clean_text import CleanText

MAX_WORD = 500
"""Longest run without white space that is tokenized as one, in code points; web addresses are long, too."""
MAX_SENTENCE = 400
"""Most tokens of a sentence; lists of names are long, too."""

_SENTENCE_ENDS = frozenset(".?!")
_LONG_WORD = re.compile(rf"\S{{{MAX_WORD}}}")


@dataclass(slots=True)
class Parse:
    """The tokens of one zone, one entry per token in every column.

    Attributes:
        head: the token that a token depends on; a root is its own head.
        children: the tokens that depend on a token.
        start, end: `[start, end)` in code points of the article's text.
        sentence: the number of the sentence, from 0.
        entities: (first token, token after the last, label) as the model found them.
    """

    zone: Zone
    text: list[str] = field(default_factory=list)
    lower: list[str] = field(default_factory=list)
    lemma: list[str] = field(default_factory=list)
    pos: list[str] = field(default_factory=list)
    tag: list[str] = field(default_factory=list)
    dep: list[str] = field(default_factory=list)
    head: list[int] = field(default_factory=list)
    children: list[list[int]] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    sentence: list[int] = field(default_factory=list)
    entities: list[tuple[int, int, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.text)

    def children_with(self, token: int, *deps: str) -> Iterator[int]:
        """The children of `token` with one of these dependencies, from left to right."""
        dep = self.dep
        return (child for child in self.children[token] if dep[child] in deps)

    def has_child(self, token: int, *deps: str) -> bool:
        """Whether `token` has a child with one of these dependencies."""
        return any(self.dep[child] in deps for child in self.children[token])

    def cuts_word(self, first: int, last: int) -> bool:
        """Whether `[first, last)` begins or ends inside a word: the tokenizer splits some words."""
        return any(
            0 < token < len(self.text)
            and self.end[token - 1] == self.start[token]
            and self.text[token - 1][-1].isalpha()
            and self.text[token][0].isalpha()
            for token in (first, last)
        )

    def is_verb(self, token: int) -> bool:
        """Whether the tagger takes `token` for a verb."""
        return self.pos[token] == "VERB" or self.pos[token] == "AUX"

    def ancestors(self, token: int) -> Iterator[int]:
        """The tokens above `token`, nearest first."""
        while (head := self.head[token]) != token:
            yield head
            token = head


def parse(doc: Doc, zone: Zone, source: CleanText) -> Parse:
    """The columns of a parsed spaCy `doc` of the text of `zone`, a zone of `source.text`."""
    made = Parse(zone, children=[[] for _ in range(len(doc))])
    sentence = -1
    for token in doc:
        index, head, text = token.i, token.head.i, token.text
        lower = text.lower()
        if head != index:
            made.children[head].append(index)
        if token.is_sent_start or index == 0:
            sentence += 1
        made.text.append(text)
        made.lower.append(lower)
        made.lemma.append(token.lemma_.lower() or lower)
        made.pos.append(token.pos_)
        made.tag.append(token.tag_)
        made.dep.append(token.dep_)
        made.head.append(head)
        made.start.append(source.starts[zone.start + token.idx])
        made.end.append(source.ends[zone.start + token.idx + len(text) - 1])
        made.sentence.append(sentence)
    made.entities = [(span.start, span.end, span.label_) for span in doc.ents]
    return made


def safe_doc(nlp: Any, text: str) -> Doc:
    """`text` as an unparsed spaCy Doc, tokenized in linear time and with bounded sentences, so that junk is not slow.

    spaCy's tokenizer removes a word's punctuation mark by mark and rescans the rest each time, and the rules climb a
    sentence's tree from each of its words: both are quadratic. So very long words and sentences are split.
    """
    cuts = [0, *(found.end() for found in _LONG_WORD.finditer(text)), len(text)]
    pieces = [nlp.make_doc(text[start:end]) for start, end in pairwise(cuts) if start < end]
    doc = pieces[0] if len(pieces) == 1 else Doc.from_docs(pieces, ensure_whitespace=False)
    last = 0
    for token in doc:
        if token.i - last >= MAX_SENTENCE:
            token.is_sent_start = True
        if token.is_sent_start or token.text in _SENTENCE_ENDS:
            last = token.i
    return doc
