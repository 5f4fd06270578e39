"""Inline markup: what is written reads back the same, and mistakes are named by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.annotation import Annotation, Annotator, Entity
from curation.article import Article, normalise
from curation.errors import BadInput
from curation.formats.inline_markup import parse, read_folder, write
from curation.schema import LabelSchema

WHO = Annotator(kind="person", name="pass-a")
HERE = Path("kel-1.ann.txt")


def content(annotation: Annotation) -> object:
    items = [
        (i.id, i.start, i.end, i.type, i.attributes) for i in sorted(annotation.items(), key=lambda i: (i.start, i.id))
    ]
    return items, sorted((event.id, one.role, one.filler) for event in annotation.events for one in event.arguments)


def test_round_trip(article: Article, annotation: Annotation, schema: LabelSchema) -> None:
    marked = write(annotation, article)
    assert "[[Torvan](Nationality #e4) rebels](ArmedGroup #e3 mention=nominal)" in marked
    assert content(parse(marked, article, schema, WHO)) == content(annotation)


texts = st.text(alphabet="ab[]\\() \n\t\u00e9e\u0301\u05d0\u200d\U0001f680=#", min_size=1, max_size=60).map(normalise)


@given(text=texts.filter(lambda text: text.strip()), data=st.data())
def test_any_text_and_any_nested_spans_read_back(text: str, data: st.DataObject, schema: LabelSchema) -> None:
    article = Article(id="x", text=text)
    entities: list[Entity] = []
    stack = [(0, len(text))]
    for number in range(data.draw(st.integers(0, 6))):
        low, high = data.draw(st.sampled_from(stack))
        start = data.draw(st.integers(low, high - 1))
        end = data.draw(st.integers(start + 1, high))
        if any(start < e.start < end < e.end or e.start < start < e.end < end for e in entities):
            continue
        entities.append(Entity(id=f"e{number}", start=start, end=end, type=data.draw(st.sampled_from(["GPE", "Time"]))))
        stack.append((start, end))
    annotation = Annotation(
        id="i", article_id="x", text_sha256=article.text_sha256, schema=schema.ref, annotator=WHO, entities=entities
    )
    assert content(parse(write(annotation, article), article, schema, WHO)) == content(annotation)


def test_crossing_spans_are_refused(article: Article, annotation: Annotation) -> None:
    crossing = annotation.model_copy(
        update={"entities": (Entity(id="x1", start=2, end=9, type="GPE"), Entity(id="x2", start=5, end=14, type="GPE"))}
    )
    with pytest.raises(BadInput, match="x1 and x2 cross"):
        write(crossing.model_copy(update={"events": ()}), article)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("[fires]", "[fire]", 1, "reads"),
        ("(GPE #e1)", "", 1, "no (Type"),
        ("GPE", "Country", 1, "Country is no type"),
        ("attacker=e1", "attacker=e9", 1, "names an unknown id"),
        ("attacker=e1", "victim=e1", 1, "'victim=e1' is no id, attribute or role"),
        ("#e2", "#e1", 1, "is duplicated"),
        ("The rebels", "The [rebels", 2, "never closed"),
        ("The rebels", "The rebels]", 2, "closes nothing"),
        ("modality=denied", "modality=denied modality=planned", 2, "is no id, attribute or role"),
    ],
)
def test_mistakes_name_the_line(
    article: Article, annotation: Annotation, schema: LabelSchema, old: str, new: str, line: int, says: str
) -> None:
    marked = write(annotation, article)
    assert old in marked
    with pytest.raises(BadInput) as caught:
        parse(marked.replace(old, new, 1), article, schema, WHO, path=HERE)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{HERE}:{line}: ")


def test_ids_may_be_left_out(schema: LabelSchema) -> None:
    article = Article(id="x", text="Kelmar and Torvan")
    annotation = parse("[Kelmar](GPE) and [Torvan](GPE #e1)", article, schema, WHO)
    assert {entity.id for entity in annotation.entities} == {"e1", "e2"}


def test_folder(tmp_path: Path, article: Article, annotation: Annotation, schema: LabelSchema) -> None:
    (tmp_path / "kel-1.ann.txt").write_bytes(write(annotation, article).replace("\n", "\r\n").encode())
    other = Article(id="kel-2", text="Nothing here")
    found = list(read_folder(tmp_path, [article, other], schema, WHO))
    assert [content(one) for one in found] == [content(annotation)]
    (tmp_path / "kel-2.ann.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"kel-2\.ann\.txt"):
        list(read_folder(tmp_path, [article, other], schema, WHO))
