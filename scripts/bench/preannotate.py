"""How fast the default engine is beside the bare spaCy pipeline, and whether its memory grows with the articles.

    python scripts/bench/preannotate.py [--repeat 6] [--rounds 5]

Both read the same texts, the sample corpus `--repeat` times over, in turns, in one process with one thread; the
ratios are those of the medians. Memory is the largest resident size of a fresh process that annotates n and 4n
articles. Workers are compared in turns, too: seconds from the first article to the last, each worker's engine loaded.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from curation.article import Article, normalise
from curation.engines import AnnotateShards, Recipe, read_shard
from curation.engines.spacy_engine import SpacyEngine
from curation.executor import SHARD_ARTICLES, shard_executor
from curation.schema import load_schema

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
SMALL = 16
"""Documents in a batch with which spaCy alone is quicker than with its default, on one small machine."""


def main() -> None:
    """Print documents a second, their ratio, and memory at n and 4n articles."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3, help="how often the sample corpus is read in a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of both, in turns")
    parser.add_argument("--memory", type=int, metavar="ARTICLES", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        print(peak_memory(options.memory))
        return
    engine = load()
    articles = list(corpus(options.repeat))
    words = sum(len(article.text.split()) for article in articles) / len(articles)
    print(f"{len(articles)} articles of {words:.0f} words, {options.rounds} rounds in turns")
    texts = [article.text for article in articles]
    bare, small, whole = [], [], []
    for _ in range(options.rounds):
        bare.append(rate(len(articles), engine.nlp.pipe(texts)))
        small.append(rate(len(articles), engine.nlp.pipe(texts, batch_size=SMALL)))
        whole.append(rate(len(articles), engine.pipe(articles)))
    for name, rates in (("bare nlp.pipe", bare), (f"bare, batches of {SMALL}", small), ("the engine", whole)):
        middle = statistics.median(rates)
        ratio = statistics.median(whole) / middle
        print(f"{name}: {middle:.2f} documents/s ({min(rates):.2f} to {max(rates):.2f}), engine to this {ratio:.3f}")
    one, two = [], []
    even = list(islice(corpus(7), 6 * SHARD_ARTICLES))
    for _ in range(options.rounds):
        one.append(rate_of_workers(even, 1))
        two.append(rate_of_workers(even, 2))
    ratio = statistics.median(two) / statistics.median(one)
    print(f"workers: one {statistics.median(one):.2f} documents/s, two {statistics.median(two):.2f}, ratio {ratio:.2f}")
    for count in (len(articles), 4 * len(articles)):
        command = [sys.executable, __file__, "--memory", str(count)]
        peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        print(f"memory with {count} articles: {peak} MiB")


def load() -> SpacyEngine:
    """The engine of the sample schema."""
    schema = load_schema(SCHEMAS / "conflict-news.yaml")
    return SpacyEngine(schema, lexicon=SCHEMAS / "conflict-news.lexicon.yaml")


def corpus(repeat: int) -> Iterator[Article]:
    """The sample corpus, `repeat` times over, every article with an id of its own."""
    texts = [
        normalise(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "corpus" / "articles").glob("*.txt"))
    ]
    for turn in range(repeat):
        for number, text in enumerate(texts):
            yield Article(id=f"{turn}-{number}", text=text)


def rate(count: int, made: Iterable[object]) -> float:
    """Documents a second of working through `made`."""
    start = time.perf_counter()
    for _ in made:
        pass
    return count / (time.perf_counter() - start)


def rate_of_workers(articles: list[Article], workers: int) -> float:
    """Documents a second of so many workers: give full shards, as many for each."""
    recipe = Recipe("spacy", load_schema(SCHEMAS / "conflict-news.yaml"), SCHEMAS / "conflict-news.lexicon.yaml")
    with tempfile.TemporaryDirectory() as folder, shard_executor(AnnotateShards(recipe), count=workers) as executor:
        list(executor.shards(lambda: islice(corpus(2 * workers), workers * SHARD_ARTICLES), f"{folder}/warm"))
        shards = executor.shards(lambda: articles, folder)
        return rate(len(articles), (made for shard in shards for made in read_shard(shard)))


def peak_memory(count: int) -> int:
    """Largest resident size of this process, in MiB, after annotating `count` articles one after another."""
    for _ in load().pipe(islice(corpus(count), count)):
        pass
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the process that started this one held
        return int(status.read_text("ascii").split("VmHWM:")[1].split()[0]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
