"""Shards: whole files, read little ahead, and the same whoever makes them; a worker that dies is told in one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from curation.annotation import Annotation
from curation.article import Article
from curation.engines import Failure, LeftOut, Recipe, alone_in, annotate_shards, crew
from curation.engines.engine import batches
from curation.engines.local_executor import SHARD_ARTICLES, SHARD_CHARACTERS
from curation.errors import Busy, EngineError
from curation.schema import LabelSchema

ENGINE = """
import os
from curation.annotation import Annotation, Annotator, annotation_id
from curation.errors import EngineError
from curation.engines import Engine

class Quick(Engine):
    annotator = Annotator(kind="engine", name="quick", version="1")
    def __init__(self, schema, *, lexicon, model=None):
        self.schema = schema
        if model == "none":
            raise EngineError("there is no model none; name another")
    def __call__(self, article):
        if article.text == "die":
            os._exit(9)
        if article.text == "no":
            raise EngineError("it says no")
        if article.text == "half":
            self.leave_out(article.id, {"words it does not know": 3})
        with open(os.environ["QUICK_LOG"], "a") as log:
            log.write(f"{os.getpid()} {os.environ.get('OMP_NUM_THREADS')} {article.id}\\n")
        return Annotation(id=annotation_id(article.id), article_id=article.id, text_sha256=article.text_sha256,
                          schema=self.schema.ref, annotator=self.annotator)
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A quick engine, installed in a folder of its own; what it did is logged here: process, threads, article."""
    (tmp_path / "quick_engine.py").write_text(ENGINE, encoding="utf-8")
    about = tmp_path / "quick_engine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: quick-engine\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[curation.engines]\nquick = quick_engine:Quick\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("QUICK_LOG", str(tmp_path / "log"))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return tmp_path / "log"


def articles(count: int, text: str = "yes") -> Iterator[Article]:
    return (Article(id=f"a{number}", text=text) for number in range(count))


def run(recipe: Recipe, source: Iterator[Article], parts: Path, workers: int = 1) -> list[tuple[bool, list[str]]]:
    with crew(recipe, workers) as working:
        return [
            (shard.kept, [made.article_id for made in shard.read()])
            for shard in annotate_shards(source, recipe, working, parts)
        ]


def test_shards_end_at_so_many_articles_or_characters() -> None:
    long = "x" * (SHARD_CHARACTERS // 2)
    source = [*articles(SHARD_ARTICLES + 1), *articles(3, long), *articles(1)]
    sizes = [len(batch) for batch in batches(source, SHARD_ARTICLES, SHARD_CHARACTERS)]
    assert sizes == [SHARD_ARTICLES, 3, 2]


def test_workers_keep_order_use_one_thread_and_repeat_nothing(log: Path, schema: LabelSchema, tmp_path: Path) -> None:
    recipe, parts, count = Recipe("quick", schema), tmp_path / "parts", 5 * SHARD_ARTICLES + 3
    before = os.environ.get("OMP_NUM_THREADS")
    made = run(recipe, articles(count), parts, workers=2)
    assert [name for _, names in made for name in names] == [f"a{number}" for number in range(count)]
    assert not any(kept for kept, _ in made)
    lines = [line.split() for line in log.read_text().splitlines()]
    assert sorted(name for _, _, name in lines) == sorted(f"a{number}" for number in range(count))
    assert {threads for _, threads, _ in lines} == {"1"}
    assert str(os.getpid()) not in {process for process, _, _ in lines}
    assert os.environ.get("OMP_NUM_THREADS") == before

    next(path for path in sorted(parts.iterdir())).unlink()
    again = run(recipe, articles(count), parts)
    assert [names for _, names in again] == [names for _, names in made]
    assert [kept for kept, _ in again].count(False) == 1


def test_another_model_schema_or_text_is_another_shard(log: Path, schema: LabelSchema, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    run(Recipe("quick", schema), articles(2), parts)
    for recipe, source in (
        (Recipe("quick", schema, model="big"), articles(2)),
        (Recipe("quick", schema.model_copy(update={"title": "Another"})), articles(2)),
        (Recipe("quick", schema), articles(2, "yes!")),
        (Recipe("quick", schema), articles(3)),
    ):
        assert [kept for kept, _ in run(recipe, source, parts)] == [False]
    assert [kept for kept, _ in run(Recipe("quick", schema), articles(2), parts)] == [True]


@pytest.mark.parametrize("workers", [1, 2])
def test_little_is_read_ahead(log: Path, schema: LabelSchema, tmp_path: Path, workers: int) -> None:
    read = 0

    def counted() -> Iterator[Article]:
        nonlocal read
        for article in articles(40 * SHARD_ARTICLES):
            read += 1
            yield article

    recipe = Recipe("quick", schema)
    with crew(recipe, workers) as working:
        for number, _ in enumerate(annotate_shards(counted(), recipe, working, tmp_path / "parts"), start=1):
            assert read <= (number + 2 * workers) * SHARD_ARTICLES


def test_a_failure_costs_its_article_alone(log: Path, schema: LabelSchema, tmp_path: Path) -> None:
    recipe = Recipe("quick", schema)
    source = [*articles(1), Article(id="b", text="no"), Article(id="c", text="yes")]
    with crew(recipe, 1) as working:
        (shard,) = annotate_shards(source, recipe, working, tmp_path)
    first, second, third = shard.read()
    assert second == Failure("b", "it says no")
    assert isinstance(first, Annotation)
    assert isinstance(third, Annotation)


def test_a_worker_that_dies_is_told(log: Path, schema: LabelSchema, tmp_path: Path) -> None:
    source = [*articles(SHARD_ARTICLES), Article(id="b", text="die")]
    with pytest.raises(EngineError, match=r"a worker died.*fewer --workers"):
        run(Recipe("quick", schema), iter(source), tmp_path / "parts", workers=2)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_engine_that_cannot_be_made_says_why(log: Path, schema: LabelSchema, tmp_path: Path, workers: int) -> None:
    with pytest.raises(EngineError, match="there is no model none; name another"):
        run(Recipe("quick", schema, model="none"), articles(1), tmp_path, workers)


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with alone_in(tmp_path / "parts"), pytest.raises(Busy, match="wait until it ends"), alone_in(tmp_path / "parts"):
        pass


def test_what_is_left_out_is_told_before_the_annotation(log: Path, schema: LabelSchema, tmp_path: Path) -> None:
    source = [*articles(1), Article(id="b", text="half"), Article(id="c", text="yes")]
    with crew(Recipe("quick", schema), 1) as working:
        (shard,) = annotate_shards(source, Recipe("quick", schema), working, tmp_path)
    _, left_out, annotation, _ = shard.read()
    assert left_out == LeftOut("b", {"words it does not know": 3})
    assert annotation.article_id == "b"
