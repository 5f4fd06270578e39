"""One article as the checks read it: words, sentences, paragraphs, and its annotations."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import cached_property

from curation.annotation import Annotation, Entity, Event, Item
from curation.article import Article
from curation.metrics.matching import FILLER
from curation.review.checks.finding import Spot

_WORD = re.compile(r"\w+|[^\w\s]")
_SENTENCE = re.compile(
    r"\n\s*|(?<![A-Z])(?<!\b[A-Z][a-z])(?<!\bGen)(?<!\bCol)[.!?…][\"”’')\]]*\s+(?=[\"“‘'(\[]*[A-Z\d])"
)
LONGEST = 60
"""Longest quotation in a message, in characters."""


class Document:
    """`said` is the person's annotation of `article`; `engine` is an engine's, as a second opinion, or None.

    Entities that only represent a filler without a type (FILLER) are left out.
    """

    def __init__(self, article: Article, said: Annotation, engine: Annotation | None = None) -> None:
        self.article, self.said, self.engine = article, said, engine
        self.text = article.text

    @cached_property
    def entities(self) -> tuple[Entity, ...]:
        """The person's entities."""
        return tuple(entity for entity in self.said.entities if entity.type != FILLER)

    @property
    def events(self) -> tuple[Event, ...]:
        """The person's events."""
        return self.said.events

    @cached_property
    def items(self) -> dict[str, Item]:
        """The person's items by id."""
        return {item.id: item for item in self.said.items()}

    @cached_property
    def words(self) -> list[Spot]:
        """Runs of letters and digits, and single other characters that are not white space."""
        return [match.span() for match in _WORD.finditer(self.text)]

    @cached_property
    def lower(self) -> list[str]:
        """The words in lower case."""
        return [self.text[start:end].lower() for start, end in self.words]

    @cached_property
    def starts(self) -> list[int]:
        """Where the words start."""
        return [start for start, _ in self.words]

    @cached_property
    def _sentences(self) -> list[int]:
        return [0, *(match.end() for match in _SENTENCE.finditer(self.text))]

    @cached_property
    def _paragraphs(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer(r"\n\s*\n", self.text))]

    def sentence(self, position: int) -> int:
        """The number of the sentence at a position."""
        return bisect_right(self._sentences, position) - 1

    def paragraph(self, position: int) -> int:
        """The number of the paragraph at a position."""
        return bisect_right(self._paragraphs, position) - 1

    def word_at(self, position: int) -> int:
        """The number of the first word that starts at or after `position`."""
        return bisect_left(self.starts, position)

    def word(self, number: int) -> str:
        """A word in lower case; empty outside of the text."""
        return self.lower[number] if 0 <= number < len(self.lower) else ""

    def inside(self, spot: Spot) -> range:
        """The numbers of the words that start in a span."""
        return range(self.word_at(spot[0]), self.word_at(spot[1]))

    def edges(self, spot: Spot) -> str:
        """The ends of a span if they are unusual: `half` words, characters that are no letter or digit; else empty."""
        start, end = spot
        text = self.text
        left = "half" if start and text[start - 1].isalnum() and text[start].isalnum() else _edge(text[start])
        right = "half" if end < len(text) and text[end].isalnum() and text[end - 1].isalnum() else _edge(text[end - 1])
        return f"{left} {right}".strip()

    def quote(self, spot: Spot) -> str:
        """The text of a span in quotation marks, on one line, cut where it is long."""
        flat = " ".join(self.text[spot[0] : spot[1]].split())
        return f"“{flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + '…'}”"


def _edge(char: str) -> str:
    return "" if char.isalnum() else "space" if char.isspace() else char


def spot(item: Item) -> Spot:
    """The span of an item."""
    return item.start, item.end
