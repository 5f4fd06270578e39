"""What a release costs: build against a bare copy of the same rows and against `datasets`, 1 % changed, and diff.

python scripts/bench/release.py [DOCUMENTS]     default 100000: 4 kB of text, 60 entities, 20 events each

Each step runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.release import About, ReviewedArticle, build_release
from curation.release.canonical import canonical
from curation.release.diff import Diff
from curation.release.documents import annotation_of, features, row
from curation.release.labels import Labels
from curation.release.splits import Sketches
from curation.schema import LabelSchema, load_schema

ROOT = Path(__file__).resolve().parents[2]
ABOUT = About(name="bench", title="Bench")
GOALS = {"copy": 2.0, "datasets": 0.5, "one percent": 0.4, "diff": 1 / 3, "peak": 600}
_SYLLABLES = ["ba", "do", "fi", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wa", "xe", "zu"]


def reviewed(number: int, schema: LabelSchema, *, changed: bool = False) -> ReviewedArticle:
    """A generated article; `changed`: with one entity less that nothing names."""
    rng = random.Random(number)  # noqa: S311 - nothing secret
    words = ["".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4))) for _ in range(620)]
    starts, place = [], 0
    for word in words:
        starts.append(place)
        place += len(word) + 1
    article = Article(id=f"bench-{number:07}", text=" ".join(words), source="Bench", licence="CC0-1.0")
    picks = rng.sample(range(620), 80)
    entities = tuple(
        Entity(id=f"e{n}", type="Person", start=starts[at], end=starts[at] + len(words[at]), origin="person:1")
        for n, at in enumerate(picks[:60])
    )
    events = tuple(
        Event(
            id=f"v{n}",
            type="Attack",
            start=starts[at],
            end=starts[at] + len(words[at]),
            origin="person:1",
            arguments=(Argument(role="attacker", filler=f"e{n}"), Argument(role="target", filler=f"e{n + 20}")),
        )
        for n, at in enumerate(picks[60:])
    )
    return ReviewedArticle(
        article,
        Annotation(
            id=f"a{number}" + ("-b" if changed else ""),
            article_id=article.id,
            text_sha256=article.text_sha256,
            schema=schema.ref,
            annotator=Annotator(kind="person", name="1"),
            state="submitted",
            entities=entities[: 59 if changed else 60],
            events=events,
        ),
    )


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def read(path: Path) -> Iterator[ReviewedArticle]:
    """The rows as a job would hand them over."""
    for record in lines(path):
        article = Article(**{name: record[name] for name in ("id", "text", "source", "licence")})
        yield ReviewedArticle(article, annotation_of(record))


def step(name: str, folder: Path) -> dict[str, float]:
    """Run one step in this process; returns its figures."""
    schema = load_schema(ROOT / "schemas" / "conflict-news.yaml")
    rows, apart = folder / "rows.jsonl", {"seconds": 0.0}
    if name in ("build", "one percent"):
        _time_clustering(apart)
    begin = time.perf_counter()
    if name == "copy":
        import pyarrow.json as pj
        import pyarrow.parquet as pq

        with (
            pj.open_json(rows, read_options=pj.ReadOptions(block_size=4 << 20)) as reader,
            pq.ParquetWriter(folder / "copy.parquet", reader.schema, compression="zstd") as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
    elif name == "datasets":
        import datasets

        datasets.disable_progress_bars()
        held = features(Labels.of(schema))
        made = datasets.Dataset.from_generator(
            lines, gen_kwargs={"path": rows}, features=held, cache_dir=str(folder / "cache")
        )
        made.to_parquet(folder / "datasets.parquet")
    elif name == "build":
        build_release(read(rows), schema, folder / "releases", about=ABOUT)
    elif name == "one percent":
        previous = folder / "releases" / "v0.1.0"
        build_release(read(folder / "changed.jsonl"), schema, folder / "releases", about=ABOUT, previous=previous)
    elif name == "diff":
        for _ in Diff(folder / "releases/v0.1.0", folder / "releases/v0.1.1"):
            pass
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "clustering": apart["seconds"], "peak": peak}


def _time_clustering(apart: dict[str, float]) -> None:
    """Clock what near-duplicates cost, which the goals leave out."""
    add, candidates = Sketches.add, Sketches._candidates

    def timed(method: Any) -> Any:
        def run(*arguments: Any) -> Any:
            begin = time.perf_counter()
            try:
                return method(*arguments)
            finally:
                apart["seconds"] += time.perf_counter() - begin

        return run

    Sketches.add, Sketches._candidates = timed(add), timed(candidates)  # type: ignore[method-assign]


def write(path: Path, count: int, schema: LabelSchema, every: int = 0) -> None:
    """Write the rows, every n-th of them changed."""
    with path.open("wb") as file:
        for number in range(count):
            made = reviewed(number, schema, changed=bool(every) and number % every == 0)
            file.write(canonical(row(made, schema, {})) + b"\n")


def main(count: int) -> None:
    """Run all steps one after the other and print the figures beside the goals."""
    schema = load_schema(ROOT / "schemas" / "conflict-news.yaml")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "rows.jsonl", count, schema)
        write(folder / "changed.jsonl", count, schema, every=100)
        found = {}
        for one in ("copy", "datasets", "build", "one percent", "diff"):
            run = subprocess.run(
                [sys.executable, __file__, "--step", one, name], check=True, capture_output=True, text=True
            )
            found[one] = json.loads(run.stdout.splitlines()[-1])
            print(f"{one:12} {found[one]['seconds']:8.1f} s, peak {found[one]['peak']:6.0f} MB", flush=True)
    build = found["build"]["seconds"] - found["build"]["clustering"]
    changed = found["one percent"]["seconds"] - found["one percent"]["clustering"]
    print(f"{count} documents; build without clustering {build:.1f} s, clustering {found['build']['clustering']:.1f} s")
    for name, ratio in (
        ("copy", build / found["copy"]["seconds"]),
        ("datasets", build / found["datasets"]["seconds"]),
        ("one percent", changed / build),
        ("diff", found["diff"]["seconds"] / build),
        ("peak", found["build"]["peak"]),
    ):
        print(f"{name:12} {ratio:8.2f}  goal {GOALS[name]:.2f}  {'met' if ratio <= GOALS[name] else 'missed'}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        print(json.dumps(step(sys.argv[2], Path(sys.argv[3]))))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 100_000)
