"""Label Studio's JSON back into articles and annotations. Pure, and never fails: what cannot be read is an `Issue`.

Spans are read by offsets; `value.text` is not to be trusted. What the schema does not know is kept as it is and
reported, so nothing a person did is lost.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import ValidationError

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, Item, State
from curation.article import Article
from curation.errors import one_line
from curation.labelstudio.constants import (
    ANNOTATE,
    ANNOTATION,
    ARTICLE_ID,
    ATTRIBUTE,
    BATCH,
    BETWEEN,
    ENGINE,
    ENTITY,
    PREDICTION,
    PURPOSE,
    TEXT,
    TEXT_SHA256,
    TRIGGER,
    UNKNOWN,
    is_review,
)
from curation.labelstudio.to_labelstudio import region_id
from curation.schema import LabelSchema
from curation.schema_migration import migrate, migrate_items
from curation.validation import validate

TaskState = Literal["untouched", "draft", "submitted", "skipped"]
Kind = Literal["entities", "events"]
ItemT = TypeVar("ItemT", bound=Item)
_Place = tuple[str, int, int, str]
Lookup = Callable[[str], "Annotation | None"]
"""Finds an annotation by its id: a prediction that we sent, or a person's annotation in the last snapshot."""
MadeWith = Callable[["datetime | None"], str]
"""The version of the schema that was in force at a time."""

