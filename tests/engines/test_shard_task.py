"""Annotating shards: the same files for any number of workers, one per engine, model, schema and texts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from curation.annotation import Annotation
from curation.article import Article
from curation.engines import AnnotateShards, Failure, LeftOut, Recipe, read_shard
from curation.errors import BadInput, EngineError, WorkerError
from curation.executor import SHARD_ARTICLES, shard_executor
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


def run(recipe: Recipe, source: Iterable[Article], parts: Path, workers: int = 1) -> list[tuple[bool, list[Any]]]:
    with shard_executor(AnnotateShards(recipe), count=workers) as executor:
        return [(shard.kept, list(read_shard(shard))) for shard in executor.shards(lambda: source, str(parts))]


def test_workers_keep_order_use_one_thread_and_repeat_nothing(log: Path, schema: LabelSchema, tmp_path: Path) -> None:
    recipe, parts, count = Recipe("quick", schema), tmp_path / "parts", 5 * SHARD_ARTICLES + 3
    before = os.environ.get("OMP_NUM_THREADS")
    made = run(recipe, articles(count), parts, workers=2)
    assert [one.article_id for _, found in made for one in found] == [f"a{number}" for number in range(count)]
    assert not any(kept for kept, _ in made)
    lines = [line.split() for line in log.read_text().splitlines()]
    assert sorted(name for _, _, name in lines) == sorted(f"a{number}" for number in range(count))
    assert {threads for _, threads, _ in lines} == {"1"}
    assert str(os.getpid()) not in {process for process, _, _ in lines}
    assert os.environ.get("OMP_NUM_THREADS") == before

    next(path for path in sorted(parts.iterdir())).unlink()
    again = run(recipe, articles(count), parts)
    assert [found for _, found in again] == [found for _, found in made]
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


def test_an_error_of_the_engine_costs_only_its_article(log: Path, schema: LabelSchema, tmp_path: Path) -> None:
    source = [*articles(1), Article(id="b", text="no"), Article(id="c", text="yes")]
    ((_, (first, second, third)),) = run(Recipe("quick", schema), source, tmp_path)
    assert second == Failure("b", "it says no")
    assert isinstance(first, Annotation)
    assert isinstance(third, Annotation)


def test_a_worker_that_dies_is_reported(log: Path, schema: LabelSchema, tmp_path: Path) -> None:
    source = [*articles(SHARD_ARTICLES), Article(id="b", text="die")]
    with pytest.raises(WorkerError, match=r"a worker died.*fewer workers"):
        run(Recipe("quick", schema), source, tmp_path / "parts", workers=2)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_engine_that_cannot_be_loaded_says_why(log: Path, schema: LabelSchema, tmp_path: Path, workers: int) -> None:
    with pytest.raises(EngineError, match="there is no model none; name another"):
        run(Recipe("quick", schema, model="none"), articles(1), tmp_path, workers)


def test_what_is_left_out_is_given_before_the_annotation(log: Path, schema: LabelSchema, tmp_path: Path) -> None:
    source = [*articles(1), Article(id="b", text="half"), Article(id="c", text="yes")]
    ((_, (_, left_out, annotation, _)),) = run(Recipe("quick", schema), source, tmp_path)
    assert left_out == LeftOut("b", {"words it does not know": 3})
    assert annotation.article_id == "b"


def test_a_shard_that_lost_results_is_refused(log: Path, schema: LabelSchema, tmp_path: Path) -> None:
    run(Recipe("quick", schema), articles(3), tmp_path / "parts")
    (file,) = (tmp_path / "parts").glob("*.jsonl")
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(BadInput, match="is damaged: 2 of 3 articles; run again"):
        run(Recipe("quick", schema), articles(3), tmp_path / "parts")
