"""The questions that an annotator answers in an article, and the features of each answer.

A case is one question: which type has this span, which role has this filler, which value has this attribute. Its label
is the answer in the annotation, NONE where nothing is marked. Its features are hashes: each template combines some
columns (words, shapes, neighbours, other marks at the same place, the engine's answer) into one number. No label of any
schema is known here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from curation.annotation import Annotation, Entity, Event, Item
from curation.metrics.matching import overlap_finder
from curation.review.checks.document import Document, spot
from curation.review.checks.finding import Spot

NONE = ""
Question = Literal["entity", "event", "argument"]
Codes = npt.NDArray[np.uint64]
"""Hashes of strings, one for each case."""
Features = npt.NDArray[np.uint32]
"""One row for each case, one column for each template."""
Templates = Sequence[tuple[str, ...]]
"""The columns that each template combines."""
Strings = Mapping[str, Collection[tuple[str, ...]]]
"""First word → the strings of several words that begin with it, all in lower case."""

PAD = 3
"""Empty words before and after the text."""
BAG = 12
"""Number of words before an event that its attributes may depend on."""


class Case(NamedTuple):
    """`spots`: the span in question; of an argument trigger and filler.

    `item`: id of the item that is marked there, or of the event whose argument is in question. `filler`: id of the
    filler. `group`: what must have been seen in other articles for the answer to be credible: the label, or of an
    argument the event's type.
    """

    spots: tuple[Spot, ...]
    label: str
    group: str
    item: str | None = None
    filler: str = ""


class Table(NamedTuple):
    """The cases of one question in one article, with their features row by row."""

    cases: list[Case]
    features: Features


_SPAN: Templates = (
    (),
    ("text",),
    ("last",),
    ("suffix",),
    ("prefix",),
    ("shape",),
    ("before",),
    ("after",),
    ("before", "text"),
    ("text", "after"),
    ("first",),
    ("before", "first"),
    ("last", "after"),
    ("edges", "mark after"),
    ("before 2", "before"),
    ("after", "after 2"),
    ("before", "shape", "after"),
    ("engine",),
    ("engine", "text"),
    ("engine", "score"),
    ("engine", "engine around"),
    ("engine", "engine within"),
    ("engine", "shape", "engine around"),
    ("twin",),
    ("exact",),
    ("around",),
    ("within",),
)
ENTITY_TEMPLATES: Templates = (
    *_SPAN,
    ("event",),
    ("event around",),
    ("roles",),
    ("has role", "head"),
    ("engine", "engine roles"),
    ("around", "shape"),
    ("around", "head"),
)
EVENT_TEMPLATES: Templates = (
    *_SPAN,
    ("entity",),
    ("entity around",),
    ("text", "entity"),
    ("text", "entity around"),
    ("entity before",),
    ("entity after",),
    ("text", "entity after"),
)
ARGUMENT_TEMPLATES: Templates = (
    ("where",),
    ("kind",),
    ("kind", "where"),
    ("kind", "where", "distance"),
    ("kind", "where", "form"),
    ("kind", "ahead"),
    ("event", "ahead", "where"),
    ("ahead", "filler", "where"),
    ("trigger", "filler", "where"),
    ("trigger", "filler", "ahead"),
    ("trigger", "next words"),
    ("where", "distance", "between 2"),
    ("filler", "where", "between 3"),
    ("kind", "where", "between 1"),
    ("words between",),
    ("engine",),
    ("engine", "kind"),
    ("engine", "where", "distance"),
    ("engine", "between 1"),
    ("filler", "nested"),
    ("event", "nested", "where"),
    ("kind", "roles of type"),
    ("kind", "filled"),
    ("engine", "filled"),
    ("kind", "attributes"),
    ("engine", "number"),
    ("where", "distance", "number"),
    ("punctuation", "where", "filler"),
    ("text",),
    ("other roles",),
)
ATTRIBUTE_TEMPLATES: Templates = (
    (),
    ("type",),
    ("text",),
    ("last",),
    ("suffix",),
    ("shape",),
    ("shape", "type"),
    ("word 0",),
    ("word 1",),
    ("word 2",),
    ("word 1", "word 0"),
    ("word 2", "word 1", "word 0"),
    ("word 0", "ending"),
    ("after",),
    ("engine",),
    ("engine", "type"),
    ("engine", "suffix"),
    ("owner",),
    ("owner trigger",),
    *(("bag", f"word {place}") for place in range(BAG)),
)
WORD_TEMPLATES: Templates = (
    (),
    ("text",),
    ("suffix",),
    ("prefix",),
    ("shape",),
    ("before",),
    ("after",),
    ("before", "text"),
    ("text", "after"),
    ("engine",),
    ("engine", "text"),
    ("engine", "shape"),
    ("engine", "engine before"),
    ("engine", "engine after"),
)
AUXILIARIES = frozenset(
    {"was", "were", "been", "be", "being", "is", "are", "had", "has", "have", "will", "would", "may"}
    | {"to", "by", "of", "the"}
)
DETERMINERS = frozenset(["the", "a", "an", "its", "their", "his"])


def features(columns: Mapping[str, Codes], templates: Templates, rows: int) -> Features:
    """Combine the columns into one hash for each template. Templates of a `bag` share their number."""
    found = np.empty((rows, len(templates)), dtype=np.uint32)
    for place, names in enumerate(templates):
        bag = names[:1] == ("bag",)
        mixed: Codes = np.full(rows, 1 if bag else 2 + place, dtype=np.uint64)
        for name in names[bag:]:
            mixed = (mixed ^ columns[name]) * _PRIME
            mixed ^= mixed >> np.uint64(29)
        found[:, place] = (mixed * _PRIME) >> np.uint64(32)
    return found


_PRIME = np.uint64(0x9E3779B97F4A7C15)


@lru_cache(maxsize=100_000)
def code(text: str) -> int:
    """The hash of a string."""
    return crc32(text.encode())


def codes(texts: Iterable[str]) -> Codes:
    """The hashes of some strings."""
    return np.fromiter(map(code, texts), dtype=np.uint64)


@lru_cache(maxsize=50_000)
def _word(word: str) -> tuple[int, int, int, int, int, int]:
    """Codes of a word in lower case, its suffix, its prefix, its shape, its sign if it is none; is it a word?"""
    low, alnum = word.lower(), word[0].isalnum()
    return code(low), code(low[-3:]), code(low[:5]), code(_shape(word)), code("" if alnum else low), alnum


def _shape(word: str) -> str:
    if any(char.isdigit() for char in word):
        return "9"
    return "X" if word.isupper() and len(word) > 1 else "Xx" if word[:1].isupper() else "x"


class _Layer:
    """The entities or events of one annotation, found by span."""

    def __init__(self, items: Sequence[Item], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> None:
        self.items = items
        self.at: dict[Spot, list[Item]] = defaultdict(list)
        for item in items:
            self.at[spot(item)].append(item)
        self.find = overlap_finder(items)
        edges = np.array([spot(item) for item in items], dtype=np.int64).reshape(-1, 2)
        steps = np.zeros(len(starts) + 1, dtype=np.int64)
        np.add.at(steps, np.searchsorted(ends, edges[:, 0], "right"), 1)
        np.add.at(steps, np.searchsorted(starts, edges[:, 1]), -1)
        touched = np.cumsum(steps) > 0
        self._touched = np.concatenate(([0], np.cumsum(touched)))
        self._starts, self._ends = starts, ends

    def exact(self, where: Spot, without: Item | None = None) -> str:
        """The types of the items with exactly this span."""
        return "+".join(sorted({item.type for item in self.at.get(where, ()) if item is not without}))

    def over(self, where: Spot, without: Item | None = None) -> list[Item]:
        """The items that overlap the span and have another one."""
        found = (self.items[place] for place in self.find(*where))
        return [item for item in found if item is not without and spot(item) != where]

    def relation(self, where: Spot, without: Item | None = None) -> tuple[str, str]:
        """How the smallest item around the span holds or crosses it, and what lies within the span."""
        others = self.over(where, without)
        if not others:
            return "", ""
        holding = [item for item in others if item.start <= where[0] and item.end >= where[1]]
        around = ""
        if holding:
            item = min(holding, key=lambda held: held.end - held.start)
            edge = "end" if item.end == where[1] else "start" if item.start == where[0] else "middle"
            around = f"in {item.type} {edge}"
        else:
            crossing = [item for item in others if item.start < where[0] or item.end > where[1]]
            around = f"across {crossing[0].type}" if crossing else ""
        inner = [item for item in others if item.start >= where[0] and item.end <= where[1]]
        within = "+".join(sorted({item.type + (" last" if item.end == where[1] else " first") for item in inner}))
        return around, within

    def columns(
        self, names: tuple[str, str, str], spots: Sequence[Spot], items: Sequence[Item | None]
    ) -> dict[str, Codes]:
        """What `exact` and `relation` say of each span. `items` are those in question, which do not count."""
        edges = np.array(spots, dtype=np.int64).reshape(-1, 2)
        first = np.searchsorted(self._ends, edges[:, 0], "right")
        last = np.maximum(np.searchsorted(self._starts, edges[:, 1]), first)
        touched = self._touched[last] - self._touched[first]
        made = np.full((3, len(spots)), code(""), dtype=np.uint64)
        for row in np.flatnonzero(touched).tolist():
            where, item = spots[row], items[row]
            made[:, row] = [code(text) for text in (self.exact(where, item), *self.relation(where, item))]
        return dict(zip(names, made, strict=True))


class DocumentFeatures:
    """The cases and features of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        text, words = document.text, document.words
        edges = np.array(words, dtype=np.int64).reshape(-1, 2)
        self._starts, self._ends = edges[:, 0], edges[:, 1]
        empty = [(code(""), code(""), code(""), code(""), code(""), 0)] * PAD
        known = [*empty, *(_word(text[start:end]) for start, end in words), *empty]
        self._low, self._suffix, self._prefix, self._shape, self._mark, alnum = np.array(known, dtype=np.uint64).T
        self.is_word = alnum[PAD:-PAD].astype(bool)
        engine = document.engine
        self.entities, self.events = self._layer(document.entities), self._layer(document.events)
        self.engine_entities = self._layer(engine.entities if engine else ())
        self.engine_events = self._layer(engine.events if engine else ())
        self.engine_items = {item.id: item for item in engine.items()} if engine else {}
        self.roles: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for event in document.events:
            for argument in event.arguments:
                self.roles[argument.filler].append((event.id, f"{event.type}.{argument.role}"))
        self.engine_roles: dict[Spot, list[str]] = defaultdict(list)
        for event in engine.events if engine else ():
            for argument in event.arguments:
                filler = self.engine_items[argument.filler]
                self.engine_roles[spot(filler)].append(f"{event.type}.{argument.role}")
        self._twins: dict[str, Counter[str]] = defaultdict(Counter)
        for item in (*document.entities, *document.events):
            self._twins[text[item.start : item.end]][item.type] += 1
        self._count = Counter(text[start:end] for start, end in words)

    def _layer(self, items: Sequence[Item]) -> _Layer:
        return _Layer(items, self._starts, self._ends)

    def head(self, where: Spot) -> str:
        """The last word of a span."""
        return self.document.word(self.document.word_at(where[1]) - 1)

    def spans(self, question: Literal["entity", "event"], heads: Collection[str], strings: Strings) -> Table:
        """Cases: spans that are marked, spans of the engine, and words and strings that are marked anywhere.

        Args:
            question: entities or events.
            heads: the words at the end of spans marked anywhere.
            strings: the spans of several words marked anywhere.
        """
        document, entities = self.document, question == "entity"
        layer = self.entities if entities else self.events
        engine = self.engine_entities if entities else self.engine_events
        marked = {*layer.at, *engine.at, *self._strings(strings)}
        marked.update(
            where for place, where in enumerate(document.words) if self.is_word[place] and document.word(place) in heads
        )
        spots: list[Spot] = []
        items: list[Item | None] = []
        for where in sorted(marked):
            found: list[Item | None] = [*layer.at.get(where, ())] or [None]
            if found != [None] or where in engine.at or self.head(where) in heads:
                items += found
                spots += [where] * len(found)
        columns = self._span_columns(spots, items, layer, engine)
        if entities:
            columns |= self.events.columns(("event", "event around", "event within"), spots, items)
            roles = [sorted({role for _, role in self.roles.get(item.id, ())}) if item else [] for item in items]
            columns["roles"] = codes(map("+".join, roles))
            columns["has role"] = codes("yes" if some else "" for some in roles)
            columns["engine roles"] = codes("+".join(sorted(set(self.engine_roles.get(where, ())))) for where in spots)
        else:
            columns |= self.entities.columns(("entity", "entity around", "entity within"), spots, items)
            columns |= self._entities_near(spots)
        cases = [
            Case((where,), item.type if item else NONE, item.type if item else NONE, item.id if item else None)
            for where, item in zip(spots, items, strict=True)
        ]
        return Table(cases, features(columns, ENTITY_TEMPLATES if entities else EVENT_TEMPLATES, len(spots)))

    def _strings(self, strings: Strings) -> Iterator[Spot]:
        document = self.document
        for place, (start, _) in enumerate(document.words):
            for words in strings.get(document.word(place), ()):
                if all(document.word(place + step) == word for step, word in enumerate(words)):
                    yield start, document.words[place + len(words) - 1][1]

    def _span_columns(
        self, spots: Sequence[Spot], items: Sequence[Item | None], layer: _Layer, engine: _Layer
    ) -> dict[str, Codes]:
        document = self.document
        edges = np.array(spots, dtype=np.int64).reshape(-1, 2)
        first = np.searchsorted(self._starts, edges[:, 0]) + PAD
        last = np.searchsorted(self._starts, edges[:, 1]) - 1 + PAD
        text, edge = self._low[last].copy(), np.full(len(spots), code(""), dtype=np.uint64)
        words = np.array([*document.words, (-1, -1)])
        single = (first == last) & (words[first - PAD] == edges).all(axis=1)
        for row in np.flatnonzero(~single).tolist():
            start, end = spots[row]
            text[row] = code(" ".join(document.text[start:end].lower().split()))
            edge[row] = code(document.edges(spots[row]))
        shape = (self._shape[first] ^ (self._shape[last] * _PRIME)) + np.minimum(last - first, 3).astype(np.uint64)
        return {
            "text": text,
            "edges": edge,
            "shape": shape,
            "first": self._low[first],
            "last": self._low[last],
            "head": self._low[last],
            "suffix": self._suffix[last],
            "prefix": self._prefix[first],
            "before": self._low[first - 1],
            "before 2": self._low[first - 2],
            "after": self._low[last + 1],
            "after 2": self._low[last + 2],
            "mark after": self._mark[last + 1],
            "score": codes(map(_score, (engine.at.get(where, ()) for where in spots))),
            "twin": codes(self._twin(where, item) for where, item in zip(spots, items, strict=True)),
            **engine.columns(("engine", "engine around", "engine within"), spots, [None] * len(spots)),
            **layer.columns(("exact", "around", "within"), spots, items),
        }

    def _twin(self, where: Spot, item: Item | None) -> str:
        """The label of the same string elsewhere in this article, `never`, or `alone` if it occurs once."""
        text = self.document.text[where[0] : where[1]]
        types = self._twins.get(text)
        others = types - Counter([item.type] if item else []) if types else None
        if not others:
            return "alone" if self._count[text] <= 1 else "never"
        return max(sorted(others), key=others.__getitem__)

    def _entities_near(self, spots: Sequence[Spot]) -> dict[str, Codes]:
        """The type of the nearest entity within three words before, and after."""
        nothing = code("")
        types = np.full(len(self._low), nothing, dtype=np.uint64)
        for entity in sorted(self.document.entities, key=lambda item: (item.start - item.end, item.type)):
            words = self.document.inside(spot(entity))
            types[words.start + PAD : words.stop + PAD] = code(entity.type)
        edges = np.array(spots, dtype=np.int64).reshape(-1, 2)
        before = np.searchsorted(self._starts, edges[:, 0]) + PAD - 1
        after = np.searchsorted(self._starts, edges[:, 1]) + PAD
        made = {}
        for name, start, step in (("entity before", before, -1), ("entity after", after, 1)):
            found = types[start]
            for distance in (1, 2):
                place = np.clip(start + step * distance, 0, len(types) - 1)
                found = np.where(found == nothing, types[place], found)
            made[name] = found
        return made

    def arguments(self) -> Table:
        """Cases: each event with each item of its sentence, its fillers, and the engine's fillers."""
        document = self.document
        by_sentence: dict[int, list[Item]] = defaultdict(list)
        for item in (*document.entities, *document.events):
            by_sentence[document.sentence(item.start)].append(item)
        cases: list[Case] = []
        rows: list[dict[str, str]] = []
        nested = {item.id: self.entities.relation(spot(item), item)[0] for item in document.items.values()}
        for event in document.events:
            roles: dict[str, list[str]] = defaultdict(list)
            for argument in event.arguments:
                roles[argument.filler].append(argument.role)
            engine = self._engine_fillers(event)
            near = {item.id: item for item in by_sentence[document.sentence(event.start)]}
            near |= {name: document.items[name] for name in roles}
            for where in engine:
                near |= {item.id: item for item in (*self.entities.at.get(where, ()), *self.events.at.get(where, ()))}
            near.pop(event.id, None)
            filled = [(document.items[argument.filler].type, argument.role) for argument in event.arguments]
            line = sorted(near.values(), key=spot)
            about = self._event_columns(event)
            for item in line:
                role = "+".join(sorted(roles.get(item.id, [])))
                others = [pair for pair in filled if pair != (item.type, role)] if role else filled
                cases.append(Case((spot(event), spot(item)), role, event.type, event.id, item.id))
                rows.append(
                    about
                    | self._filler_columns(event, item, line)
                    | {
                        "engine": about["engine"].replace("0", "+" if engine else "0") + engine.get(spot(item), ""),
                        "nested": nested[item.id],
                        "roles of type": "+".join(sorted({name for kind, name in others if kind == item.type})),
                        "filled": "+".join(sorted({name for _, name in others})),
                        "number": str(min(len(others), 3)),
                    }
                )
        names = rows[0] if rows else ()
        columns = {name: codes(row[name] for row in rows) for name in names}
        return Table(cases, features(columns, ARGUMENT_TEMPLATES if rows else (), len(rows)))

    def _engine_fillers(self, event: Event) -> dict[Spot, str]:
        """Filler span → role, of the engine's events at this trigger."""
        found: dict[Spot, str] = {}
        for other in (*self.engine_events.at.get(spot(event), ()), *self.engine_events.over(spot(event))):
            if isinstance(other, Event):
                for argument in other.arguments:
                    found.setdefault(spot(self.engine_items[argument.filler]), argument.role)
        return found

    def _event_columns(self, event: Event) -> dict[str, str]:
        document = self.document
        trigger = document.text[event.start : event.end].lower()
        auxiliary = document.word(document.word_at(event.start) - 1)
        return {
            "event": event.type,
            "trigger": trigger,
            "form": f"{trigger[-3:]} {auxiliary if auxiliary in AUXILIARIES else ''}",
            "engine": "-" if self.engine_events.exact(spot(event)) else "0",
        }

    def _filler_columns(self, event: Event, item: Item, line: Sequence[Item]) -> dict[str, str]:
        document = self.document
        left = item.start < event.start
        start, end = (item.end, event.start) if left else (event.end, item.start)
        words = [document.word(place) for place in document.inside((start, end))] if start < end else []
        before = document.word_at(item.start) - 1
        ahead = document.word(before)
        if ahead in DETERMINERS:
            ahead = document.word(before - 1)
        inner = [other for other in line if start <= other.start and other.end <= end]
        rivals = sum(other.type == item.type for other in inner)
        events = sum(isinstance(other, Event) for other in inner)
        apart = document.sentence(item.start) - document.sentence(event.start)
        side = "left" if left else "right"
        length = next((size for size in (0, 1, 3, 8) if len(words) <= size), 9)
        others = {role for name, role in self.roles.get(item.id, ()) if name != event.id}
        return {
            "where": f"{side} {max(-2, min(2, apart))}",
            "kind": f"{event.type} {item.type}",
            "filler": item.type,
            "distance": str(length),
            "ahead": ahead,
            "next words": " ".join(words[:2]),
            "words between": f"{side} {' '.join(words if len(words) < 4 else (words[0], '…', words[-1]))}",
            "between 1": f"{min(rivals, 1)} {min(events, 1)}",
            "between 2": f"{min(rivals, 2)} {min(events, 2)}",
            "between 3": f"{min(rivals, 3)} {min(events, 3)}",
            "attributes": " ".join(f"{name}={value}" for name, value in sorted(item.attributes.items())),
            "punctuation": f"{'comma' if ',' in words else ''}{'quote' if '”' in words or '“' in words else ''}",
            "text": document.text[item.start : item.end].lower(),
            "other roles": "+".join(sorted(others))[:80] if events else str(len(others) > 0),
        }

    def attributes(self, name: str, default: str, items: Sequence[Entity | Event]) -> Table:
        """Cases: the value of one attribute of each of the items."""
        document = self.document
        engine: Annotation | None = document.engine
        values = {spot(item): item.attributes.get(name, default) for item in engine.items()} if engine else {}
        owners: dict[str, list[tuple[Event, str]]] = defaultdict(list)
        for event in document.events:
            for argument in event.arguments:
                owners[argument.filler].append((event, argument.role))
        rows: list[dict[str, str]] = []
        cases: list[Case] = []
        for item in items:
            inside = document.inside(spot(item))
            first, last = inside.start, inside.stop - 1
            text = document.text[item.start : item.end]
            low, tokens, sentence = text.lower(), text.split(), document.sentence(item.start)
            before = [
                document.word(place)
                for place in range(first - 1, max(0, first - BAG) - 1, -1)
                if document.sentence(document.words[place][0]) == sentence
            ]
            before += [""] * (BAG - len(before))
            owner, role = owners[item.id][0] if item.id in owners else (None, "")
            rows.append(
                {
                    "type": item.type,
                    "text": low,
                    "last": document.word(last),
                    "suffix": low[-3:],
                    "ending": low[-2:],
                    "shape": f"{_shape(tokens[0])} {_shape(tokens[-1])} {min(len(tokens), 4)}" if tokens else "",
                    "after": document.word(last + 1),
                    "engine": values.get(spot(item), "-"),
                    "owner": f"{owner.type}.{role} {owner.attributes.get(name, default)}" if owner else "",
                    "owner trigger": document.text[owner.start : owner.end].lower() if owner else "",
                    **{f"word {place}": word for place, word in enumerate(before)},
                }
            )
            value = item.attributes.get(name, default)
            cases.append(Case((spot(item),), value, value, item.id))
        columns = {column: codes(row[column] for row in rows) for column in (rows[0] if rows else ())}
        return Table(cases, features(columns, ATTRIBUTE_TEMPLATES if rows else (), len(rows)))

    def words(self) -> Table:
        """Cases: the type of the smallest item over each word, as a classifier of tokens sees it."""
        document = self.document
        labels = self._types(document.words, (*document.entities, *document.events))
        engine = ["", *self._types(document.words, document.engine.items() if document.engine else ()), ""]
        inner = slice(PAD, -PAD)
        columns = {
            "text": self._low[inner],
            "suffix": self._suffix[inner],
            "prefix": self._prefix[inner],
            "shape": self._shape[inner],
            "before": self._low[PAD - 1 : -PAD - 1],
            "after": self._low[PAD + 1 : len(self._low) - PAD + 1],
            "engine": codes(engine[1:-1]),
            "engine before": codes(engine[:-2]),
            "engine after": codes(engine[2:]),
        }
        cases = [Case((where,), label, label) for where, label in zip(document.words, labels, strict=True)]
        return Table(cases, features(columns, WORD_TEMPLATES, len(cases)))

    @staticmethod
    def _types(words: Sequence[Spot], items: Sequence[Item]) -> list[str]:
        find: Callable[[int, int], Iterator[int]] = overlap_finder(items)
        found = []
        for where in words:
            holding = [items[place] for place in find(*where)]
            found.append(min(holding, key=lambda item: (item.end - item.start, item.type)).type if holding else NONE)
        return found


def _score(items: Sequence[Item]) -> str:
    scores = [item.score for item in items if item.score is not None]
    return str(round(10 * max(scores))) if scores else ""
