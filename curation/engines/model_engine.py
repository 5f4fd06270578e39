"""What engines on a model share that reads so many words at once and is told its labels in words."""

from __future__ import annotations

import hashlib
import json
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from curation.annotation import Annotation, Annotator, Entity, Event, annotation_id
from curation.article import Article
from curation.engines.batch_engine import BatchEngine
from curation.engines.windows import Found, Window, Word, resolve, windows
from curation.errors import EngineError
from curation.schema import LabelType

LEAST_PIECES = 32
"""What must be left for the text beside the labels, or the model is no use."""
OVERLAP = 64
"""Words that two windows of an article share, where a window holds several times as many."""
TOO_LONG = "words too long for the model to read"
UNKNOWN = "labels the schema does not know"

Prompts = Literal["names", "definitions", "labels"]
"""How the model is told a label: in words, in words with the definition, or just as the schema has it."""


class Cut(NamedTuple):
    """A window of an article: the article's place in its batch, the window's number, the window, its text."""

    article: int
    number: int
    window: Window
    text: str


class ModelEngine(BatchEngine):
    """An engine that reads windows of articles. A new one defines `words` and `annotate`, and calls `begin` once made.

    `most_words`, `most_pieces`: what a window holds; `overlap`: words that two windows share.

    Args:
        schema: the labels to use.
        languages: those it reads; default: the schema's. `*` stands for any.
    """

    most_words: int
    most_pieces: int
    overlap: int = OVERLAP

    @abstractmethod
    def words(self, text: str) -> list[Word]:
        """The words of a text as the model counts them."""

    def cut(self, articles: list[Article]) -> tuple[list[Cut], list[Counter[str]]]:
        """The windows of some articles, the shortest first, and what no window of each article can hold."""
        cuts: list[Cut] = []
        left_out: list[Counter[str]] = []
        for place, article in enumerate(articles):
            words, text = self.words(article.text), article.text
            found = windows(text, words, most_words=self.most_words, most_pieces=self.most_pieces, overlap=self.overlap)
            for number, window in enumerate(found):
                cuts.append(Cut(place, number, window, text[window.start : window.end]))
            too_long = sum(word.pieces > self.most_pieces for word in words)
            left_out.append(Counter({TOO_LONG: too_long} if too_long else {}))
        return sorted(cuts, key=lambda cut: len(cut.text)), left_out

    def begin(self, name: str, version: str, about: Mapping[str, Any]) -> None:
        """Become the annotator: everything in `about` that the output hangs on is in its version."""
        digest = hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()[:8]
        self.annotator = Annotator(kind="engine", name=name, version=f"{version}+{digest}")

    def annotation(
        self, article: Article, entities: Iterable[Entity], events: Iterable[Event], left_out: Mapping[str, int]
    ) -> Annotation:
        """The annotation of an article; what is `left_out` is counted."""
        self.leave_out(article.id, Counter(left_out))
        return Annotation(
            id=annotation_id(article.id, article.text_sha256, self.annotator.key, self.schema.ref),
            article_id=article.id,
            text_sha256=article.text_sha256,
            schema_ref=self.schema.ref,
            annotator=self.annotator,
            entities=tuple(entities),
            events=tuple(events),
        )


def entities(found: Iterable[Found], origin: str) -> list[Entity]:
    """What was found in the windows of an article, as entities."""
    return [
        Entity(
            id=f"e{number}",
            type=one.label,
            start=one.start,
            end=one.end,
            score=min(1.0, round(one.score, 4)),
            origin=origin,
        )
        for number, one in enumerate(resolve(sorted(found, key=lambda one: one.window)), start=1)
    ]


def prompts_for(labels: Iterable[LabelType], how: str, ontology: str) -> dict[str, tuple[str, str]]:
    """What a model is told → the label it stands for, and the label's definition.

    The schema may say it itself: `elsewhere: {gliner: [country, city]}` makes two prompts of one label.

    Raises:
        EngineError: `how` is none of `Prompts`, or two labels are told alike.
    """
    if how not in get_args(Prompts):
        raise EngineError(f"prompts is {how!r}; it is one of {', '.join(get_args(Prompts))}")
    found: dict[str, tuple[str, str]] = {}
    for label in labels:
        given = label.elsewhere.get(ontology) if how != "labels" else None
        for prompt in given or ((label.name if how == "labels" else words_of(label.name)),):
            if prompt in found:
                raise EngineError(
                    f"{found[prompt][0]} and {label.name} are both told as {prompt!r}; "
                    f"give one another name under elsewhere: {{{ontology}: …}} in the schema"
                )
            found[prompt] = label.name, " ".join(label.definition.split())
    return found


def words_of(name: str) -> str:
    """`ArmedGroup` → `armed group`; abbreviations stay as they are."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_-]", " ", name).split()
    return " ".join(word if len(word) > 1 and word.isupper() else word.lower() for word in words)


def fraction(name: str, value: object) -> float:
    """An option that is a share. Raises EngineError where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise EngineError(f"{name} is {value!r}; give a number between 0 and 1")
    return float(value)


def whole(name: str, value: object) -> int:
    """An option that is a number of things. Raises EngineError where it is none."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise EngineError(f"{name} is {value!r}; give a whole number, 1 at least")
    return value