_IDENTIFIER = re.compile(r"[^\s\x00-\x1f\x7f\ud800-\udfff]{1,200}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Issue(NamedTuple):
    """Something that could not be read, or does not fit the schema: its place, code and a message."""

    task: int | None
    annotation: str | None
    region: str | None
    code: str
    message: str


@dataclass(frozen=True)
class Decoded:
    """One task: its article, what people made of it (in the order of their ids there), and the issues.

    `state` is the furthest anyone came: submitted, then a draft, then skipped.
    """

    task: int | None
    article: Article | None
    annotations: tuple[Annotation, ...]
    issues: tuple[Issue, ...]
    state: TaskState
    purpose: str
    batch: str | None


def decode(
    task: Any,
    schema: LabelSchema,
    *,
    sent: Lookup = lambda annotation: None,
    earlier: Lookup = lambda annotation: None,
    current: str | None = None,
    made_with: MadeWith | None = None,
) -> Decoded:
    """Everything in one exported task.

    Args:
        task: the task's JSON, from anywhere.
        schema: the label schema of its project.
        sent: finds the annotations we sent; without it the frozen prediction in the export has to do.
        earlier: finds annotations as the last snapshot has them. Items that did not change since then keep their
            origin, so an edit by somebody else than the annotator is attributed to the editor, and nothing else is.
        current: the id of the annotation we last sent for this task, where it is known.
        made_with: the version of the schema that was in force at a time; annotations are migrated from it to `schema`.
            Default: the version of `schema`.
    """
    return _Task(task, schema, sent, earlier, current, made_with or (lambda moment: schema.version)).decoded()


@dataclass
class _Reading:
    """The items of one list of regions and relations; a problem is (region, code, message)."""

    entities: list[Entity] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    problems: list[tuple[str | None, str, str]] = field(default_factory=list)

    def problem(self, region: str | None, code: str, message: str) -> None:
        self.problems.append((region, code, message))


class _Task:
    def __init__(
        self,
        task: Any,
        schema: LabelSchema,
        sent: Lookup,
        earlier: Lookup,
        current: str | None,
        made_with: MadeWith,
    ) -> None:
        self.schema, self.sent, self.earlier, self.current, self.made_with = schema, sent, earlier, current, made_with
        self.issues: list[Issue] = []
        self.task = task if isinstance(task, dict) else {}
        self.id = _integer(self.task.get("id"))
        if not isinstance(task, dict) or self.id is None:
            self.note(None, None, "not-a-task", "this is no task with an id")
        data = self.task.get("data")
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}
        purpose = self.data.get(PURPOSE)
        self.purpose = str(purpose) if _is_label(purpose) else ANNOTATE
        if purpose is not None and self.purpose != purpose:
            self.note(None, None, "bad-purpose", f"the task's {PURPOSE} is no name and is taken for {ANNOTATE}")

    def note(self, annotation: str | None, region: str | None, code: str, message: str) -> None:
        self.issues.append(Issue(self.id, annotation, region, code, one_line(message, 300)))

    def decoded(self) -> Decoded:
        article = self.article()
        annotations: list[Annotation] = []
        if article is not None:
            for raw in self.records("annotations"):
                annotations += self.person(raw, article, draft=False)
            for raw in self.records("drafts"):
                annotations += self.person(raw, article, draft=True)
            annotations = self.told_apart(annotations)
            for annotation in annotations:
                for finding in validate(annotation, article, self.schema):
                    self.note(annotation.id, finding.item, finding.code, finding.message)
        if "annotations" not in self.task and "completions" in self.task:
            self.note(None, None, "old-export", "an export of Label Studio before 1.0, whose completions are not read")
        if not isinstance(self.task.get("predictions") or [], list):
            self.note(None, None, "bad-predictions", "predictions of the task are no list")
        batch = self.data.get(BATCH)
        return Decoded(
            task=self.id,
            article=article,
            annotations=tuple(annotations),
            issues=tuple(self.issues),
            state=state_of(self.task),
            purpose=self.purpose,
            batch=batch if _is_label(batch) else None,
        )

    def told_apart(self, annotations: list[Annotation]) -> list[Annotation]:
        """No id twice, whatever came in."""
        seen: Counter[str] = Counter(annotation.id for annotation in annotations)
        if len(seen) == len(annotations):
            return annotations
        apart = []
        for annotation in reversed(annotations):
            if (number := seen[annotation.id]) > 1:
                seen[annotation.id] -= 1
                self.note(annotation.id, None, "repeated-annotation", "another annotation has the same id")
                annotation = annotation.model_copy(update={"id": f"{annotation.id}~{number}"})
            apart.append(annotation)
        return apart[::-1]

    def article(self) -> Article | None:
        text = self.data.get(TEXT)
        if not isinstance(text, str):
            self.note(None, None, "no-text", f"the task's data has no {TEXT}")
            return None
        article_id = self.data.get(ARTICLE_ID)
        if not _is_identifier(article_id):
            self.note(None, None, "not-ours", f"the task has no usable {ARTICLE_ID}; it was not made by a push")
            article_id = f"task-{self.id}"
        record = {"id": article_id, "text": text}
        kept = ("title", "source", "published", "language", "licence", "metadata")
        about = {name: self.data[name] for name in kept if self.data.get(name) is not None}
        try:
            article = Article.model_validate(record | about)
        except (ValidationError, ValueError):
            try:
                article = Article.model_validate(record)
            except (ValidationError, ValueError):
                self.note(None, None, "bad-text", "the task's text is empty, too long or not plain text")
                return None
            self.note(None, None, "bad-metadata", "the task's data about the article cannot be used and is left out")
        if self.data.get(TEXT_SHA256) not in (None, article.text_sha256):
            self.note(None, None, "text-changed", "the task's text is not the text that was pushed")
        return article

    def records(self, name: str) -> list[dict[str, Any]]:
        found = self.task.get(name, [])
        if not isinstance(found, list):
            self.note(None, None, f"bad-{name}", f"{name} of the task are no list")
            return []
        good = _objects(found)
        if len(good) < len(found):
            self.note(None, None, f"bad-{name}", f"{len(found) - len(good)} of the task's {name} are no objects")
        return good

    def person(self, raw: dict[str, Any], article: Article, *, draft: bool) -> list[Annotation]:
        """The annotation of one person's annotation or draft; an empty list if it cannot be built."""
        annotation_id = self.annotation_id(raw, draft=draft)
        annotator = Annotator(kind="person", name=_user(raw, draft=draft))
        reading = _read(raw.get("result"), article.text, self.schema)
        frozen = raw.get("prediction")
        frozen = frozen if isinstance(frozen, dict) and frozen.get("result") else {}
        copied = frozen.get("result", [])
        said_of = _meta(copied)
        started = self.started_from(raw, reading, said_of, frozen, draft=draft)
        known = self.sent(started) if started else None
        if known is not None and known.text_sha256 == article.text_sha256:
            if said_of.get(ANNOTATION) == known.id and not _same_places(copied, known, article.text, self.schema):
                self.note(annotation_id, None, "copy-differs", _COPY_DIFFERS)
            known, _ = migrate(known, self.schema)
            base = _Base(known.entities, known.events, known.annotator.key, self.schema)
        else:
            before = _read(copied, article.text, self.schema)
            time = _time(frozen.get("updated_at")) or _time(raw.get("created_at"))
            old = migrate_items(before.entities, before.events, self.made_with(time), self.schema)
            base = _Base(old.entities, old.events, _engine_key(said_of, frozen), self.schema)
        for region, code, message in reading.problems:
            self.note(annotation_id, region, code, message)
        time = _time(raw.get("updated_at")) or _time(raw.get("created_at"))
        now = migrate_items(reading.entities, reading.events, self.made_with(time), self.schema)
        for item, message in now.undecided:
            self.note(annotation_id, item, "undecided-split", message)
        items = {item.id: item for item in (*now.entities, *now.events)}
        editor = annotator if draft else _editor(raw) or annotator
        authors = _Authors(self.base_of_earlier(annotation_id, article), editor.key)
        entities = [base.origin(entity, authors) for entity in now.entities]
        events = [base.arguments(base.origin(event, authors), items, authors) for event in now.events]
        lead = _number(raw.get("lead_time"))
        try:
            return [
                Annotation(
                    id=annotation_id,
                    article_id=article.id,
                    text_sha256=article.text_sha256,
                    schema_ref=self.schema.ref,
                    annotator=annotator,
                    parent=self.parent(raw, started, draft=draft),
                    between=self.between(),
                    time=time,
                    state=self.state(raw, draft=draft),
                    lead_time=lead if lead is not None and lead >= 0 else None,
                    entities=tuple(entities),
                    events=tuple(events),
                )
            ]
        except ValidationError as error:
            what = error.errors(include_url=False, include_input=False)[0]["msg"]
            self.note(annotation_id, None, "unreadable", f"no annotation can be built from it: {what}")
            return []

    def base_of_earlier(self, annotation_id: str, article: Article) -> _Base:
        """The items of the annotation in the last snapshot; none if it was not there, or with another text."""
        found = self.earlier(annotation_id)
        if found is None or found.text_sha256 != article.text_sha256:
            return _Base((), (), "", self.schema)
        found, _ = migrate(found, self.schema)
        return _Base(found.entities, found.events, found.annotator.key, self.schema)

    def annotation_id(self, raw: dict[str, Any], *, draft: bool) -> str:
        unique = raw.get("unique_id")
        if not draft and isinstance(unique, str) and _is_identifier(unique) and len(unique) < 100:
            return f"ls-{unique}"
        kind = "draft-" if draft else ""
        return f"ls-{_integer(self.task.get('project'))}-{kind}{self.id}-{_integer(raw.get('id'))}"

    def started_from(
        self, raw: dict[str, Any], reading: _Reading, copied: dict[str, Any], frozen: dict[str, Any], *, draft: bool
    ) -> str | None:
        """The id of the annotation we sent that this one started from, as far as it is known."""
        for meta in (_meta(raw.get("result")), copied):
            if _is_identifier(meta.get(ANNOTATION)):
                return str(meta[ANNOTATION])
        if self.current is None or (known := self.sent(self.current)) is None:
            return None
        if frozen or raw.get("parent_prediction") is not None:
            return self.current
        ids = {region_id(item.id) for item in known.items()}
        return self.current if any(item.id in ids for item in (*reading.entities, *reading.events)) else None

    def parent(self, raw: dict[str, Any], started: str | None, *, draft: bool) -> str | None:
        other = _integer(raw.get("annotation") if draft else raw.get("parent_annotation"))
        if other is not None:
            for one in _objects(self.task.get("annotations")):
                if _integer(one.get("id")) == other:
                    return self.annotation_id(one, draft=False)
        return started

    def state(self, raw: dict[str, Any], *, draft: bool) -> State:
        """Submitted in a task that was made to look again is reviewed."""
        state = _state(raw, draft=draft)
        return "reviewed" if state == "submitted" and is_review(self.purpose) else state

    def between(self) -> tuple[str, ...] | None:
        """The ids of the annotations that the task is about, where it was made to look again."""
        ids = self.data.get(BETWEEN) if is_review(self.purpose) else None
        return tuple(one for one in ids if _is_identifier(one)) or None if isinstance(ids, list) else None


