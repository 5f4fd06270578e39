"""What `curation publish` costs: time and memory of the whole process, from a snapshot on disk.

python scripts/bench/release.py [--articles N ...] [--python PATH] [--keep FOLDER]

The articles are variants of the sample corpus: every word of a variant has other letters, so that offsets, tokens and
annotations stay and no two articles are near-duplicates. A person corrected a pre-annotation of the `spacy` engine to
what corpus/gold has. For each number of articles three runs are measured:

first       the first release, with sentences, near-duplicates, corrections and card
unchanged   the same again: everything is read, nothing is written
next        the next release after 1 % of the articles changed

Printed are seconds by the clock, processor seconds of all processes, articles a second, the peak memory of the largest
process, and of all processes together. The goals: 200 articles a second on two cores; at 100,000 articles at most
700 MB, and less than 1 kB for each further article.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.formats.articles import good_articles
from curation.formats.inline_markup import read_folder
from curation.labelstudio.ledger import Ledger, Planned
from curation.project import Project

ROOT = Path(__file__).resolve().parents[2]
CREATED = "2031-03-01T00:00:00Z"
PERSON = Annotator(kind="person", name="ls-7")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
GOAL = 200
"""Articles a second."""

Sample = list[tuple[Article, Annotation, Annotation]]
"""Article, pre-annotation, and what a person made of it."""


def settings(folder: Path) -> Path:
    """Write a curation.toml over the sample corpus."""
    file = folder / "curation.toml"
    articles, schema = ROOT / "corpus" / "articles", ROOT / "schemas" / "conflict-news.yaml"
    file.write_text(f'[project]\nname = "bench"\narticles = ["{articles}"]\nschema = "{schema}"\n')
    return file


def sample(folder: Path) -> Sample:
    """The sample corpus, pre-annotated and corrected."""
    project = Project.open(settings(folder))
    subprocess.run([sys.executable, "-m", "curation", "preannotate", "--project", str(settings(folder))], check=True)
    lines = project.preannotations.read_text(encoding="utf-8").splitlines()
    predicted = {held.article_id: held for held in map(Annotation.model_validate_json, lines)}
    articles = {article.id: article for article in good_articles(project.articles)}
    gold = read_folder(ROOT / "corpus" / "gold", list(articles.values()), project.load_schema(), PERSON)
    return [(articles[held.article_id], predicted[held.article_id], held) for held in gold]


def variant(text: str, number: int) -> str:
    """The text with other letters in every word."""

    @cache
    def scrambled(word: str) -> str:
        rng = random.Random(f"{number}:{word.lower()}")  # noqa: S311 - nothing secret
        letters = [rng.choice(LETTERS) for _ in word]
        return "".join(new.upper() if old.isupper() else new for old, new in zip(word, letters, strict=True))

    return re.sub(r"[A-Za-z]+", lambda found: scrambled(found.group()), text)


def lay_out(folder: Path, held: Sample, count: int) -> None:
    """Write a project with a snapshot of so many variants, and what was sent for them."""
    project = Project.open(settings(folder))
    snapshot = project.work / "snapshots" / "20310302T000000Z"
    snapshot.mkdir(parents=True)
    sent: list[str] = []
    planned: list[Planned] = []
    ref = project.load_schema().ref
    with (
        (snapshot / "articles.jsonl").open("w", encoding="utf-8") as articles,
        (snapshot / "annotations.jsonl").open("w", encoding="utf-8") as annotations,
    ):
        for number in range(count):
            article, prediction, gold = held[number % len(held)]
            made = article.model_copy(update={"id": f"v-{number:07}", "text": variant(article.text, number)})
            made = Article.model_validate(made.model_dump())
            about = {"article_id": made.id, "text_sha256": made.text_sha256}
            predicted = prediction.model_copy(update=about | {"id": f"p-{number}"})
            corrected = gold.model_copy(
                update=about | {"id": f"a-{number}", "parent": predicted.id, "state": "submitted", "schema_ref": ref}
            )
            articles.write(made.to_json() + "\n")
            annotations.write(corrected.to_json() + "\n")
            sent.append(predicted.to_json())
            planned.append(Planned(made.id, made.text_sha256, "annotate", predicted.id, predicted.annotator.key, "d"))
    (snapshot / "tasks.jsonl").touch()
    manifest = {
        "time": CREATED,
        "url": "http://bench",
        "project_id": 1,
        "project_title": "bench",
        "project_created_at": CREATED,
        "schema": ref,
        "content": "0" * 64,
        "findings": {},
        "files": {},
        "counts": {"articles": count, "annotations": count},
    }
    (snapshot / "snapshot.json").write_text(json.dumps(manifest))
    with Ledger(project.work) as ledger:
        known = ledger.remember_project("http://bench", 1, "bench", ref, CREATED, "<View/>")
        ledger.record_sent(sent)
        ledger.begin_import(known, "batch", planned)


def change(folder: Path) -> None:
    """Take the events out of every hundredth annotation."""
    path = folder / "work" / "snapshots" / "20310302T000000Z" / "annotations.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    for number in range(0, len(lines), 100):
        held = Annotation.model_validate_json(lines[number])
        lines[number] = held.model_copy(update={"events": (), "id": held.id + "-b"}).to_json()
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def measure(python: str, folder: Path) -> dict[str, Any]:
    """Publish in a process of its own; seconds, and memory in MB."""
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [python, "-m", "curation", "publish", "--json", "--project", str(folder / "curation.toml")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
    largest = together = 0
    while process.poll() is None:
        sizes = memory(process.pid)
        largest, together = max(largest, *sizes, 0), max(together, sum(sizes))
        time.sleep(0.1)
    seconds = time.perf_counter() - clock
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    out, errors = process.communicate()
    if process.returncode:
        raise SystemExit(errors)
    release = json.loads(out.splitlines()[-1])["release"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "largest": largest, "together": together, "articles": release["articles"]}


def memory(pid: int) -> list[int]:
    """Memory of a process and of those it started, in MB: what each has for itself, and its share of the rest."""
    found, waiting = [], [pid]
    while waiting:
        folder = Path("/proc") / str(waiting.pop())
        try:
            waiting += map(int, (folder / "task" / folder.name / "children").read_text().split())
            rollup = (folder / "smaps_rollup").read_text()
        except OSError:
            continue  # it ended
        if pss := re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE):
            found.append(int(pss[1]) // 1024)
    return found


def main(counts: list[int], python: str, keep: Path | None) -> None:
    """Measure every number of articles and print a line for each run."""
    with tempfile.TemporaryDirectory() as name:
        root = keep or Path(name)
        root.mkdir(exist_ok=True)
        held = None
        print(f"{'articles':>8}  {'run':10}{'seconds':>8}{'cpu':>8}{'art./s':>8}{'largest MB':>12}{'together MB':>13}")
        for count in counts:
            folder = root / str(count)
            if not folder.is_dir():
                folder.mkdir()
                if held is None:
                    (root / "sample").mkdir(exist_ok=True)
                    held = sample(root / "sample")
                lay_out(folder, held, count)
            for run in ("first", "unchanged", "next"):
                if run == "next":
                    change(folder)
                it = measure(python, folder)
                rate = it["articles"] / it["seconds"]
                print(
                    f"{count:8}  {run:10}{it['seconds']:8.1f}{it['cpu']:8.1f}{rate:8.0f}"
                    f"{it['largest']:12}{it['together']:13}  goal {GOAL}: {'met' if rate >= GOAL else 'missed'}",
                    flush=True,
                )


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--articles", type=int, nargs="+", default=[1_000, 10_000])
    options.add_argument("--python", default=sys.executable, help="measure the curation of another environment")
    options.add_argument("--keep", type=Path, help="lay the projects out here, and use those that are there")
    given = options.parse_args()
    main(given.articles, given.python, given.keep)
