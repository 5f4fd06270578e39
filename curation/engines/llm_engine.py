"""Any OpenAI-compatible server as an engine: the model quotes, and only quotations found in the text are used."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.engines.engine import Engine, Failure, fingerprint
from curation.engines.llm_client import LlmClient
from curation.engines.llm_prompt import answer_schema, instructions, message
from curation.engines.quote_matching import locate
from curation.errors import EngineError
from curation.schema import LabelSchema

VERSION = "1.0.0"
URL = "http://127.0.0.1:8080/v1"
WINDOW = 6000
"""Code points of an article per request; longer articles are split between paragraphs and read whole."""
CONCURRENT = 4
"""Articles that are sent at the same time."""

Kind = Literal["entities", "events"]


class LlmEngine(Engine):
    """A language model behind an OpenAI-compatible server.

    The environment names the server: CURATION_SERVER_URL, CURATION_SERVER_API_KEY, and the budget of each worker:
    CURATION_SERVER_REQUESTS, CURATION_SERVER_TOKENS. Answers are kept in `cache`.

    Args:
        schema: the label schema; its definitions are the prompt.
        lexicon: ignored.
        model: the model's name on the server.

    Raises:
        EngineError: no model is named, or a setting cannot be used.
    """

    def __init__(self, schema: LabelSchema, *, lexicon: Path | None, model: str | None = None) -> None:
        if not model:
            raise EngineError("engine server needs the name of a model; give it with --model")
        self.schema = schema
        self.client = client_from_environment()
        self._request: dict[str, Any] = {
            "model": model,
            "temperature": 0,
            "seed": 0,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "annotation", "strict": True, "schema": answer_schema(schema)},
            },
        }
        self._system = {"role": "system", "content": instructions(schema)}
        digest = fingerprint(json.dumps([self._request, self._system, WINDOW], sort_keys=True))
        self.annotator = Annotator(kind="engine", name="server", version=f"{VERSION}+{digest}")

    def __call__(self, article: Article) -> Annotation:
        """The annotation of one article. Items that are not verbatim or not in the schema are left out and counted.

        Raises:
            Stopped: the server does not answer or refuses access, or the budget is spent.
            EngineError: nothing in the answer can be used.
        """
        draft = _Draft(article.text, self.schema, self.annotator.key)
        for start, end in windows(article.text, WINDOW):
            messages = [self._system, {"role": "user", "content": message(article.text[start:end])}]
            draft.add(self.client.complete(self._request | {"messages": messages}, cache=self.cache), start, end)
        self.leave_out(article.id, draft.refused)
        if draft.refused and not draft.entities and not draft.events:
            reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(draft.refused.items()))
            raise EngineError(f"nothing in the server's answer can be used: {reasons}")
        return self.annotation(article, draft.entities, draft.events)

    def pipe(self, articles: Iterable[Article]) -> Iterator[Annotation | Failure]:
        """One result per article, in order; several articles are sent at a time. Raises `Stopped`."""
        remaining = iter(articles)
        with ThreadPoolExecutor(CONCURRENT) as pool:
            while batch := list(islice(remaining, CONCURRENT)):
                yield from pool.map(self._attempt, batch)


class _Draft:
    """The usable items of the answers, window by window; `refused` counts the others by reason."""

    def __init__(self, text: str, schema: LabelSchema, origin: str) -> None:
        self._text, self._schema, self._origin = text, schema, origin
        self.entities: list[Entity] = []
        self.events: list[Event] = []
        self.refused: Counter[str] = Counter()
        self._taken: set[tuple[str, int, int]] = set()

    def add(self, answer: dict[str, Any], start: int, end: int) -> None:
        """Add the items of an answer that fit the text in `[start, end)` and the schema."""
        ids: dict[str, tuple[str, str]] = {}  # id in the answer → our id and the type
        for record in _records(answer.get("entities")):
            if fields := self._fields(record, "entities", start, end):
                entity = Entity(id=f"e{len(self.entities) + 1}", origin=self._origin, **fields)
                self.entities.append(entity)
                ids.setdefault(str(record.get("id")), (entity.id, entity.type))
        events: list[tuple[Event, dict[str, Any]]] = []
        for record in _records(answer.get("events")):
            if fields := self._fields(record, "events", start, end):
                event = Event(id=f"v{len(self.events) + len(events) + 1}", origin=self._origin, **fields)
                events.append((event, record))
                ids.setdefault(str(record.get("id")), (event.id, event.type))
        for event, record in events:
            arguments: dict[tuple[str, str], Argument] = {}
            for argument in _records(record.get("arguments")):
                role, (filler, type_) = str(argument.get("role")), ids.get(str(argument.get("filler")), ("", ""))
                if not filler or filler == event.id:
                    self.refused["arguments without a filler"] += 1
                elif type_ not in self._schema.fillers.get((event.type, role), ()):
                    self.refused["arguments the schema does not have"] += 1
                else:
                    arguments[role, filler] = Argument(role=role, filler=filler, origin=self._origin)
            self.events.append(event.model_copy(update={"arguments": tuple(arguments.values())}))

    def _fields(self, record: dict[str, Any], kind: Kind, start: int, end: int) -> dict[str, Any] | None:
        """Type, span and attributes of an item, or None if it cannot be used."""
        type_, quote, context = (str(record.get(name, "")) for name in ("type", "quote", "context"))
        if type_ not in (self._schema.entity_names if kind == "entities" else self._schema.event_names):
            self.refused["labels the schema does not know"] += 1
            return None
        taken = {(first - start, last - start) for name, first, last in self._taken if name == type_}
        found = locate(self._text[start:end], quote, context, taken)
        if found is None:
            self.refused["quotations that are not in the text"] += 1
            return None
        span = found[0] + start, found[1] + start
        if (type_, *span) in self._taken:
            self.refused["repetitions"] += 1
            return None
        self._taken.add((type_, *span))
        attributes = {
            attribute.name: str(value)
            for attribute in self._schema.attributes_of(kind)
            if (value := record.get(attribute.name)) in attribute.names and value != attribute.default
        }
        return {"type": type_, "start": span[0], "end": span[1], "attributes": attributes}


def windows(text: str, size: int) -> Iterator[tuple[int, int]]:
    """`[start, end)` of the parts of `text`, each at most `size` long, cut after a paragraph, a line or a word."""
    start = 0
    while start < len(text):
        end = min(len(text), start + size)
        if end < len(text):
            for mark in ("\n\n", "\n", ". ", " "):
                cut = text.rfind(mark, start + size // 2, end)
                if cut >= 0:
                    end = cut + len(mark)
                    break
        if text[start:end].strip():
            yield start, end
        start = end


def client_from_environment() -> LlmClient:
    """The client for the server named in the environment. Raises EngineError if a setting cannot be used."""
    key = os.environ.get("CURATION_SERVER_API_KEY")
    return LlmClient(
        os.environ.get("CURATION_SERVER_URL") or URL,
        SecretStr(key) if key else None,
        requests=_limit("CURATION_SERVER_REQUESTS"),
        tokens=_limit("CURATION_SERVER_TOKENS"),
    )


def _limit(name: str) -> int | None:
    value = os.environ.get(name)
    if not value:
        return None
    if not value.isdecimal():
        raise EngineError(f"{name} is {value!r}, not a number; give one, or unset it for no limit")
    return int(value)


def _records(value: Any) -> list[dict[str, Any]]:
    return [record for record in value if isinstance(record, dict)] if isinstance(value, list) else []
