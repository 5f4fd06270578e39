"""Articles and annotations made by chance, and tasks as Label Studio would export them."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, annotation_id
from curation.article import Article
from curation.labelstudio import encode
from curation.labelstudio.names import ENTITY, TRIGGER
from curation.schema import LabelSchema

WORDS = (
    *("Kelmar", "rebels", "shelled", "the", "port", "of", "Ostvia", "on", "Friday", "12", "talks", "agreed"),
    *(
        "\U0001f680",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f1f8\U0001f1ea",
        "e\u0301a\u0308",
        "\u05e9\u05dc\u05d5\u05dd",
    ),
    *(
        "\u0645\u0631\u062d\u0628\u0627",
        "a\u00a0b",
        "c\td",
        "\u200b",
        "\ufeffx",
        "\u2028",
        "&amp;",
        "<b>",
        '"q"',
        "\\n",
        "\n",
        "\n\n",
    ),
)
ENGINE = Annotator(kind="engine", name="dice", version="1.0.0")


def article(seed: int, words: int = 60, name: str = "art") -> Article:
    """An article of that many words, the same for the same seed."""
    chance = random.Random(f"article {seed}")
    text = "Kelmar" + "".join(" " + chance.choice(WORDS) for _ in range(words))
    return Article(id=f"{name}-{seed}", text=text, title=f"No. {seed}", language="en", metadata={"desk": "East"})


def annotation(
    article: Article, schema: LabelSchema, seed: int, *, entities: int = 8, events: int = 4, by: Annotator = ENGINE
) -> Annotation:
    """An annotation that fits: nested and overlapping spans, attributes, arguments, events that fill events."""
    chance = random.Random(f"annotation {article.id} {seed}")

    def span() -> dict[str, int]:
        while True:
            start = chance.randrange(len(article.text))
            end = min(len(article.text), start + chance.randint(1, 12))
            # Push refuses what begins at a line break.
            if article.text[start] != "\n" and article.text[start:end].strip():
                return {"start": start, "end": end}

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
    sent = json.loads(json.dumps(encode.task(article, prediction, schema, batch="b1")))
    frozen: dict[str, Any] = {}
    if prediction is not None:
        frozen = {"id": 70 + number, **copy.deepcopy(sent["predictions"][0]), "task": number, "project": 1}
    annotations = []
    if submitted is not None:
        annotations.append(
            {
                "id": 500 + number,
                "completed_by": 3,
                "result": json.loads(json.dumps(encode.result(submitted, article, schema))),
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
