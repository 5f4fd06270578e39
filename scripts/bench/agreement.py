"""What `curation agreement` costs on a snapshot of many articles with several annotators each.

python scripts/bench/agreement.py [ARTICLES [ANNOTATORS]]     default 10000 and 3; 4 kB of text, 40 entities, 15 events

The annotators start from the same made-up truth, and each errs on a tenth or so of it in ways of their own. Reading
the snapshot counts. Measured in a process of its own: CPU seconds (user and system), wall seconds, peak memory.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.files import write_jsonl
from curation.labelstudio.snapshot import MANIFEST
from curation.schema import LabelSchema, load_schema

SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "conflict-news.yaml"
GOAL = 60.0
"""Seconds."""
WORDS, ENTITIES, EVENTS = 620, 40, 15
_SYLLABLES = ["ba", "do", "fi", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wa", "xe", "zu"]


def made(number: int, annotators: int, schema: LabelSchema) -> tuple[Article, list[Annotation]]:
    """An article and what each annotator says of it."""
    rng = random.Random(number)  # noqa: S311 - nothing secret
    words = ["".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4))) for _ in range(WORDS)]
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    article = Article(id=f"bench-{number:07}", text=" ".join(words))
    places = rng.sample(range(WORDS - 3), ENTITIES + EVENTS)
    entities = [
        (f"e{n}", starts[at], starts[at + rng.randint(1, 2)] - 1, rng.choice(schema.entity_names))
        for n, at in enumerate(places[:ENTITIES])
    ]
    events = []
    for n, at in enumerate(places[ENTITIES:]):
        type_ = rng.choice(schema.event_types)
        roles = [(rng.choice(type_.roles).name, f"e{one}") for one in rng.sample(range(ENTITIES), 2)]
        events.append((f"v{n}", starts[at], starts[at + 1] - 1, type_.name, roles))
    return article, [_said(article, who, entities, events, schema, number) for who in range(1, annotators + 1)]


def _said(
    article: Article, who: int, entities: list[Any], events: list[Any], schema: LabelSchema, number: int
) -> Annotation:
    rng = random.Random(number * 1000 + who)  # noqa: S311 - nothing secret
    kept = []
    for name, start, end, type_ in entities:
        luck = rng.random()
        if luck > 0.06:
            type_ = rng.choice(schema.entity_names) if luck < 0.1 else type_
            end = end + 3 if luck > 0.96 and end + 3 <= len(article.text) else end
            kept.append(Entity(id=name, start=start, end=end, type=type_, origin=f"person:ls-{who}"))
    there = {entity.id for entity in kept}
    found = [
        Event(
            id=name,
            start=start,
            end=end,
            type=type_ if rng.random() > 0.05 else rng.choice(schema.event_names),
            arguments=tuple(
                Argument(role=role, filler=filler) for role, filler in roles if filler in there and rng.random() > 0.1
            ),
            origin=f"person:ls-{who}",
        )
        for name, start, end, type_, roles in events
        if rng.random() > 0.06
    ]
    return Annotation(
        id=f"a{number}-{who}",
        article_id=article.id,
        text_sha256=article.text_sha256,
        schema=schema.ref,
        annotator=Annotator(kind="person", name=f"ls-{who}"),
        state="submitted",
        entities=tuple(kept),
        events=tuple(found),
    )


def write(folder: Path, articles: int, annotators: int) -> None:
    """A project in `folder` with one snapshot."""
    schema = load_schema(SCHEMA)
    (folder / "curation.toml").write_text(f'[project]\nname = "bench"\narticles = ["none"]\nschema = "{SCHEMA}"\n')
    place = folder / "work" / "snapshots" / "20310101T000000Z"
    place.mkdir(parents=True)
    with (place / "articles.jsonl").open("w") as texts, (place / "annotations.jsonl").open("w") as said:
        for number in range(articles):
            article, annotations = made(number, annotators, schema)
            texts.write(article.to_json() + "\n")
            said.writelines(one.to_json() + "\n" for one in annotations)
    write_jsonl(place / "tasks.jsonl", [])
    stamp = "2031-01-01T00:00:00Z"
    about = {"time": stamp, "url": "http://127.0.0.1:9", "project_id": 1, "project_title": "bench"}
    held = {"content": "0" * 64, "counts": {}, "findings": {}, "files": {}}
    manifest = {**about, "project_created_at": stamp, "schema": schema.ref, **held}
    (place / MANIFEST).write_text(json.dumps(manifest))


def measure(folder: Path) -> dict[str, float]:
    """Run the job in this process; returns its figures."""
    from curation.jobs.agreement import agreement
    from curation.project import Project

    project = Project.open(folder / "curation.toml")
    begin, spent = time.perf_counter(), time.process_time()
    report = agreement(project)
    cpu, wall = time.process_time() - spent, time.perf_counter() - begin
    assert report.agreement is not None  # noqa: S101
    written = report.model_dump_json()
    found = report.agreement
    return {
        "articles": found.articles,
        "annotators": len(found.annotators),
        "items": sum(one.exact.both for pair in found.pairs for one in (pair.entities, pair.triggers)),
        "cpu_s": round(cpu, 1),
        "wall_s": round(wall, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "json_mb": round(len(written) / 1e6, 1),
        "entities_f1": found.entities.exact.f1 or 0.0,
        "goal_s": GOAL,
    }


def main(articles: int, annotators: int) -> None:
    """Make the snapshot, measure, print a table on stderr and one JSON line on stdout."""
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), articles, annotators)
        command = [sys.executable, __file__, "--measure", name]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(run.stdout.splitlines()[-1])
    table = Table(box=None, pad_edge=False)
    for column in ("articles", "annotators", "CPU s", "wall s", "peak MB", "goal s", ""):
        table.add_column(column, justify="right")
    keys = ("articles", "annotators", "cpu_s", "wall_s", "peak_mb", "goal_s")
    table.add_row(*(str(found[key]) for key in keys), "met" if found["cpu_s"] <= GOAL else "missed")
    Console(stderr=True).print(table)
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        given = [int(word) for word in sys.argv[1:3]]
        main(*given, *(10_000, 3)[len(given) :])
