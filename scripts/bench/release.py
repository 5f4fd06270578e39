"""What a release costs: build against a bare copy of the same rows and against `datasets`, 1 % changed, and diff.

python scripts/bench/release.py [--documents N] [--memory M] [--json FILE]

Documents are generated first, outside all figures: 4 kB of text, 60 entities, 20 events each, as JSON lines, one row of
the `documents` config a line. Then each step runs in a process of its own, so that its peak memory is its own:

copy         pyarrow.json → Parquet with zstd, nothing else; pyarrow reads with a thread a core
datasets     Dataset.from_generator(json.loads of each line) → to_parquet
build        build_release of the same lines: every row validated and hashed, splits, Parquet, counts, manifest; without
             the search for near-duplicates and the card with its plots. Two threads beside the main one
one percent  the same after 1 % of the articles changed, on top of the release before
diff         curation diff of the two
whole        what `publish` does from reviewed articles: sentences, corrections, near-duplicates and card, too. On one
             document in twenty, its time times twenty
whole again  the same after 1 % of those articles changed

With --memory, M documents are built, too, to see whether the peak of memory is the same: 2,000 are generated, and come
again under other ids.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from curation.article import Article, sha256
from curation.formats.tokens import sentences, tokenise
from curation.release import About, ReviewedArticle, build_release
from curation.release import build as build_module
from curation.release.canonical import canonical
from curation.release.diff import Diff
from curation.release.documents import Unread, annotation_of, features
from curation.release.labels import Labels
from curation.release.splits import Sketches
from curation.schema import LabelSchema, load_schema

ROOT = Path(__file__).resolve().parents[2]
ABOUT = About(name="bench", title="Bench")
GOALS = {"copy": 2.0, "datasets": 0.5, "one percent": 0.4, "whole again": 0.4, "diff": 1 / 3, "peak": 600}
FLAT = 0.1
"""How much higher the peak may be for many documents."""
STEPS = ("copy", "datasets", "build", "one percent", "diff", "whole", "whole again")
WHOLE = 20
MADE = 2_000
"""Documents of which many are made."""
_SYLLABLES = ["ba", "dö", "fi", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wa", "xe", "zu"]
_RNG = random.Random(0)  # noqa: S311 - nothing secret
_WORDS = ["".join(_RNG.choices(_SYLLABLES, k=_RNG.randint(2, 4))) for _ in range(5000)]


def document(number: int, schema: LabelSchema) -> dict[str, Any]:
    """A generated row of `documents`, with names."""
    rng = random.Random(number)  # noqa: S311 - nothing secret
    words = rng.choices(_WORDS, k=620)
    words = [word + "." if n % 20 == 19 else word.title() if n % 20 == 0 else word for n, word in enumerate(words)]
    text = " ".join(words)
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + 1

    def item(name: str, kind: str, place: int, attributes: dict[str, str]) -> dict[str, Any]:
        start, end = starts[place], starts[place] + len(words[place].rstrip("."))
        held = {"id": name, "start": start, "end": end, "type": kind, "text": text[start:end]}
        return held | {"score": None, "origin": "person:1", "attributes": attributes}

    picks = sorted(rng.sample(range(620), 80))
    events, others = picks[1::4], [pick for n, pick in enumerate(picks) if n % 4 != 1]
    mention, modality = ({one.name: one.default for one in schema.attributes_of(of)} for of in ("entities", "events"))

    def arguments(n: int) -> list[dict[str, Any]]:
        fillers = (("attacker", n), ("target", n + 20))
        beside = {"filler_kind": "entity", "score": None, "origin": "person:1"}
        return [{"role": role, "filler": f"e{number}-{filler}", **beside} for role, filler in fillers]

    kinds = ["Person" if n < 40 else rng.choice(schema.entity_names) for n in range(60)]
    return {
        "id": f"bench-{number:07}",
        "text": text,
        "text_sha256": sha256(text),
        "title": None,
        "source": "Bench",
        "published": f"2031-{number % 12 + 1:02}-01T08:00:00+00:00",
        "language": "en",
        "licence": "CC0-1.0",
        "schema": schema.ref,
        "annotator": "person:1",
        "state": "submitted",
        "chosen": "latest",
        "annotation_id": f"a{number}",
        "parent": None,
        "annotated_types": [*schema.entity_names, *schema.event_names],
        "zones": [{"kind": "body", "start": 0, "end": len(text)}],
        "sentences": [{"start": start, "end": end} for start, end in sentences(text)],
        "entities": [item(f"e{number}-{n}", kinds[n], place, mention) for n, place in enumerate(others)],
        "events": [
            item(f"v{number}-{n}", "Attack", place, modality) | {"arguments": arguments(n)}
            for n, place in enumerate(events)
        ],
    }


def write(folder: Path, count: int, schema: LabelSchema) -> None:
    """Write the rows, and once more with one entity less in every hundredth of them."""
    with (folder / "rows.jsonl").open("wb") as file, (folder / "changed.jsonl").open("wb") as other:
        for number in range(count):
            made = document(number, schema)
            file.write(canonical(made) + b"\n")
            if number % 100 == 0:
                made["entities"] = made["entities"][:-1]
                made["annotation_id"] += "-b"
            other.write(canonical(made) + b"\n")


def write_many(folder: Path, count: int, schema: LabelSchema) -> None:
    """Write that many rows, the first of them made and the others like them under ids of their own."""
    made = [canonical(document(number, schema)) for number in range(min(count, MADE))]
    with (folder / "rows.jsonl").open("wb") as file:
        for number in range(count):
            one = number % len(made)
            file.write(made[one].replace(b"bench-%07d" % one, b"bench-%07d" % number) + b"\n")


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a file."""
    with path.open("rb", buffering=1 << 20) as file:
        for line in file:
            yield line.removesuffix(b"\n")


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    return map(json.loads, lines(path))


