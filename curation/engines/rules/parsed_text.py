"""What a parser said of one zone, as plain columns: the rules read these and know nothing of spaCy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from curation.engines.article_zones import Zone


@dataclass(slots=True)
class Parse:
    """One zone, one entry a token in every column. `head` and `kids` are token numbers, a root is its own head.

    `start` and `end` are code points of the article's text. `entities` are (first token, token after the last,
    label) as the model named them.
    """

    zone: Zone
    text: list[str] = field(default_factory=list)
    lower: list[str] = field(default_factory=list)
    lemma: list[str] = field(default_factory=list)
    pos: list[str] = field(default_factory=list)
    tag: list[str] = field(default_factory=list)
    dep: list[str] = field(default_factory=list)
    head: list[int] = field(default_factory=list)
    kids: list[list[int]] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    sentence: list[int] = field(default_factory=list)
    entities: list[tuple[int, int, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.text)

    def kid(self, token: int, *deps: str) -> Iterator[int]:
        """The children of `token` with one of these dependencies, from left to right."""
        dep = self.dep
        return (kid for kid in self.kids[token] if dep[kid] in deps)

    def verbal(self, token: int) -> bool:
        """Whether `token` is a verb, to the tagger."""
        return self.pos[token] == "VERB" or self.pos[token] == "AUX"

    def up(self, token: int) -> Iterator[int]:
        """The tokens above `token`, nearest first."""
        while (head := self.head[token]) != token:
            yield head
            token = head


def parse(doc: Any, zone: Zone) -> Parse:
    """A spaCy `doc` of the text of `zone` as columns."""
    made = Parse(zone)
    offset = zone.start
    kids: list[list[int]] = [[] for _ in range(len(doc))]
    sentence = -1
    for token in doc:
        index = token.i
        head = token.head.i
        if head != index:
            kids[head].append(index)
        if token.is_sent_start or index == 0:
            sentence += 1
        text = token.text
        lower = text.lower()
        made.text.append(text)
        made.lower.append(lower)
        made.lemma.append(token.lemma_.lower() or lower)
        made.pos.append(token.pos_)
        made.tag.append(token.tag_)
        made.dep.append(token.dep_)
        made.head.append(head)
        made.start.append(offset + token.idx)
        made.end.append(offset + token.idx + len(text))
        made.sentence.append(sentence)
    made.kids = kids
    made.entities = [(span.start, span.end, span.label_) for span in doc.ents]
    return made