_COPY_DIFFERS = "the copy that Label Studio keeps of the prediction is not what was sent; what was sent counts"


def _same_places(copied: Any, known: Annotation, text: str, schema: LabelSchema) -> bool:
    """Whether the spans of a frozen prediction are those that were sent. It is decoded only if its raw spans differ."""
    sent = _places(known)
    with suppress(AttributeError, KeyError, TypeError):
        values = [region["value"] for region in copied if region.get("type") == "labels"]
        if {(one["start"], one["end"], label) for one in values for label in one["labels"]} == sent:
            return True
    return _places(_read(copied, text, schema)) == sent


def _places(items: _Reading | Annotation) -> set[tuple[int, int, str]]:
    return {(item.start, item.end, item.type) for item in (*items.entities, *items.events)}


def _meta(result: Any) -> dict[str, Any]:
    """The `meta` of the first region that has one."""
    for region in _objects(result):
        meta = region.get("meta")
        if isinstance(meta, dict) and ANNOTATION in meta:
            return meta
    return {}


def state_of(task: dict[str, Any]) -> TaskState:
    """The furthest anyone came with an exported task."""
    annotations, drafts = task.get("annotations"), task.get("drafts")
    made = _objects(annotations)
    if any(not _cancelled(one) for one in made):
        return "submitted"
    if isinstance(drafts, list) and drafts:
        return "draft"
    return "skipped" if made else "untouched"


