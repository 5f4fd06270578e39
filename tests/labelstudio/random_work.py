"""Articles and annotations made by chance, and tasks as Label Studio would export them."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, annotation_id
from curation.article import Article, normalise
from curation.labelstudio import to_labelstudio
from curation.labelstudio.constants import ENTITY, TRIGGER
from curation.schema import LabelSchema

WORDS = {
    "plain": ("Kelmar", "rebels", "shelled", "the", "port", "of", "Ostvia", "on", "Friday", "12", "talks", "agreed"),
    "emoji": ("\U0001f680", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f44d\U0001f3fd", "1\ufe0f\u20e3"),
    "flag": ("\U0001f1e6\U0001f1f6", "\U0001f1e6\U0001f1f6\U0001f1e8\U0001f1fd", "\U0001f3f4\u200d\u2620\ufe0f"),
    "combining": ("e\u0301a\u0308", "o\u0302\u0323\u0308", "\u0301", "\u0928\u093f", "\u1112\u1161\u11ab"),
    "right to left": ("\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627", "\u202b\u05d0\u202c", "\u200f"),
    "line end": ("\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "x\r\n"),
    "no-break": ("a\u00a0b", "\u00a0", "1\u202f000"),
    "tab": ("c\td", "\t"),
    "zero width": ("\u200b", "no\u200cn", "jo\u200din", "wo\u2060rd", "so\u00adft"),
    "byte order mark": ("\ufeffx", "y\ufeff"),
    "line separator": ("\u2028", "p\u2029q", "\x85", "\x0b"),
    "astral": ("\U0001d5aa\U0001d5be\U0001d5c5", "\U0002070e", "\U0001d11e"),
    "markup": ("&amp;", "<b>", "</p>", '"q"', "\\n", "{{x}}", "#", "\x1b"),
}
"""What trips up offsets, by what it is."""
KINDS = tuple(WORDS)
OFTEN = tuple(5 if kind == "plain" else 1 for kind in KINDS)
ENGINE = Annotator(kind="engine", name="dice", version="1.0.0")


def raw_text(seed: int, words: int = 60) -> str:
    """A text of that many words as a file may hold it, the same for the same seed."""
    chance = random.Random(f"article {seed}")
    parts = ["Kelmar"]
    for kind in chance.choices(KINDS, OFTEN, k=words):
        parts += (chance.choice(("", " ", " ")), chance.choice(WORDS[kind]))
    return "".join(parts)


def article(seed: int, words: int = 60, name: str = "art") -> Article:
    """The article that is read from such a file."""
    text = normalise(raw_text(seed, words))
    return Article(id=f"{name}-{seed}", text=text, title=f"No. {seed}", language="en", metadata={"desk": "East"})


def annotation(
    article: Article, schema: LabelSchema, seed: int, *, entities: int = 8, events: int = 4, by: Annotator = ENGINE
) -> Annotation:
    """An annotation that fits: spans in, across and on each other, attributes, arguments, events that fill events.

    What fills one role of an event may fill another one of it too.
    """
    chance = random.Random(f"annotation {article.id} {seed}")
    length, spans = len(article.text), list[tuple[int, int]]()

    def span() -> dict[str, int]:
        while True:
            start = chance.randrange(length)
            end = start + chance.randint(1, 12)
            if spans and chance.random() < 0.3:
                start, end = beside(*chance.choice(spans))
            end = min(length, end)
            # Push refuses what begins at a line break.
            if article.text[start] != "\n" and article.text[start:end].strip():
                spans.append((start, end))
                return {"start": start, "end": end}

    def beside(first: int, last: int) -> tuple[int, int]:
        inside = chance.randrange(first, last)
        ways = ((first, last), (inside, chance.randint(inside + 1, last)), (inside, last + chance.randint(1, 6)))
        return chance.choice(ways)

    def attributes(of: Any) -> dict[str, str]:
        chosen = {one.name: chance.choice(one.names) for one in schema.attributes_of(of) if chance.random() < 0.5}
        usual = {one.name: one.default for one in schema.attributes_of(of)}
        return {name: value for name, value in chosen.items() if usual[name] != value}

    def score() -> float | None:
        return round(chance.random(), 4) if chance.random() < 0.8 else None

    made = [
        Entity(
            id=f"e{n}",
            type=chance.choice(schema.entity_names),
            score=score(),
            attributes=attributes("entities"),
            **span(),
        )
        for n in range(entities)
    ]
    types = [chance.choice(schema.event_types) for _ in range(events if schema.event_types else 0)]
    fillers = {one.id: one.type for one in made} | {f"v{n}": kind.name for n, kind in enumerate(types)}
    acts = []
    for n, kind in enumerate(types):
        possible = [
            (role.name, filler)
            for role in kind.roles
            for filler, name in fillers.items()
            if filler != f"v{n}" and name in schema.fillers[kind.name, role.name]
        ]
        chosen = chance.sample(possible, min(len(possible), chance.randint(0, 3)))
        if chosen and chance.random() < 0.3:
            chosen += [one for one in possible if one[1] == chosen[0][1] and one not in chosen]
        arguments = tuple(Argument(role=role, filler=filler) for role, filler in chosen)
        acts.append(
            Event(
                id=f"v{n}",
                type=kind.name,
                score=score(),
                attributes=attributes("events"),
                arguments=arguments,
                **span(),
            )
        )
    return Annotation(
        id=annotation_id(article.id, article.text_sha256, by.key, str(seed)),
        article_id=article.id,
        text_sha256=article.text_sha256,
        schema=schema.ref,
        annotator=by,
        entities=tuple(made),
        events=tuple(acts),
    )


def exported(
    number: int,
    article: Article,
    prediction: Annotation | None,
    submitted: Annotation | None,
    schema: LabelSchema,
    **more: Any,
) -> dict[str, Any]:
    """A task as Label Studio 1.23.2 exports it, with one annotation made by user 3 from the prediction."""
    sent = json.loads(json.dumps(to_labelstudio.task(article, prediction, schema, batch="b1")))
    frozen: dict[str, Any] = {}
    if prediction is not None:
        frozen = {"id": 70 + number, **copy.deepcopy(sent["predictions"][0]), "task": number, "project": 1}
    annotations = []
    if submitted is not None:
        annotations.append(
            {
                "id": 500 + number,
                "completed_by": 3,
                "result": json.loads(json.dumps(to_labelstudio.result(submitted, article, schema))),
                "was_cancelled": False,
                "ground_truth": False,
                "created_at": "2026-11-22T15:24:17.640465Z",
                "updated_at": "2026-11-22T15:24:18Z",
                "lead_time": 3.5,
                "prediction": frozen,
                "unique_id": f"00000000-0000-4000-8000-{number:012}",
                "task": number,
                "project": 1,
                "parent_prediction": frozen.get("id"),
                "parent_annotation": None,
            }
        )
    return {
        "id": number,
        "annotations": annotations,
        "drafts": [],
        "predictions": [frozen["id"]] if frozen else [],
        "data": sent["data"],
        "updated_at": "2026-11-22T15:24:18Z",
        "project": 1,
        **more,
    }


def region(name: str, start: int, end: int, label: str, control: str = ENTITY, **more: Any) -> dict[str, Any]:
    """A labelled region as the editor writes it."""
    value = {"start": start, "end": end, "text": "not to be trusted", "labels": [label]}
    return {"id": name, "from_name": control, "to_name": "text", "type": "labels", "value": value, **more}


def trigger(name: str, start: int, end: int, label: str, **more: Any) -> dict[str, Any]:
    """A trigger as the editor writes it."""
    return region(name, start, end, label, TRIGGER, **more)


def relation(source: str, target: str, *labels: str, direction: str = "right") -> dict[str, Any]:
    """A relation as the editor writes it."""
    return {"type": "relation", "from_id": source, "to_id": target, "direction": direction, "labels": list(labels)}
