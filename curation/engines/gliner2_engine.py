"""A GLiNER2 model as an engine: entities, and events as structures with one field for the trigger and one per role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gliner2 import AutoExtractor, Schema

from curation.annotation import Annotation, Argument, Entity, Event
from curation.article import Article
from curation.engines.model_engine import (
    BATCH_WINDOWS,
    FoundSpan,
    ModelEngine,
    Word,
    context_pieces,
    device_of,
    entities_of,
    fraction,
    pieces_of,
    prompts_for,
    score_of,
    weights_digest,
    whole,
    words_of,
)
from curation.errors import EngineError, one_line
from curation.schema import EventType, LabelSchema

VERSION = "1.0.0"
THRESHOLD = 0.5
WORDS = 384
"""Words of a window where the model states no limit: GLiNER2's own default for long texts."""
TRIGGER = "trigger"
"""The field of an event's structure that holds its trigger, as in our training export."""
NO_TRIGGER = "events without a trigger"
NO_FILLER = "arguments that are no entity or event that may fill the role"

Span = tuple[int, int, float]
"""`[start, end)` in the article, and the score."""


class _Extracted(NamedTuple):
    """An event as the model extracts it, before its fillers are linked to entities and events."""

    type: str
    trigger: Span
    roles: list[tuple[str, Span]]


class Gliner2Engine(ModelEngine):
    """Entities and events from a GLiNER2 model.

    Args:
        schema: the labels to use; `elsewhere: {gliner2: …}` of a type states its prompts.
        lexicon: ignored.
        model: a folder, or a name on the Hub.
        threshold: items with a lower score are dropped.
        prompts: `names`, `definitions` or `labels`: how the model is prompted with types whose prompts are not stated.
        languages: languages the model reads; default: the schema's. `*` stands for any.
        device: a torch device; default: a GPU if there is one.
        window: words per window; default: the model's own maximum.
        events: whether to extract events, which takes several passes.

    Raises:
        EngineError: no model is named, it cannot be loaded, or an option cannot be used.
    """

    def __init__(
        self,
        schema: LabelSchema,
        *,
        lexicon: Path | None,
        model: str | None = None,
        threshold: float = THRESHOLD,
        prompts: str = "definitions",
        languages: Sequence[str] | None = None,
        device: str | None = None,
        window: int | None = None,
        events: bool = True,
    ) -> None:
        if not model:
            raise EngineError("engine gliner2 needs a model; name a folder or one on the Hub with --model")
        super().__init__(schema, languages)
        self.threshold = fraction("threshold", threshold)
        self._how = prompts
        self._entity_labels = prompts_for(schema.entity_types, prompts, "gliner2")
        self._event_labels = prompts_for(schema.event_types if events else (), prompts, "gliner2")
        self._roles = {label.name: self._role_names(label) for label in schema.event_types}
        self.model = _load(model, device_of(device))
        self._processor = self.model.processor
        self._records = bool(getattr(self.model, "enable_records", False))
        self._pieces = context_pieces(self.model.encoder, self._processor.tokenizer)
        self._schemas = [self._entity_schema(), *self._event_schemas()]
        self.most_pieces = self.room(self._pieces, map(self._prompt_pieces, self._schemas), model)
        self.most_words = self.model.config.max_len or WORDS
        if window is not None:
            self.most_words = min(self.most_words, whole("window", window))
        about = [self.threshold, sorted(self._languages), self.most_words, self.most_pieces]
        prompted = [one.build() for one in self._schemas]
        self.identify("gliner2", VERSION, {"weights": weights_digest(self.model), "about": about, "told": prompted})

    def _role_names(self, label: EventType) -> dict[str, str]:
        """Prompt of a role → the role."""
        found = {role.name if self._how == "labels" else words_of(role.name): role.name for role in label.roles}
        if TRIGGER in found or len(found) < len(label.roles):
            raise EngineError(f"{label.name} has roles with the same prompt, or one called {TRIGGER}; rename it")
        return found

    def _entity_schema(self) -> Any:
        described = self._how == "definitions"
        return Schema().entities(
            {
                prompt: {"description": definition} if described else {}
                for prompt, (_, definition) in self._entity_labels.items()
            }
        )

    def _event_schema(self, prompts: Sequence[str]) -> Any:
        """One structure per event type; a model with record heads separates events by their triggers."""
        schema = Schema()
        natural = {"mode": "natural", "anchor": TRIGGER} if self._records else {}
        for prompt in prompts:
            name, definition = self._event_labels[prompt]
            label = self.schema.event_type(name)
            definitions = {role.name: " ".join(role.definition.split()) for role in (label.roles if label else ())}
            described = self._how == "definitions"
            structure = schema.structure(prompt, **natural)
            structure.field(TRIGGER, dtype="str", description=definition if described else None)
            for prompted, role in self._roles[name].items():
                structure.field(prompted, dtype="list", description=definitions[role] if described else None)
        schema.build()
        return schema

    def _event_schemas(self) -> list[Any]:
        """The event types that are prompted together: as many as fill at most half of the context window."""
        groups: list[list[str]] = []
        for prompt in self._event_labels:
            if groups and self._prompt_pieces(self._event_schema([*groups[-1], prompt])) <= self._pieces // 2:
                groups[-1].append(prompt)
            else:
                groups.append([prompt])
        return [self._event_schema(group) for group in groups]

    def _prompt_pieces(self, schema: Any) -> int:
        """Word pieces of the context window that are not text; includes the full stop that GLiNER2 may add."""
        return len(self._processor.transform_record(".", schema).input_ids)

    def words(self, text: str) -> list[Word]:
        """GLiNER2's words."""
        split = list(self._processor.word_splitter(text, True))
        pieces = pieces_of(self._processor.tokenizer, [word for word, _, _ in split])
        return [Word(start, end, count) for (_, start, end), count in zip(split, pieces, strict=True)]

    def annotate(self, articles: list[Article]) -> list[Annotation]:
        """The annotations of the articles, in order; windows of similar length are batched together."""
        parts, left_out = self.split(articles)
        found: list[list[FoundSpan]] = [[] for _ in articles]
        extracted: list[list[_Extracted]] = [[] for _ in articles]
        for schema in self._schemas if parts else ():
            answers = self.model.batch_extract(
                [part.text for part in parts],
                schema,
                batch_size=BATCH_WINDOWS,
                threshold=self.threshold,
                include_confidence=True,
                include_spans=True,
                overlap_policy="nested",
            )
            for (index, number, window, text), answer in zip(parts, answers, strict=True):
                shift, length = window.start, len(text)
                for prompt, value in (answer.get("entities") or {}).items():
                    for start, end, score in _spans(value, shift, length):
                        if window.owns(start):
                            label, _ = self._entity_labels[prompt]
                            found[index].append(FoundSpan(start, end, label, score, number))
                for prompt in self._event_labels:
                    name, _ = self._event_labels[prompt]
                    for structure in answer.get(prompt) or ():
                        trigger = next(_spans(structure.get(TRIGGER), shift, length), None)
                        if trigger is None:
                            left_out[index][NO_TRIGGER] += 1
                        elif window.owns(trigger[0]):
                            roles = [
                                (role, span)
                                for prompted, role in self._roles[name].items()
                                for span in _spans(structure.get(prompted), shift, length)
                            ]
                            extracted[index].append(_Extracted(name, trigger, roles))
        results = []
        for article, spans, events, unusable in zip(articles, found, extracted, left_out, strict=True):
            entities = entities_of(spans, self.annotator.key)
            linked, lost = self._link(entities, events)
            if lost:
                unusable[NO_FILLER] += lost
            self.leave_out(article.id, unusable)
            results.append(self.annotation(article, entities, linked))
        return results

    def _link(self, mentions: list[Entity], extracted: list[_Extracted]) -> tuple[list[Event], int]:
        """The events with their arguments, and the number of arguments without a filler.

        A filler is the entity or the trigger with exactly the extracted span, else the entity with the largest overlap,
        of a type that may fill the role.
        """
        best: dict[tuple[str, int, int], _Extracted] = {}
        for candidate in sorted(extracted, key=lambda one: (one.trigger[0], one.trigger[1], one.type, -one.trigger[2])):
            best.setdefault((candidate.type, *candidate.trigger[:2]), candidate)
        events = [
            Event(
                id=f"v{number}",
                type=candidate.type,
                start=candidate.trigger[0],
                end=candidate.trigger[1],
                score=score_of(candidate.trigger[2]),
                origin=self.annotator.key,
            )
            for number, candidate in enumerate(best.values(), start=1)
        ]
        lost = 0
        linked = []
        for event, candidate in zip(events, best.values(), strict=True):
            arguments: dict[tuple[str, str], Argument] = {}
            for role, (start, end, score) in candidate.roles:
                allowed = self.schema.fillers.get((event.type, role), frozenset())
                filler = _filler(start, end, [item for item in mentions if item.type in allowed]) or _filler(
                    start, end, [item for item in events if item.type in allowed and item.id != event.id], exact=True
                )
                if filler is None:
                    lost += 1
                    continue
                previous = arguments.get((role, filler))
                if previous is None or (previous.score or 0) < score:
                    arguments[role, filler] = Argument(
                        role=role, filler=filler, score=score_of(score), origin=self.annotator.key
                    )
            linked.append(event.model_copy(update={"arguments": tuple(arguments.values())}))
        return linked, lost