@dataclass
class _Region:
    """A labelled region as it came: its items are made once all of the result has been seen."""

    raw_id: str
    kind: Kind
    start: int
    end: int
    label: str
    score: float | None
    id: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


def _read(result: Any, text: str, schema: LabelSchema) -> _Reading:
    """Entities, events and problems of one `result` list from anywhere."""
    reading = _Reading()
    regions: list[_Region] = []
    choices: list[dict[str, Any]] = []
    relations: list[dict[str, Any]] = []
    if not isinstance(result, list):
        reading.problem(None, "no-result", "the result is no list")
        result = []
    for raw in result:
        if not isinstance(raw, dict):
            reading.problem(None, "not-a-region", "a region is no object")
            continue
        kind = raw.get("type")
        if kind == "labels":
            regions += _labelled(raw, text, schema, reading)
        elif kind == "choices":
            choices.append(raw)
        elif kind == "relation":
            relations.append(raw)
        else:
            reading.problem(_name(raw.get("id")), "unknown-result", f"results of type {_shown(kind)} are not read")
    regions = _told_apart(regions, reading)
    by_id: dict[str, list[_Region]] = {}
    for region in regions:
        by_id.setdefault(region.raw_id, []).append(region)
    for raw in choices:
        _choose(raw, by_id, schema, reading)
    arguments = _related(relations, by_id, schema, reading)
    for region in regions:
        fields: dict[str, Any] = {
            "id": region.id,
            "start": region.start,
            "end": region.end,
            "type": region.label,
            "score": region.score,
            "attributes": region.attributes,
        }
        if region.kind == "entities":
            reading.entities.append(Entity(**fields))
        else:
            reading.events.append(Event(**fields, arguments=tuple(arguments.get(region.id, {}).values())))
    return reading


def _labelled(raw: dict[str, Any], text: str, schema: LabelSchema, reading: _Reading) -> list[_Region]:
    """The items of one region: one for each of its labels."""
    raw_id, value = raw.get("id"), raw.get("value")
    value = value if isinstance(value, dict) else {}
    start, end = _integer(value.get("start")), _integer(value.get("end"))
    if start is None or end is None or not 0 <= start < end <= len(text):
        reading.problem(
            _name(raw_id),
            "outside-text",
            f"span {_shown(value.get('start'))} to {_shown(value.get('end'))} is not in the text",
        )
        return []
    labels = value.get("labels")
    named = [one for one in labels if _is_label(one)] if isinstance(labels, list) else []
    if not named or not isinstance(labels, list) or len(named) < len(labels):
        reading.problem(_name(raw_id), "no-label", "a region without a usable label")
    if not isinstance(raw_id, str) or not raw_id:
        raw_id = f"at-{start}-{end}"
        reading.problem(raw_id, "no-id", "a region without an id")
    control = raw.get("from_name")
    if control not in (ENTITY, TRIGGER):
        reading.problem(_name(raw.get("id")), "unknown-control", f"control {_shown(control)} is not in our config")
    if (of := raw.get("to_name")) != TEXT:
        reading.problem(_name(raw.get("id")), "other-object", f"a region of {_shown(of)}, not of the article's text")
    found = []
    for label in dict.fromkeys(named):
        kind: Kind = "events" if control == TRIGGER else "entities"
        if control not in (ENTITY, TRIGGER) and schema.event_type(label) is not None:
            kind = "events"
        found.append(_Region(raw_id, kind, start, end, label, _score(raw.get("score"))))
    return found


