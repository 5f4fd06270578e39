"""What the reader on the page is given: articles and annotations as compact JSON that no text can break out of.

An article is `{id, title, about, text, cut, stage, differ, doubts, said}`. A doubt is `[start, end, kind, message]`.
What somebody said is `{who, state, items}`: `who` is a place in the list of annotators, an item is
`[start, end, label, attributes, arguments]`, `label` a place in the list of labels, `arguments` (of events only)
`[role, item]` with places in the list of labels and of items. Offsets are code points.
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
"""Articles in the reader, unless told otherwise."""
CHARACTERS = 20_000
"""Characters of a text that are shown."""
ITEMS = 1_500
"""Entities and events of an annotation that are shown."""
BYTES = 40_000_000
"""Size of the reader's JSON beyond which no further article is taken in."""
GOLD = "gold"
"""What the gold is called beside the annotators' keys."""


class Highlight(NamedTuple):
    """A finding of the checks: the span, which kind, and in words."""

    start: int
    end: int
    kind: str
    message: str


class Reader:
    """Takes articles in and gives their JSON; the same labels and annotators are written once."""

    def __init__(self, schema: LabelSchema) -> None:
        self.size = 0
        self.articles = 0
        self._entries: list[str] = []
        self._places: dict[str, int] = {}
        self._labels: dict[str, int] = {}
        self._who: dict[str, int] = {}
        types = (*schema.entity_types, *schema.event_types)
        self._colours = {one.name: one.colour for one in types}
        self._events = {one.name for one in schema.event_types}

    def add(
        self,
        article: Article,
        said: Iterable[tuple[str, Annotation]],
        *,
        stage: str,
        differ: int = 0,
        doubts: Sequence[Highlight] = (),
    ) -> bool:
        """Take an article in, with what each annotator (under the name to be shown) says of it.

        Returns False where the reader is full.
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
            "doubts": [
                [one.start, min(one.end, len(text)), one.kind, one_line(one.message, 300)]
                for one in doubts
                if one.start < len(text)
            ],
            "said": [self._said(name, annotation, len(text)) for name, annotation in said],
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
        """Where the article stands in the reader, if it does."""
        return self._places.get(article_id)

    def json(self) -> str:
        """All of it, fit to stand in a `<script type="application/json">`."""
        head = {
            "who": list(self._who),
            "labels": [one_line(visible(label), 200) for label in self._labels],
            "colours": [self._colours.get(label) for label in self._labels],
            "events": [label in self._events for label in self._labels],
        }
        return json_for_script(head)[:-1] + ',"articles":[' + ",\n".join(self._entries) + "]}"

    def _said(self, name: str, annotation: Annotation, end: int) -> dict[str, Any]:
        shown = [item for item in annotation.items() if item.start < end][:ITEMS]
        places = {item.id: place for place, item in enumerate(shown)}
        items = []
        for item in shown:
            told: list[Any] = [item.start, min(item.end, end), self._label(item.type), item.attributes]
            if isinstance(item, Event):
                told.append(
                    [[self._label(one.role), places[one.filler]] for one in item.arguments if one.filler in places]
                )
            items.append(told)
        return {"who": self._who.setdefault(name, len(self._who)), "state": annotation.state, "items": items}

    def _label(self, label: str) -> int:
        return self._labels.setdefault(label, len(self._labels))
