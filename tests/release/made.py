"""Reviewed articles made by the dozen for the tests, and a way to build a release of them from another process.

python made.py OUT COUNT SEED [--shuffle] [--pause] [--largest=BYTES] [--workers]     builds v0.1.0 of COUNT articles
"""

from __future__ import annotations

import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.formats.tokens import tokenise
from curation.release import About, ReviewedArticle, ShardedArticles
from curation.schema import LabelSchema

ABOUT = About(name="made-news", title="Made news", licence="CC0-1.0")

SCHEMA = LabelSchema.model_validate(
    {
        "name": "made",
        "version": "1.0.0",
        "title": "Made",
        "description": "Labels for texts made by a test.",
        "attributes": [
            {
                "name": "mention",
                "of": "entities",
                "definition": "How it is named.",
                "values": [{"name": "name", "definition": "By name."}, {"name": "nominal", "definition": "By noun."}],
                "default": "name",
            }
        ],
        "entity_types": [
            {"name": "Person", "definition": "A person.", "colour": "#112233"},
            {"name": "Place", "definition": "A place.", "colour": "#223344"},
        ],
        "event_types": [
            {
                "name": "Move",
                "definition": "Someone goes somewhere.",
                "colour": "#334455",
                "roles": [
                    {"name": "mover", "definition": "Who goes.", "fillers": ["Person"], "required": True},
                    {"name": "goal", "definition": "Where to.", "fillers": ["Place"]},
                ],
            },
            {
                "name": "Report",
                "definition": "Someone tells.",
                "colour": "#445566",
                "roles": [{"name": "topic", "definition": "What of.", "fillers": ["Event"]}],
            },
        ],
    }
)

_SYLLABLES = ["ba", "do", "fi", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wa", "xe", "zu"]


def words(count: int, rng: random.Random) -> str:
    """Words that no language has."""
    return " ".join("".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4))) for _ in range(count))


def reviewed(article_id: str, text: str, *, annotator: str = "1", schema: LabelSchema = SCHEMA) -> ReviewedArticle:
    """An article of this text, with a person, a place and two events marked by where the first words stand."""
    article = Article(
        id=article_id,
        text=text,
        title=f"On {article_id}",
        source="Gazette of Made",
        published=datetime(2031, 3, 1, tzinfo=UTC) + timedelta(hours=len(text)),
        language="en",
        licence="CC0-1.0",
    )
    ends = [place for place, char in enumerate(text) if char == " "][:4]
    spans = list(zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True))[:4]
    annotation = Annotation(
        id=f"ann-{article.text_sha256[:12]}",
        article_id=article_id,
        text_sha256=article.text_sha256,
        schema_ref=schema.ref,
        annotator=Annotator(kind="person", name=annotator),
        parent=f"pre-{article.text_sha256[:12]}",
        state="submitted",
        entities=(
            Entity(id="e1", start=spans[0][0], end=spans[0][1], type="Person", origin="engine:rules@1.0.0", score=0.5),
            Entity(id="e2", start=spans[2][0], end=spans[2][1], type="Place", attributes={"mention": "nominal"}),
        ),
        events=(
            Event(
                id="v1",
                start=spans[1][0],
                end=spans[1][1],
                type="Move",
                origin=f"person:{annotator}",
                arguments=(
                    Argument(role="mover", filler="e1", origin=f"person:{annotator}"),
                    Argument(role="goal", filler="e2"),
                ),
            ),
            Event(
                id="v2",
                start=spans[3][0],
                end=spans[3][1],
                type="Report",
                arguments=(Argument(role="topic", filler="v1"),),
            ),
        ),
    )
    return ReviewedArticle(article, annotation, snapshot="pull-1")


def corpus(count: int, seed: int = 0, length: int = 60) -> list[ReviewedArticle]:
    """Articles `a-0000` and on, sorted by id, whose texts have nothing in common."""
    rng = random.Random(seed)
    return [reviewed(f"a-{n:04}", f"{words(length, rng)} №{n} ünd 🔥.") for n in range(count)]


def full(count: int, seed: int = 0) -> list[ReviewedArticle]:
    """Articles with tokens, cut so that arguments get lost, with a prediction, and some other people's annotations."""
    made = []
    for number, row in enumerate(corpus(count, seed)):
        mine = row.annotation
        prediction = mine.model_copy(update={"id": f"p{number}", "entities": mine.entities[: number % 3], "events": ()})
        prediction = prediction.model_copy(update={"annotator": Annotator(kind="engine", name="rules", version="1")})
        other = mine.model_copy(
            update={"id": f"o{number}", "annotator": Annotator(kind="person", name="2"), "events": ()}
        )
        (whole,) = tokenise(row.article).sentences
        first, rest = whole.tokens[:2], whole.tokens[2:]
        layout = [(whole.start, first[-1][1], first), (rest[0][0], whole.end, rest)]
        others = (other,) if number % 4 == 0 else ()
        made.append(row._replace(sentences=layout, prediction=prediction, others=others, chosen="latest"))
    return made


def read_shard(shard: tuple[int, int, int, str]) -> list[ReviewedArticle]:
    """Some of the articles of `full`, in a worker process: count of all, first, end, and what goes wrong."""
    count, first, end, fault = shard
    rows = full(count)[first:end]
    if fault == "bad":
        rows[3] = rows[3]._replace(annotation=rows[3].annotation.model_copy(update={"state": "draft"}))
    if fault == "dies":
        os._exit(9)
    if fault == "pauses":
        print(f"worker {os.getpid()}", flush=True)
        time.sleep(60)
    return rows


def sharded(count: int, fault: str = "", workers: int = 2) -> ShardedArticles:
    """The articles of `full` to be read by several processes; something goes wrong in the last shard."""
    starts = range(0, count, 20)
    shards = [(count, first, first + 20, fault if first == starts[-1] else "") for first in starts]
    return ShardedArticles(shards, read_shard, workers)


def _main(out: str, count: str, seed: str, *flags: str) -> None:
    from curation.release import build_release

    if "--workers" in flags:
        build_release(sharded(int(count), "pauses"), SCHEMA, Path(out), about=ABOUT)
        return
    rows = corpus(int(count), int(seed))
    if "--shuffle" in flags:
        random.Random(7).shuffle(rows)
    for flag in flags:
        if flag.startswith("--largest="):  # what a file may have; more is refused, as by a full disk
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(flag.partition("=")[2]),) * 2)

    def pausing() -> Iterator[ReviewedArticle]:
        for number, row in enumerate(rows):
            if "--pause" in flags and number == len(rows) // 2:
                print("half", flush=True)
                time.sleep(60)
            yield row

    report = build_release(pausing(), SCHEMA, Path(out), about=ABOUT)
    print(report.logical_sha256)


if __name__ == "__main__":
    _main(*sys.argv[1:])