def _told_apart(regions: list[_Region], reading: _Reading) -> list[_Region]:
    """Regions with ids of their own: what shares an id in Label Studio gets a derived one here."""
    kept: dict[tuple[Any, ...], _Region] = {}
    spans: dict[str, tuple[int, int]] = {}
    taken: dict[str, int] = {}
    for region in regions:
        key = (region.raw_id, region.kind, region.start, region.end, region.label)
        if key in kept:
            reading.problem(_name(region.raw_id), "repeated-region", "the region is duplicated")
            continue
        if spans.setdefault(region.raw_id, (region.start, region.end)) != (region.start, region.end):
            reading.problem(_name(region.raw_id), "repeated-id", "two regions share an id")
        base = region.id = _safe_id(region.raw_id)
        while region.id in taken:
            taken[base] += 1
            region.id = f"{base[:180]}~{taken[base]}"
        taken[region.id] = 1
        kept[key] = region
    return list(kept.values())


def _choose(raw: dict[str, Any], by_id: dict[str, list[_Region]], schema: LabelSchema, reading: _Reading) -> None:
    """Give the items of a region the attribute that was chosen for it."""
    name, control = _name(raw.get("id")), raw.get("from_name")
    if not isinstance(control, str) or not _is_label(control) or not control.startswith(ATTRIBUTE):
        reading.problem(name, "unknown-control", f"control {_shown(control)} is not in our config")
        return
    attribute = control.removeprefix(ATTRIBUTE)
    value = raw.get("value")
    values = value.get("choices") if isinstance(value, dict) else None
    chosen = [one for one in values if _is_label(one)] if isinstance(values, list) else []
    if not chosen:
        reading.problem(name, "no-choice", f"{attribute} without a value")
        return
    if len(chosen) > 1:
        reading.problem(name, "several-choices", f"{attribute} has several values; the first one is taken")
    declared = {one.name: one for one in schema.attributes}.get(attribute)
    raw_id = raw.get("id")
    mine = by_id.get(raw_id, []) if isinstance(raw_id, str) else []
    if declared is not None:
        mine = [region for region in mine if region.kind == declared.of] or mine
    if not mine:
        reading.problem(name, "loose-choice", f"{attribute} is chosen for a region that is not there")
    for region in mine:
        if declared is None or chosen[0] != declared.default:
            region.attributes[attribute] = chosen[0]


