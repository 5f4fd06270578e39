"""A GLiNER2 model as an engine: entities, and events as structures with a trigger and a field for each role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gliner2 import AutoExtractor, Schema

from curation.annotation import Annotation, Argument, Entity, Event
from curation.article import Article
from curation.engines.model_engine import (
    LEAST_PIECES,
    ModelEngine,
    entities,
    fraction,
    prompts_for,
    whole,
    words_of,
)
from curation.engines.torch_models import device as device_of
from curation.engines.torch_models import digest, most_pieces, pieces_of
from curation.engines.windows import Found, Word
from curation.errors import EngineError, one_line
from curation.schema import EventType, LabelSchema

VERSION = "1.0.0"
THRESHOLD = 0.5
WORDS = 384
"""Words of a window, where the model does not say: GLiNER2's own measure for long texts."""
BATCH_WINDOWS = 8
NO_LIMIT = 10_000
"""Pieces that a model reads at once which knows no limit; its words are limited all the same."""
TRIGGER = "trigger"
"""The field of an event's structure that holds its trigger, as in our export for training."""
NO_TRIGGER = "events without a trigger"
NO_FILLER = "arguments that are no entity or event that may fill the role"

Span = tuple[int, int, float]
"""`[start, end)` in the article, and the score."""


class _Said(NamedTuple):
    """An event as the model says it, before its fillers are looked for."""

    type: str
    trigger: Span
    roles: list[tuple[str, Span]]
    window: int


