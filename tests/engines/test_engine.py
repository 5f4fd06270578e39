"""Engines by name: what is installed, what is not, what comes from another package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from curation.annotation import Annotation, Annotator, annotation_id
from curation.article import Article
from curation.engines import Engine, Failure, load_engine
from curation.errors import EngineError
from curation.schema import LabelSchema

THIRD = """
from curation.annotation import Annotation, Annotator
from curation.engines import Engine

class Third(Engine):
    annotator = Annotator(kind="engine", name="third", version="1")
    def __init__(self, schema, *, lexicon, model=None):
        self.schema, self.model = schema, model
    def __call__(self, article):
        return Annotation(id="t" * 24, article_id=article.id, text_sha256=article.text_sha256,
                          schema=self.schema.ref, annotator=self.annotator)

class Told(Third):
    def __init__(self, schema, *, lexicon, model=None, threshold=0.5, device="cpu"):
        super().__init__(schema, lexicon=lexicon, model=model)
        self.threshold = threshold

class NoEngine:
    def __init__(self, schema, *, lexicon, model=None):
        pass
"""


@pytest.fixture
def third(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another package, installed in a folder of its own, with four engines."""
    (tmp_path / "third_engine.py").write_text(THIRD, encoding="utf-8")
    (tmp_path / "third_broken.py").write_text("import a_library_nobody_has\n", encoding="utf-8")
    about = tmp_path / "third_engine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: third-engine\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(
        "[curation.engines]\nthird = third_engine:Third\ntold = third_engine:Told\n"
        "none = third_engine:NoEngine\nbroken = third_broken:Engine\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield


class Picky(Engine):
    """Annotates what does not say no."""

    annotator = Annotator(kind="engine", name="picky", version="1")

    def __init__(self, schema: LabelSchema) -> None:
        self.schema = schema

    def __call__(self, article: Article) -> Annotation:
        if "no" in article.text:
            raise EngineError("it says no")
        return Annotation(
            id=annotation_id(article.id),
            article_id=article.id,
            text_sha256=article.text_sha256,
            schema_ref=self.schema.ref,
            annotator=self.annotator,
        )


def test_an_engine_with_one_method_can_annotate_many(schema: LabelSchema) -> None:
    articles = [Article(id=f"a{number}", text=text) for number, text in enumerate(["yes", "no", "yes"])]
    made = list(Picky(schema).pipe(iter(articles)))
    assert [item.article_id for item in made] == ["a0", "a1", "a2"]
    assert made[1] == Failure("a1", "it says no")
    assert isinstance(made[2], Annotation)


def test_an_unknown_engine_is_refused_with_those_that_are_there(schema: LabelSchema) -> None:
    with pytest.raises(EngineError, match=r"no engine 'magic'; installed: .*spacy.*; choose one of them, or install"):
        load_engine("magic", schema, lexicon=None)


def test_an_engine_of_another_package_is_found(third: None, schema: LabelSchema) -> None:
    engine = load_engine("third", schema, lexicon=None, model="big")
    assert engine(Article(id="a", text="b")).annotator.key == "engine:third@1"
    assert vars(engine)["model"] == "big"


def test_an_engine_that_lacks_a_library_says_which(third: None, schema: LabelSchema) -> None:
    with pytest.raises(EngineError, match="engine broken needs a_library_nobody_has, which is not installed; install"):
        load_engine("broken", schema, lexicon=None)


def test_what_is_no_engine_is_refused(third: None, schema: LabelSchema) -> None:
    with pytest.raises(EngineError, match=r"engine none is no curation\.engines\.Engine"):
        load_engine("none", schema, lexicon=None)


def test_options_are_the_keywords_an_engine_has(third: None, schema: LabelSchema) -> None:
    assert vars(load_engine("told", schema, lexicon=None, options={"threshold": 0.25}))["threshold"] == 0.25
    with pytest.raises(EngineError, match=r"engine told has no option 'treshold'; its options: threshold, device"):
        load_engine("told", schema, lexicon=None, options={"treshold": 0.25})
    with pytest.raises(EngineError, match=r"engine third has no option 'lexikon'; it has none"):
        load_engine("third", schema, lexicon=None, options={"lexikon": 1})
