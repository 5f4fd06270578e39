"""A file of annotations as an engine: it says what the file says, of the same text, in labels the schema knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.annotation import Annotation
from curation.article import Article
from curation.engines import Failure, load_engine
from curation.errors import BadInput, EngineError
from curation.files import write_jsonl
from curation.schema import LabelSchema
from curation.validation import validate


def written(path: Path, *annotations: Annotation) -> str:
    write_jsonl(path, (annotation.to_json() for annotation in annotations))
    return str(path)


def test_it_says_what_the_file_says(
    tmp_path: Path, schema: LabelSchema, article: Article, annotation: Annotation
) -> None:
    model = written(tmp_path / "theirs.jsonl", annotation)
    engine = load_engine("annotations", schema, lexicon=None, model=model)
    made = engine(article)
    assert validate(made, article, schema) == []
    assert (made.annotator, made.state, made.id != annotation.id) == (engine.annotator, "predicted", True)
    assert {item.origin for item in made.items()} == {"person:ls-1"}
    plain = [item.model_dump(exclude={"origin": True, "arguments": {"__all__": {"origin"}}}) for item in made.items()]
    assert plain == [
        item.model_dump(exclude={"origin": True, "arguments": {"__all__": {"origin"}}}) for item in annotation.items()
    ]
    again = load_engine("annotations", schema, lexicon=None, model=model)
    assert again(article).to_json() == made.to_json()


def test_another_content_is_another_version(tmp_path: Path, schema: LabelSchema, annotation: Annotation) -> None:
    one = load_engine("annotations", schema, lexicon=None, model=written(tmp_path / "a.jsonl", annotation))
    changed = annotation.model_copy(update={"events": ()})
    two = load_engine("annotations", schema, lexicon=None, model=written(tmp_path / "a.jsonl", changed))
    assert one.annotator.key != two.annotator.key


def test_what_does_not_fit_costs_its_article_alone(
    tmp_path: Path, schema: LabelSchema, article: Article, annotation: Annotation
) -> None:
    other = Article(id="kel-2", text=article.text)
    alien = annotation.entities[0].model_copy(update={"type": "Planet"})
    strange = annotation.model_copy(update={"article_id": "kel-2", "entities": (alien, *annotation.entities[1:])})
    model = written(tmp_path / "theirs.jsonl", annotation, strange)
    engine = load_engine("annotations", schema, lexicon=None, model=model)
    changed = Article(id="kel-1", text=article.text + " More.")
    unknown, alien_label, another_text, good = engine.pipe([Article(id="x", text="y"), other, changed, article])
    assert unknown == Failure("x", "is not annotated in theirs.jsonl")
    assert isinstance(alien_label, Failure)
    assert "e1: entity type Planet is not in" in alien_label.reason
    assert isinstance(another_text, Failure)
    assert "another revision" in another_text.reason
    assert isinstance(good, Annotation)


def test_files_that_cannot_be_used(tmp_path: Path, schema: LabelSchema) -> None:
    with pytest.raises(EngineError, match=r"name it with --model FILE\.jsonl"):
        load_engine("annotations", schema, lexicon=None)
    with pytest.raises(BadInput, match="cannot be read"):
        load_engine("annotations", schema, lexicon=None, model=str(tmp_path / "none.jsonl"))
    half = tmp_path / "half.jsonl"
    half.write_text('{"id": "a", "artic', encoding="utf-8")
    with pytest.raises(BadInput, match=r"half\.jsonl:1: not JSON"):
        load_engine("annotations", schema, lexicon=None, model=str(half))
