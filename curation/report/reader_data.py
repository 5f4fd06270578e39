"""The data of the reader on the page: articles and annotations as compact JSON.

An article is `{id, title, about, text, cut, stage, differ, findings, annotations}`. A finding is
`[start, end, kind, message]`. An annotation is `{who, state, items}`: `who` is an index into the list of annotators. An
item is `[start, end, label, attributes, arguments]`: `label` is an index into the list of labels, `arguments` (only of
events) is a list of `[role, item]` with indexes into the lists of labels and items. Offsets are code points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from curation.annotation import Annotation, Event
from curation.article import Article
from curation.errors import one_line, visible
from curation.report.html import json_for_script
from curation.schema import LabelSchema

ARTICLES = 300
"""Default number of articles in the reader."""
CHARACTERS = 20_000
"""Characters shown of a text."""
ITEMS = 1_500
"""Entities and events shown of an annotation."""
BYTES = 40_000_000
"""Limit on the size of the JSON; further articles are left out."""
GOLD = "gold"
"""The key of the gold, among the keys of annotators."""


class Highlight(NamedTuple):
    """A finding of the checks: its span, kind and message."""

    start: int
    end: int
    kind: str
    message: str


class Reader:
    """Collects articles and writes their JSON; labels and annotators are written once."""

    def __init__(self, schema: LabelSchema) -> None:
        self.size = 0
        self.articles = 0
        self._entries: list[str] = []
        self._places: dict[str, int] = {}
        self._labels: dict[str, int] = {}
        self._who: dict[str, int] = {}
        types = (*schema.entity_types, *schema.event_types)
        self._colours = {item_type.name: item_type.colour for item_type in types}
        self._events = {event_type.name for event_type in schema.event_types}

    def add(
        self,
        article: Article,
        annotations: Iterable[tuple[str, Annotation]],
        *,
        stage: str,
        differ: int = 0,
        highlights: Sequence[Highlight] = (),
    ) -> bool:
        """Add an article with its annotations, each with the key of the annotator.

        Returns:
            False if the reader is full.
        """
        text = visible(article.text[:CHARACTERS])
        about = [article.source, article.published.date().isoformat() if article.published else None]
        entry = {
            "id": article.id,
            "title": one_line(visible(article.title or ""), 200),
            "about": one_line(visible(" · ".join(part for part in about if part)), 200),
            "text": text,
            "cut": len(article.text) > CHARACTERS,
            "stage": stage,
            "differ": differ,
            "findings": [
                [found.start, min(found.end, len(text)), found.kind, one_line(found.message, 300)]
                for found in highlights
                if found.start < len(text)
            ],
            "annotations": [self._annotation(name, annotation, len(text)) for name, annotation in annotations],
        }
        line = json_for_script(entry)
        if self._entries and self.size + len(line) > BYTES:
            return False
        self._places[article.id] = len(self._entries)
        self._entries.append(line)
        self.size += len(line)
        self.articles += 1
        return True

    def place(self, article_id: str) -> int | None:
        """The index of the article; None if it is not in the reader."""
        return self._places.get(article_id)

    def json(self) -> str:
        """The JSON, for a `<script type="application/json">`."""
        head = {
            "who": list(self._who),
            "labels": [one_line(visible(label), 200) for label in self._labels],
            "colours": [self._colours.get(label) for label in self._labels],
            "events": [label in self._events for label in self._labels],
        }
        return json_for_script(head)[:-1] + ',"articles":[' + ",\n".join(self._entries) + "]}"

    def _annotation(self, name: str, annotation: Annotation, end: int) -> dict[str, Any]:
        shown = [item for item in annotation.items() if item.start < end][:ITEMS]
        places = {item.id: place for place, item in enumerate(shown)}
        items = []
        for item in shown:
            record: list[Any] = [item.start, min(item.end, end), self._label(item.type), item.attributes]
            if isinstance(item, Event):
                links = [arg for arg in item.arguments if arg.filler in places]
                record.append([[self._label(arg.role), places[arg.filler]] for arg in links])
            items.append(record)
        return {"who": self._who.setdefault(name, len(self._who)), "state": annotation.state, "items": items}

    def _label(self, label: str) -> int:
        return self._labels.setdefault(label, len(self._labels))
