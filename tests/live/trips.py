"""Random work in the editor, and what must become of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby

from editor import Editor

from curation.annotation import Annotation, Event
from curation.article import Article, normalise
from curation.schema import LabelSchema

PLAIN = ("Kelmar", "rebels", "shelled", "the", "harbour", "of", "Ostvia", "on", "Friday", "before", "talks", "began")
STRANGE = (
    *("\U0001f680", "\U0001f469\u200d\U0001f680", "\U0001f1e6\U0001f1f6", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
    *("Re\u0301gnis", "a\u0308o\u0302l", "\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627"),
    *(
        "Port\u00a0Anselm",
        "news\tdesk",
        "ze\u200bro",
        "jo\u200din",
        "no\u200cn",
        "b\ufeffom",
        "wo\u2060rd",
        "so\u00adft",
    ),
    *("\U0001d5aa\U0001d5be\U0001d5c5", "\u2028line", "&amp;", "<b>Ostvia</b>", "\\n", '"q"', "{{x}}"),
)
BREAKS = ("\n", "\r\n", "\n\n", "\r\n\r\n", " \u200b ", "\t", "\u00a0", " \u200f ", "  ")

Said = set[tuple[object, ...]]


@dataclass(frozen=True)
class Word:
    """Where a word of an article stands."""

    start: int
    end: int
    plain: bool
    leftwards: bool


def article(seed: int, words: int = 45) -> tuple[Article, list[Word]]:
    """An article full of what trips up offsets, as a job reads it from a file, and its words."""
    chance = random.Random(f"trip {seed}")
    text, found = "", []
    for _ in range(words):
        plain = chance.random() < 0.5
        word = chance.choice(PLAIN if plain else STRANGE)
        if text:
            text = normalise(text + (chance.choice(BREAKS) if chance.random() < 0.25 else " "))
        # A word is never joined to the mark before it: what is dragged begins and ends at whole letters.
        found.append(Word(len(text), len(text) + len(word), plain, leftwards="\u0590" < word[0] < "\u0700"))
        text += word
    return Article(id=f"trip-{seed}", text=text, language="en"), found


@dataclass(frozen=True)
class Mark:
    """A span as the page should show it."""

    kind: str
    type: str
    start: int
    end: int
    attribute: str | None = None
    """The value chosen for the one attribute that its kind has; None where it is the usual one."""

    def place(self) -> tuple[str, str, int, int]:
        """What there is only one of."""
        return self.kind, self.type, self.start, self.end


@dataclass(frozen=True)
class State:
    """All that stands on the page: spans by name, and arrows as (trigger, role, filler)."""

    marks: dict[str, Mark]
    arrows: frozenset[tuple[str, str, str]]

    def said(self) -> Said:
        """The same without names."""
        spans = {(one.kind, one.type, one.start, one.end, one.attribute) for one in self.marks.values()}
        return spans | {(self.marks[a].place(), role, self.marks[b].place()) for a, role, b in self.arrows}


@dataclass
class Trip:
    """One person's random work on one article, and what the page should come to."""

    seed: int
    article: Article
    words: list[Word]
    annotation: Annotation
    schema: LabelSchema
    done: list[str] = field(default_factory=list)
    """What was done, in words."""

    def __post_init__(self) -> None:
        self.chance = random.Random(f"work {self.seed}")
        self.state = state(self.annotation)
        self.before: list[tuple[State, int]] = []
        """What undo goes back to, and how many steps it takes."""
        self.names = 0

    def work(self, editor: Editor, actions: int) -> None:
        """So many random things, the page looked at after each."""
        self.expect(editor)
        kinds = (self.mark, self.mark, self.mark, self.delete, self.attribute, self.link, self.link, self.relabel)
        while len(self.done) < actions:
            act = self.undo if self.before and self.chance.random() < 0.2 else self.chance.choice(kinds)
            if act(editor):
                editor.unselect()
                self.expect(editor)

    def expect(self, editor: Editor) -> None:
        """The page shows the spans and arrows that it should."""
        shown = [(one.type, "".join(self.text(one).split("\n"))) for one in self.state.marks.values()]
        roles = [
            (f"{a} {b}", role) for a, role, b in sorted(self.state.arrows, key=lambda one: (one[0], one[2], one[1]))
        ]
        arrows = [", ".join(role for _, role in both) for _, both in groupby(roles, key=lambda one: one[0])]
        editor.wait_until_shown(shown, arrows, "; ".join(self.done))

    def text(self, mark: Mark) -> str:
        return self.article.text[mark.start : mark.end]

    def becomes(self, state: State, what: str, steps: int = 1) -> bool:
        self.before.append((self.state, steps))
        self.state = state
        self.done.append(what)
        return True

    def mark(self, editor: Editor) -> bool:
        """Choose a label by its key, and draw it with the mouse: whole words, or part of a plain one."""
        first = self.chance.randrange(len(self.words))
        last = min(len(self.words) - 1, first + self.chance.choice((0, 0, 0, 1, 2)))
        start, end = self.words[first].start, self.words[last].end
        if first == last and self.words[first].plain and self.chance.random() < 0.3 and end - start > 3:
            start, end = start + self.chance.randint(0, 1), end - self.chance.randint(0, 1)
        if first != last and (self.words[first].leftwards or self.words[last].leftwards):
            return False  # where the direction turns, Chromium itself moves the ends of what is drawn
        kind = self.chance.choice(("entity", "event"))
        types = self.schema.entity_types if kind == "entity" else self.schema.event_types
        label = self.chance.choice(types)
        if label.hotkey is None or any(one.place() == (kind, label.name, start, end) for one in self.marks()):
            return False
        editor.mark(label.hotkey, start, end)
        self.names += 1
        new = Mark(kind, label.name, start, end)
        return self.becomes(
            State({**self.state.marks, f"new {self.names}": new}, self.state.arrows),
            f"drew {label.name} from {start} to {end}",
        )

    def delete(self, editor: Editor) -> bool:
        """A span, and with it its arrows."""
        name, at = self.pick()
        if name is None:
            return False
        editor.delete(at)
        left = {key: mark for key, mark in self.state.marks.items() if key != name}
        arrows = frozenset(one for one in self.state.arrows if name not in (one[0], one[2]))
        return self.becomes(State(left, arrows), f"deleted {self.state.marks[name]}")

    def attribute(self, editor: Editor) -> bool:
        name, at = self.pick()
        if name is None:
            return False
        mark = self.state.marks[name]
        (attribute,) = self.schema.attributes_of("entities" if mark.kind == "entity" else "events")
        value = self.chance.choice([one for one in attribute.names if one != (mark.attribute or attribute.default)])
        editor.set_attribute(at, value)
        chosen = replace(mark, attribute=None if value == attribute.default else value)
        return self.becomes(
            State({**self.state.marks, name: chosen}, self.state.arrows), f"made {mark} a matter of {value}"
        )

    def relabel(self, editor: Editor) -> bool:
        """Another type for a span that no arrow touches."""
        name, at = self.pick()
        if name is None or any(name in (one[0], one[2]) for one in self.state.arrows):
            return False
        mark = self.state.marks[name]
        types = self.schema.entity_types if mark.kind == "entity" else self.schema.event_types
        label = self.chance.choice(types)
        other = replace(mark, type=label.name)
        if label.hotkey is None or any(one.place() == other.place() for one in self.marks()):
            return False
        editor.relabel(at, label.hotkey)
        return self.becomes(State({**self.state.marks, name: other}, self.state.arrows), f"made {mark} {label.name}")

    def link(self, editor: Editor) -> bool:
        """An arrow with a role that may be, between two spans that no arrow joins: the editor draws no second one."""
        joined = {(a, b) for a, _, b in self.state.arrows}
        free = {name: at for name in self.state.marks if (at := self.free(name)) is not None}
        possible = [
            (a, role, b)
            for a in free
            for b in free
            if a != b and self.state.marks[a].kind == "event"
            for role in sorted(self.schema.role_names)
            if self.state.marks[b].type in self.schema.fillers.get((self.state.marks[a].type, role), ())
            and (a, b) not in joined
        ]
        if not possible:
            return False
        a, role, b = self.chance.choice(possible)
        editor.link(free[a], free[b], role)
        what = f"drew {role} from {self.state.marks[a]} to {self.state.marks[b]}"
        return self.becomes(State(self.state.marks, self.state.arrows | {(a, role, b)}), what, steps=2)

    def undo(self, editor: Editor) -> bool:
        self.state, steps = self.before.pop()
        for _ in range(steps):
            editor.undo()
        self.done.append("took that back")
        return True

    def marks(self) -> Iterator[Mark]:
        yield from self.state.marks.values()

    def pick(self) -> tuple[str, int] | tuple[None, int]:
        """A span, and a letter of it to click."""
        free = [(name, at) for name in self.state.marks if (at := self.free(name)) is not None]
        return self.chance.choice(free) if free else (None, 0)

    def free(self, name: str) -> int | None:
        """A plain letter on which this span lies and no other."""
        mark = self.state.marks[name]
        others = [one for key, one in self.state.marks.items() if key != name]
        for word in self.words:
            for at in range(max(word.start, mark.start), min(word.end, mark.end)) if word.plain else ():
                if not any(one.start <= at < one.end for one in others):
                    return at
        return None


def state(annotation: Annotation) -> State:
    """What an annotation says, as the page shows it."""
    marks, arrows = {}, set()
    for item in annotation.items():
        (value,) = item.attributes.values() or (None,)
        marks[item.id] = Mark("event" if isinstance(item, Event) else "entity", item.type, item.start, item.end, value)
    for event in annotation.events:
        arrows |= {(event.id, argument.role, argument.filler) for argument in event.arguments}
    return State(marks, frozenset(arrows))
