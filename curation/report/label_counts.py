"""How often each annotator used each label, and the lengths of articles and spans."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from curation.annotation import Annotation
from curation.article import Value

Section = Literal["entities", "events", "arguments"]
SECTIONS: tuple[Section, ...] = ("entities", "events", "arguments")
MOST = 60
"""Labels listed of a section; the others are counted together."""
STEP = 100
"""Width of a bin of the article lengths, in words."""
LONGEST_SPAN = 8
"""Last bin of the span lengths, in words; it holds longer spans, too."""


class LabelCount(Value):
    """A label (of an argument: `Event.role`) and its count for each annotator."""

    label: str
    by: dict[str, int]

    @property
    def all(self) -> int:
        """The count of all annotators."""
        return sum(self.by.values())


class LabelTable(Value):
    """`labels` in the order of people's counts; `more` labels are not listed and occur `more_items` times."""

    labels: tuple[LabelCount, ...]
    more: int
    more_items: int


class Labels(Value):
    """`articles`: annotator → articles counted. `article_words`: lower end of the bin → articles.

    `entity_words`: words → entities marked by people. Words are separated by white space.
    """

    articles: dict[str, int]
    entities: LabelTable
    events: LabelTable
    arguments: LabelTable
    article_words: dict[int, int]
    entity_words: dict[int, int]


class LabelCounter:
    """Counts annotations, one at a time."""

    def __init__(self) -> None:
        self._articles: Counter[str] = Counter()
        self._counts: dict[Section, dict[str, Counter[str]]] = {section: {} for section in SECTIONS}
        self._article_words: Counter[int] = Counter()
        self._entity_words: Counter[int] = Counter()

    def article(self, text: str) -> None:
        """Count the length of an article."""
        self._article_words[len(text.split()) // STEP * STEP] += 1

    def add(self, annotation: Annotation, text: str | None = None) -> None:
        """Count an annotation, and the span lengths of a person's annotation if the text is given."""
        who = annotation.annotator.key
        self._articles[who] += 1
        types = {event.id: event.type for event in annotation.events}
        for entity in annotation.entities:
            self._count("entities", entity.type, who)
            if text is not None and annotation.annotator.kind == "person":
                words = len(text[entity.start : entity.end].split())
                self._entity_words[min(max(words, 1), LONGEST_SPAN)] += 1
        for event in annotation.events:
            self._count("events", event.type, who)
            for argument in event.arguments:
                self._count("arguments", f"{types[event.id]}.{argument.role}", who)

    def result(self) -> Labels:
        """The counts."""
        return Labels(
            articles=dict(sorted(self._articles.items())),
            **{section: self._table(section) for section in SECTIONS},
            article_words=_filled(self._article_words, STEP),
            entity_words=_filled(self._entity_words, 1),
        )

    def _count(self, section: Section, label: str, who: str) -> None:
        self._counts[section].setdefault(label, Counter())[who] += 1

    def _table(self, section: Section) -> LabelTable:
        def weight(one: LabelCount) -> tuple[int, int, str]:
            people = sum(count for who, count in one.by.items() if who.startswith("person:"))
            return -people, -one.all, one.label

        found = [LabelCount(label=label, by=dict(sorted(by.items()))) for label, by in self._counts[section].items()]
        found.sort(key=weight)
        rest = found[MOST:]
        return LabelTable(labels=tuple(found[:MOST]), more=len(rest), more_items=sum(one.all for one in rest))


def _filled(counts: Counter[int], step: int) -> dict[int, int]:
    """Every bin from the lowest to the highest, at most forty; the last one holds everything beyond it."""
    if not counts:
        return {}
    low = min(counts)
    high = min(max(counts), low + 39 * step)
    filled = dict.fromkeys(range(low, high + 1, step), 0)
    for place, count in counts.items():
        filled[min(place, high)] += count
    return filled