def _filler(start: int, end: int, items: Sequence[Entity | Event], *, exact: bool = False) -> str | None:
    """The id of the item that a span refers to, or None."""
    shared = [(min(end, item.end) - max(start, item.start), item) for item in items]
    for _, item in shared:
        if (item.start, item.end) == (start, end):
            return item.id
    near = [(common, -(item.end - item.start), -item.start, item.id) for common, item in shared if common > 0]
    return max(near)[-1] if near and not exact else None


def _spans(value: Any, shift: int, length: int) -> Iterator[Span]:
    """The spans in a value of an answer (one, a list of them, or none), in code points of the article."""
    for span in value if isinstance(value, list) else [value]:
        if isinstance(span, dict) and "start" in span and "end" in span:
            start, end = int(span["start"]), min(int(span["end"]), length)  # GLiNER2 may have added a full stop
            if start < end:
                yield start + shift, end + shift, float(span["confidence"])


def _load(model: str, device: str) -> Any:
    try:
        return AutoExtractor.from_pretrained(model).to(device).eval()
    except Exception as error:  # missing files, no network or other weights raise anything
        reason = one_line(f"{type(error).__name__}: {error}", 200)
        raise EngineError(
            f"there is no GLiNER2 model {model!r} that can be used here ({reason}); name a folder that "
            "`save_pretrained` wrote, or a name on the Hub while there is a network"
        ) from error