def _related(
    relations: list[dict[str, Any]], by_id: dict[str, list[_Region]], schema: LabelSchema, reading: _Reading
) -> dict[str, dict[tuple[str, str], Argument]]:
    """Arguments by the id of their event. An arrow drawn from the filler to the trigger is turned round.

    An arrow that points both ways is two arguments where the schema allows both, else one, with a problem.
    """

    def problem(raw: dict[str, Any], code: str, what: str) -> None:
        place = f"the relation from {_shown(raw.get('from_id'))} to {_shown(raw.get('to_id'))}"
        reading.problem(_name(raw.get("from_id")), code, f"{place} {what}")

    found: dict[str, dict[tuple[str, str], Argument]] = {}
    for raw in relations:
        from_id, to_id = raw.get("from_id"), raw.get("to_id")
        # Of several items on one region, relations lead to the first of each kind.
        source, target = (
            {region.kind: region for region in reversed(by_id.get(one, []))} if isinstance(one, str) else {}
            for one in (from_id, to_id)
        )
        if not source or not target:
            problem(raw, "dangling-relation", "leads to no region")
            continue
        labels = raw.get("labels")
        roles = [one for one in labels if _is_label(one)] if isinstance(labels, list) else []
        if not roles:
            problem(raw, "unlabelled-relation", "has no role and is left out: give it a role, or delete it")
            continue
        if raw.get("direction") == "left":
            source, target = target, source
        if "events" not in source and "events" in target:
            source, target = target, source
        if "events" not in source:
            problem(raw, "no-trigger", "joins two entities")
            continue
        forward = source["events"], target.get("entities") or target["events"]
        if forward[0].id == forward[1].id:
            problem(raw, "own-filler", "makes an event fill its own role")
            continue
        for role in dict.fromkeys(roles):
            ways = [forward]
            if raw.get("direction") == "bi":
                ways = _both_ways(forward, source, target, role, schema)
                if len(ways) == 1:
                    trigger, filler = ways[0]
                    problem(
                        raw,
                        "two-way-relation",
                        f"points both ways: {_shown(filler.label)} as {_shown(role)} of {_shown(trigger.label)} is "
                        "kept, the other way is not allowed",
                    )
            for trigger, filler in ways:
                arguments = found.setdefault(trigger.id, {})
                if (role, filler.id) in arguments:
                    problem(raw, "repeated-relation", f"repeats {role}")
                else:
                    arguments[role, filler.id] = Argument(role=role, filler=filler.id)
    return found


def _both_ways(
    forward: tuple[_Region, _Region],
    source: dict[Kind, _Region],
    target: dict[Kind, _Region],
    role: str,
    schema: LabelSchema,
) -> list[tuple[_Region, _Region]]:
    """(trigger, filler) of each way of an arrow with two heads that the schema allows; if none, `forward`."""
    ways = [forward]
    if "events" in target:
        ways.append((target["events"], source.get("entities") or source["events"]))
    allowed = [
        (trigger, filler)
        for trigger, filler in ways
        if trigger.id != filler.id and filler.label in schema.fillers.get((trigger.label, role), ())
    ]
    return allowed or [forward]


class _Base:
    """An annotation that this one started from: a prediction, or the annotation in the last snapshot.

    Items and arguments that did not change keep their origin.
    """

    def __init__(self, entities: Iterable[Entity], events: Iterable[Event], key: str, schema: LabelSchema) -> None:
        self.key = key
        self.defaults = {
            kind: {one.name: one.default for one in schema.attributes_of(kind)} for kind in ("entities", "events")
        }
        self.by_id: dict[str, Item] = {item.id: item for item in (*entities, *events)}
        self.by_place: dict[_Place, list[Item]] = {}
        for item in self.by_id.values():
            self.by_place.setdefault(_place(item), []).append(item)

    def same(self, item: Item) -> Item | None:
        """The item with the same kind, span and type; of several the one with the same id, or attributes."""
        candidates = self.by_place.get(_place(item), [])
        if len(candidates) > 1:
            by_id = [one for one in candidates if region_id(one.id) == item.id]
            candidates = by_id or [one for one in candidates if self.attributes(one) == item.attributes] or candidates
        return next(iter(candidates), None)

    def unchanged(self, item: Item) -> Item | None:
        """The same item, if it has the same attributes as well."""
        found = self.same(item)
        return found if found is not None and self.attributes(found) == item.attributes else None

    def attributes(self, item: Item) -> dict[str, str]:
        """The item's attributes without those that have their default value."""
        defaults = self.defaults[_kind(item)]
        return {name: value for name, value in item.attributes.items() if defaults.get(name) != value}

    def unchanged_arguments(self, event: Event, items: dict[str, Item]) -> dict[tuple[str, str], Argument]:
        """(role, filler) of each argument that the event has here, too, with the argument here."""
        same = self.same(event)
        by_id: dict[tuple[str, str], Argument] = {}
        by_place: dict[tuple[str, _Place], Argument] = {}
        for argument in same.arguments if isinstance(same, Event) else ():
            by_id[argument.role, region_id(argument.filler)] = argument
            by_place[argument.role, _place(self.by_id[argument.filler])] = argument
        found: dict[tuple[str, str], Argument] = {}
        for argument in event.arguments:
            role, filler = argument.role, argument.filler
            old = by_id.get((role, filler)) or by_place.get((role, _place(items[filler])))
            if old is not None:
                found[role, filler] = old
        return found

    def origin(self, item: ItemT, authors: _Authors) -> ItemT:
        """The item with its origin, and with its score if it is as it was predicted."""
        old = self.unchanged(item)
        if old is not None:
            return item.model_copy(update={"origin": old.origin or self.key, "score": old.score})
        return item.model_copy(update={"origin": authors.of(item), "score": None})

    def arguments(self, event: Event, items: dict[str, Item], authors: _Authors) -> Event:
        """The event with the origin of each of its arguments."""
        predicted = self.unchanged_arguments(event, items)
        people = authors.of_arguments(event, items)
        arguments = []
        for argument in event.arguments:
            key = argument.role, argument.filler
            if (old := predicted.get(key)) is not None:
                update = {"origin": old.origin or self.key, "score": old.score}
            else:
                update = {"origin": people[key]}
            arguments.append(argument.model_copy(update=update))
        return event.model_copy(update={"arguments": tuple(arguments)})