class Gliner2Engine(ModelEngine):
    """Entities and events from a GLiNER2 model.

    Args:
        schema: the labels to use; `elsewhere: {gliner2: …}` of a type says how the model is told of it.
        lexicon: unread.
        model: a folder, or a name on the Hub.
        threshold: the score below which nothing is said.
        prompts: `names`, `definitions` or `labels`: how a type or role is told where the schema does not say it.
        languages: those it reads; default: the schema's. `*` stands for any.
        device: where it runs; default: a GPU where there is one.
        window: how many words it reads at once, at most; default: what the model was made for.
        events: whether events are asked for, which takes several passes.

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
        self._pieces = most_pieces(self.model.encoder, self._processor.tokenizer) or NO_LIMIT
        self._asked = [self._entity_schema(), *self._event_schemas()]
        room = self._pieces - max(map(self._prompt_pieces, self._asked))
        if room < LEAST_PIECES:
            raise EngineError(
                f"the labels leave {max(room, 0)} of the {self._pieces} pieces that {model} reads at once; "
                "set prompts to names, or name a model that reads more"
            )
        self.most_words = self.model.config.max_len or WORDS
        if window is not None:
            self.most_words = min(self.most_words, whole("window", window))
        self.most_pieces = room
        about = [self.threshold, sorted(self._languages), self.most_words, room]
        told = [asked.build() for asked in self._asked]
        self.begin("gliner2", VERSION, {"weights": digest(self.model), "about": about, "told": told})

    def _role_names(self, label: EventType) -> dict[str, str]:
        """What the model is told of a role → the role."""
        found = {role.name if self._how == "labels" else words_of(role.name): role.name for role in label.roles}
        if TRIGGER in found or len(found) < len(label.roles):
            raise EngineError(f"{label.name} has roles that read alike, or one called {TRIGGER}; rename it")
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
        """A structure for each of some event types; a model with record heads tells events apart by their triggers."""
        schema = Schema()
        natural = {"mode": "natural", "anchor": TRIGGER} if self._records else {}
        for prompt in prompts:
            name, definition = self._event_labels[prompt]
            label = self.schema.event_type(name)
            definitions = {role.name: " ".join(role.definition.split()) for role in (label.roles if label else ())}
            described = self._how == "definitions"
            structure = schema.structure(prompt, **natural)
            structure.field(TRIGGER, dtype="str", description=definition if described else None)
            for told, role in self._roles[name].items():
                structure.field(told, dtype="list", description=definitions[role] if described else None)
        schema.build()
        return schema

    def _event_schemas(self) -> list[Any]:
        """The event types asked for at once: as many as take at most half of what the model reads."""
        groups: list[list[str]] = []
        for prompt in self._event_labels:
            if groups and self._prompt_pieces(self._event_schema([*groups[-1], prompt])) <= self._pieces // 2:
                groups[-1].append(prompt)
            else:
                groups.append([prompt])
        return [self._event_schema(group) for group in groups]

    def _prompt_pieces(self, schema: Any) -> int:
        """How many pieces of what the model reads are no text; with the full stop that GLiNER2 may add."""
        return len(self._processor.transform_record(".", schema).input_ids)

    def words(self, text: str) -> list[Word]:
        """GLiNER2's words."""
        split = list(self._processor.word_splitter(text, True))
        pieces = pieces_of(self._processor.tokenizer, [word for word, _, _ in split])
        return [Word(start, end, count) for (_, start, end), count in zip(split, pieces, strict=True)]

    def annotate(self, articles: list[Article]) -> list[Annotation]:
        """The annotations of some articles; windows of like length go through the model together."""
        cuts, left_out = self.cut(articles)
        found: list[list[Found]] = [[] for _ in articles]
        said: list[list[_Said]] = [[] for _ in articles]
        for schema in self._asked if cuts else ():
            answers = self.model.batch_extract(
                [cut.text for cut in cuts],
                schema,
                batch_size=BATCH_WINDOWS,
                threshold=self.threshold,
                include_confidence=True,
                include_spans=True,
                overlap_policy="nested",
            )
            for cut, answer in zip(cuts, answers, strict=True):
                window, shift, length = cut.window, cut.window.start, len(cut.text)
                for prompt, value in (answer.get("entities") or {}).items():
                    for start, end, score in _spans(value, shift, length):
                        if window.owns(start):
                            label, _ = self._entity_labels[prompt]
                            found[cut.article].append(Found(start, end, label, score, cut.number))
                for prompt in self._event_labels:
                    name, _ = self._event_labels[prompt]
                    for structure in answer.get(prompt) or ():
                        trigger = next(_spans(structure.get(TRIGGER), shift, length), None)
                        if trigger is None:
                            left_out[cut.article][NO_TRIGGER] += 1
                        elif window.owns(trigger[0]):
                            roles = [
                                (role, span)
                                for told, role in self._roles[name].items()
                                for span in _spans(structure.get(told), shift, length)
                            ]
                            said[cut.article].append(_Said(name, trigger, roles, cut.number))
        made = []
        for article, spans, events, less in zip(articles, found, said, left_out, strict=True):
            mentions = entities(spans, self.annotator.key)
            linked, lost = self._link(mentions, events)
            if lost:
                less[NO_FILLER] += lost
            made.append(self.annotation(article, mentions, linked, less))
        return made

    def _link(self, mentions: list[Entity], said: list[_Said]) -> tuple[list[Event], int]:
        """The events with their arguments, and how many arguments are lost.

        A filler is the entity or the trigger of just that span, else an entity that overlaps it most, of a type
        that may fill the role.
        """
        best: dict[tuple[str, int, int], _Said] = {}
        for one in sorted(said, key=lambda one: (one.trigger[0], one.trigger[1], one.type, -one.trigger[2])):
            best.setdefault((one.type, *one.trigger[:2]), one)
        events = [
            Event(
                id=f"v{number}",
                type=one.type,
                start=one.trigger[0],
                end=one.trigger[1],
                score=min(1.0, round(one.trigger[2], 4)),
                origin=self.annotator.key,
            )
            for number, one in enumerate(best.values(), start=1)
        ]
        lost = 0
        linked = []
        for event, one in zip(events, best.values(), strict=True):
            arguments: dict[tuple[str, str], Argument] = {}
            for role, (start, end, score) in one.roles:
                may = self.schema.fillers.get((event.type, role), frozenset())
                filler = _filler(start, end, [item for item in mentions if item.type in may]) or _filler(
                    start, end, [item for item in events if item.type in may and item.id != event.id], exact=True
                )
                if filler is None:
                    lost += 1
                    continue
                before = arguments.get((role, filler))
                if before is None or (before.score or 0) < score:
                    arguments[role, filler] = Argument(
                        role=role, filler=filler, score=min(1.0, round(score, 4)), origin=self.annotator.key
                    )
            linked.append(event.model_copy(update={"arguments": tuple(arguments.values())}))
        return linked, lost


def _filler(start: int, end: int, items: Sequence[Entity | Event], *, exact: bool = False) -> str | None:
    """The id of the item that is meant by a span."""
    shared = [(min(end, item.end) - max(start, item.start), item) for item in items]
    for _, item in shared:
        if (item.start, item.end) == (start, end):
            return item.id
    near = [(common, -(item.end - item.start), -item.start, item.id) for common, item in shared if common > 0]
    return max(near)[-1] if near and not exact else None


def _spans(value: Any, shift: int, length: int) -> Iterator[Span]:
    """The spans in a value of an answer, in code points of the article: one, a list of them, or none."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict) and "start" in one and "end" in one:
            start, end = int(one["start"]), min(int(one["end"]), length)  # GLiNER2 may have added a full stop
            if start < end:
                yield start + shift, end + shift, float(one["confidence"])


def _load(model: str, device: str) -> Any:
    try:
        return AutoExtractor.from_pretrained(model).to(device).eval()
    except Exception as error:  # whatever a missing file, a missing network or foreign weights raise
        reason = one_line(f"{type(error).__name__}: {error}", 200)
        raise EngineError(
            f"there is no GLiNER2 model {model!r} that can be used here ({reason}); name a folder that "
            "`save_pretrained` wrote, or a name on the Hub while there is a network"
        ) from error
