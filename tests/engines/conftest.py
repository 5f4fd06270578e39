"""The default engine, loaded once, and its predictions by their words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from curation.annotation import Annotation
from curation.article import Article
from curation.engines import Engine, load_engine
from curation.schema import LabelSchema

ROOT = Path(__file__).resolve().parents[2]
LEXICON = ROOT / "schemas" / "conflict-news.lexicon.yaml"


class Predicted:
    """A text with its prediction, items by their words."""

    def __init__(self, text: str, annotation: Annotation) -> None:
        self.text, self.annotation = text, annotation
        self.words = {item.id: text[item.start : item.end] for item in annotation.items()}

    @property
    def entities(self) -> set[tuple[str, str]]:
        return {(entity.type, self.words[entity.id]) for entity in self.annotation.entities}

    @property
    def events(self) -> list[tuple[str, str]]:
        return [(event.type, self.words[event.id]) for event in self.annotation.events]

    def roles(self, trigger: str) -> set[tuple[str, str]]:
        """(role, filler) of the one event with that trigger."""
        (event,) = [event for event in self.annotation.events if self.words[event.id] == trigger]
        return {(argument.role, self.words[argument.filler]) for argument in event.arguments}

    def attributes(self, words: str) -> dict[str, str]:
        """Attributes of the one item with those words."""
        (item,) = [item for item in self.annotation.items() if self.words[item.id] == words]
        return item.attributes


@pytest.fixture(scope="session")
def engine(schema: LabelSchema) -> Engine:
    return load_engine("spacy", schema, lexicon=LEXICON)


@pytest.fixture(scope="session")
def predict(engine: Engine) -> Callable[[str], Predicted]:
    def of(text: str) -> Predicted:
        return Predicted(text, engine(Article(id="text", text=text)))

    return of
