"""Engines by name: what is installed, what is not, what comes from another package."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from curation import Annotation, Annotator, Article, Engine, EngineError, LabelSchema
from curation.engines import Failure, load_engine
from curation.engines.engine import Stopped

DOCS = Path(__file__).resolve().parents[2] / "docs" / "engines.md"

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


def install(folder: Path, module: str, code: str, **engines: str) -> None:
    """Put a package into `folder` whose entry points name engines, as pip does."""
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    points = "".join(f"{name} = {target}\n" for name, target in engines.items())
    (about / "entry_points.txt").write_text(f"[curation.engines]\n{points}", encoding="utf-8")


@pytest.fixture
def third(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another package, installed in a folder of its own, with four engines."""
    (tmp_path / "third_broken.py").write_text("import a_library_nobody_has\n", encoding="utf-8")
    install(
        tmp_path,
        "third_engine",
        THIRD,
        third="third_engine:Third",
        told="third_engine:Told",
        none="third_engine:NoEngine",
        broken="third_broken:Engine",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield


class Picky(Engine):
    """Annotates articles whose text does not contain `no`."""

    annotator = Annotator(kind="engine", name="picky", version="1")

    def __init__(self, schema: LabelSchema) -> None:
        self.schema = schema

    def __call__(self, article: Article) -> Annotation:
        if "no" in article.text:
            raise EngineError("it says no")
        if "stop" in article.text:
            raise Stopped("no server")
        return self.annotation(article)


def test_an_engine_with_one_method_can_annotate_many(schema: LabelSchema) -> None:
    articles = [Article(id=f"a{number}", text=text) for number, text in enumerate(["yes", "no", "yes"])]
    made = list(Picky(schema).pipe(iter(articles)))
    assert [item.article_id for item in made] == ["a0", "a1", "a2"]
    assert made[1] == Failure("a1", "it says no")
    assert isinstance(made[2], Annotation)
    assert (made[2].schema_ref, made[2].annotator.key) == (schema.ref, "engine:picky@1")


def test_an_engine_that_must_stop_ends_the_run(schema: LabelSchema) -> None:
    with pytest.raises(Stopped, match="no server"):
        list(Picky(schema).pipe([Article(id="a", text="stop")]))


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
    with pytest.raises(EngineError, match=r"engine none is not a subclass of curation\.Engine"):
        load_engine("none", schema, lexicon=None)


def test_options_are_the_keywords_an_engine_has(third: None, schema: LabelSchema) -> None:
    assert vars(load_engine("told", schema, lexicon=None, options={"threshold": 0.25}))["threshold"] == 0.25
    with pytest.raises(EngineError, match=r"engine told has no option 'treshold'; its options: threshold, device"):
        load_engine("told", schema, lexicon=None, options={"treshold": 0.25})
    with pytest.raises(EngineError, match=r"engine third has no option 'lexikon'; it has none"):
        load_engine("third", schema, lexicon=None, options={"lexikon": 1})


def test_the_example_in_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: LabelSchema) -> None:
    section = DOCS.read_text(encoding="utf-8").partition("## Adding one")[2]
    code, points = (re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)[0] for kind in ("python", "toml"))
    assert not re.search(r"curation\.\w+", code), "the example needs an internal import"
    (name, target) = next(iter(tomllib.loads(points)["project"]["entry-points"]["curation.engines"].items()))
    install(tmp_path, target.partition(":")[0], code, **{name: target})
    monkeypatch.syspath_prepend(str(tmp_path))
    engine = load_engine(name, schema, lexicon=None, options={"words": ["Melk", "Irena Voss"]})
    text = "Melk met Irena Voss; Melkar did not."
    english, other = engine.pipe([Article(id="a", text=text), Article(id="b", text=text, language="de")])
    assert isinstance(english, Annotation)
    assert [text[entity.start : entity.end] for entity in english.entities] == ["Melk", "Irena Voss"]
    assert other == Failure("b", "is in de, this engine reads en")