class _Authors:
    """The person who last changed an item: as in the last snapshot if it did not change since then, else the editor."""

    def __init__(self, earlier: _Base, editor: str) -> None:
        self.earlier, self.editor = earlier, editor

    def of(self, item: Item) -> str:
        return self._person(self.earlier.unchanged(item))

    def of_arguments(self, event: Event, items: dict[str, Item]) -> dict[tuple[str, str], str]:
        """By role and filler."""
        earlier = self.earlier.unchanged_arguments(event, items)
        return {
            key: self._person(earlier.get(key))
            for key in ((argument.role, argument.filler) for argument in event.arguments)
        }

    def _person(self, earlier: Item | Argument | None) -> str:
        origin = earlier.origin if earlier is not None else None
        return origin if origin is not None and origin.startswith("person:") else self.editor


def _kind(item: Item) -> Kind:
    return "events" if isinstance(item, Event) else "entities"


def _place(item: Item) -> _Place:
    return (_kind(item), item.start, item.end, item.type)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _engine_key(meta: dict[str, Any], frozen: dict[str, Any]) -> str:
    for name in (meta.get(ENGINE), frozen.get("model_version")):
        if isinstance(name, str) and 0 < len(name) <= 200 and name != PREDICTION:
            return f"engine:{name}"
    return "engine:unknown"


def _state(raw: dict[str, Any], *, draft: bool) -> State:
    if draft:
        return "draft"
    return "skipped" if _cancelled(raw) else "submitted"


def _cancelled(raw: dict[str, Any]) -> bool:
    """Whether it was skipped. Data that went through a spreadsheet or a form has a word instead of a boolean."""
    value = raw.get("was_cancelled")
    return value.strip().lower() in ("true", "1", "yes") if isinstance(value, str) else bool(value)


def _user(raw: dict[str, Any], *, draft: bool) -> str:
    """The person, by number; never the address or the name that some exports hold."""
    who = raw.get("user" if draft else "completed_by")
    if isinstance(who, dict):
        who = who.get("id")
    number = _integer(who)
    if number is None and draft:
        shown = re.search(r", (\d{1,18})$", str(raw.get("created_username", "")))
        number = int(shown.group(1)) if shown else None
    return UNKNOWN if number is None else f"ls-{number}"


def _editor(raw: dict[str, Any]) -> Annotator | None:
    """Who last saved an annotation: an administrator, or a script through the API, may edit that of somebody else."""
    who = raw.get("updated_by")
    number = _integer(who.get("id") if isinstance(who, dict) else who)
    return None if number is None else Annotator(kind="person", name=f"ls-{number}")


def _safe_id(raw_id: str) -> str:
    """An id that our annotations can hold."""
    if _is_identifier(raw_id):
        return raw_id
    return "id-" + hashlib.sha256(raw_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _is_identifier(value: Any) -> bool:
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def _is_label(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and not _SURROGATE.search(value)


def _name(value: Any) -> str | None:
    return None if value is None else str(value) if _is_identifier(value) else _shown(value)


def _shown(value: Any) -> str:
    """Anything from JSON, short enough for a message."""
    if isinstance(value, str):
        return repr(one_line(value, 80))
    if isinstance(value, float) or value is None or _integer(value) is not None:
        return repr(value)
    return type(value).__name__


def _integer(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _score(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= 1 else None


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None