def unread(path: Path, count: int) -> Iterator[Unread]:
    """The first rows as `publish` has them: read only where they must be."""
    for line in islice(lines(path), count):
        yield Unread(hashlib.sha256(line).digest(), partial(reviewed, line))


def reviewed(line: bytes) -> ReviewedArticle:
    """An article as `publish` has it once it is read: with tokens, and a prediction that people corrected."""
    record = json.loads(line)
    article = Article(**{name: record[name] for name in ("id", "text", "source", "licence", "published")})
    annotation = annotation_of(record)
    prediction = annotation.model_copy(update={"id": "p" + annotation.id, "entities": annotation.entities[:50]})
    return ReviewedArticle(
        article, annotation, prediction=prediction, sentences=tokenise(article).sentences, chosen="latest"
    )


def step(name: str, folder: Path, count: int) -> dict[str, float]:
    """Run one step in this process; returns seconds by the clock and of the processors, and peak MB."""
    schema = load_schema(ROOT / "schemas" / "conflict-news.yaml")
    rows, releases = folder / "rows.jsonl", folder / "releases"
    run: Callable[[], object]
    if name == "copy":
        import pyarrow.json as pj
        import pyarrow.parquet as pq

        def run() -> None:
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

        def run() -> None:
            cache = str(folder / "cache")
            made = datasets.Dataset.from_generator(objects, gen_kwargs={"path": rows}, features=held, cache_dir=cache)
            made.to_parquet(folder / "datasets.parquet")

    elif name == "build":
        run = lambda: build_release(lines(rows), schema, releases, about=ABOUT)  # noqa: E731
    elif name == "one percent":
        changed, previous = folder / "changed.jsonl", releases / "v0.1.0"
        run = lambda: build_release(lines(changed), schema, releases, about=ABOUT, previous=previous)  # noqa: E731
    elif name == "diff":
        run = lambda: sum(1 for _ in Diff(releases / "v0.1.0", releases / "v0.1.1"))  # noqa: E731
    else:
        source, first = (rows, None) if name == "whole" else (folder / "changed.jsonl", folder / "whole" / "v0.1.0")
        some = unread(source, count // WHOLE)
        run = lambda: build_release(some, schema, folder / "whole", about=ABOUT, previous=first)  # noqa: E731
    if not name.startswith("whole"):
        leave_out()
    clock, processors = time.perf_counter(), time.process_time()
    run()
    clock, processors = time.perf_counter() - clock, time.process_time() - processors
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": clock, "cpu": processors, "peak": peak}


def leave_out() -> None:
    """Take near-duplicates and the card out of a build."""
    setattr(Sketches, "extend", lambda self, texts: None)  # noqa: B010
    setattr(Sketches, "similar", lambda self, ids, text_of, threshold: iter(()))  # noqa: B010
    setattr(build_module, "card", lambda *given: "")  # noqa: B010
    setattr(build_module, "plots", lambda counts: {})  # noqa: B010


def apart(name: str, folder: Path, count: int) -> dict[str, float]:
    """What `step` gives in a process of its own."""
    command = [sys.executable, __file__, "--documents", str(count), "--step", name, str(folder)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(run.stdout.splitlines()[-1]))


def main(count: int, many: int | None, out: Path | None) -> None:
    """Run all steps one after the other and print the figures beside the goals."""
    schema = load_schema(ROOT / "schemas" / "conflict-news.yaml")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, count, schema)
        found: dict[str, dict[str, float]] = {}
        print(f"{count} documents    seconds   processors   peak MB")
        for one in STEPS:
            found[one] = apart(one, folder, count)
            it = found[one]
            print(f"{one:14} {it['seconds']:11.1f} {it['cpu']:12.1f} {it['peak']:9.0f}", flush=True)

    def of(one: str, cpu: bool = False) -> float:
        return found[one]["cpu" if cpu else "seconds"]

    ratios = {
        "copy": ("build", "copy"),
        "datasets": ("build", "datasets"),
        "one percent": ("one percent", "build"),
        "diff": ("diff", "build"),
        "whole again": ("whole again", "whole"),
    }
    result: dict[str, Any] = {"documents": count, "steps": found, "ratios": {}}
    for kind, (upper, lower) in ratios.items():
        ratio, processors = of(upper) / of(lower), of(upper, cpu=True) / of(lower, cpu=True)
        result["ratios"][kind] = {"seconds": ratio, "cpu": processors, "goal": GOALS[kind]}
        met = "met" if ratio <= GOALS[kind] else "missed"
        print(f"{upper:11} / {lower:8} {ratio:6.2f}  processors {processors:6.2f}  goal {GOALS[kind]:.2f}  {met}")
    peak = found["build"]["peak"]
    print(f"peak of build {peak:.0f} MB  goal {GOALS['peak']}  {'met' if peak <= GOALS['peak'] else 'missed'}")
    if many:
        with tempfile.TemporaryDirectory() as name:
            write_many(Path(name), many, schema)
            more = apart("build", Path(name), many)
        growth = more["peak"] / peak - 1
        result["memory"] = {"documents": many, "peak": more["peak"], "growth": growth, "goal": FLAT}
        met = "met" if growth <= FLAT else "missed"
        print(f"peak of build of {many} {more['peak']:.0f} MB, {growth:+.1%}  goal {FLAT:+.0%}  {met}")
    whole, again = (found[one]["seconds"] * WHOLE for one in ("whole", "whole again"))
    print(f"the whole build, nothing left out: {whole:.0f} s for all; after 1 % changed {again:.0f} s")
    if out:
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--documents", type=int, default=100_000)
    options.add_argument("--memory", type=int, metavar="M", help="build so many, too, for the peak of memory alone")
    options.add_argument("--json", type=Path, help="write the figures there, too")
    options.add_argument("--step", nargs=2, metavar=("STEP", "FOLDER"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.step:
        print(json.dumps(step(given.step[0], Path(given.step[1]), given.documents)))
    else:
        main(given.documents, given.memory, given.json)
