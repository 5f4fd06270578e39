"""Gold as JSON lines: read as written, offsets hold, and mistakes are named by file, line and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.annotation import Annotation
from curation.article import Article, normalise
from curation.errors import BadInput
from curation.formats.gold_jsonl import is_neutral, read_neutral
from curation.metrics.matching import FILLER

TEXT = "\U0001f680 Kelmar shelled Torvan on Monday."
DOCUMENT: dict[str, Any] = {
    "id": "kel 1",
    "corpus": "invented",
    "source": "unread",
    "text": TEXT,
    "entities": [{"start": 2, "end": 8, "type": "State"}, {"start": 17, "end": 23, "type": "State"}],
    "events": [
        {
            "start": 9, "end": 16, "type": "Attack:Shell",
            "arguments": [{"start": 2, "end": 8, "role": "Attacker"}, {"start": 27, "end": 33, "role": "Day"}],
        }
    ],
}  # fmt: skip


def read(folder: Path, *documents: Any) -> list[tuple[Article, Annotation]]:
    path = folder / "gold.jsonl"
    path.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
    return list(read_neutral(path))


def test_reads_what_it_says(tmp_path: Path) -> None:
    ((article, gold),) = read(tmp_path, DOCUMENT)
    assert (article.id, article.text, article.source) == ("kel-1", TEXT, "invented")
    assert (gold.article_id, gold.text_sha256) == (article.id, article.text_sha256)
    items = [(TEXT[item.start : item.end], item.type) for item in gold.items()]
    assert items == [("Kelmar", "State"), ("Torvan", "State"), ("Monday", FILLER), ("shelled", "Attack:Shell")]
    fillers = [(argument.role, gold.item(argument.filler).start) for argument in gold.events[0].arguments]
    assert fillers == [("Attacker", 2), ("Day", 27)]


def test_an_argument_may_be_a_trigger_and_stands_once(tmp_path: Path) -> None:
    warned = {"start": 0, "end": 6, "type": "Warn", "arguments": [{"start": 10, "end": 16, "role": "Topic"}] * 2}
    raid = {"start": 10, "end": 16, "type": "Raid", "arguments": [{"start": 10, "end": 16, "role": "Self"}]}
    ((_, gold),) = read(tmp_path, {"id": "x", "text": "warned of attack", "events": [warned, raid]})
    first, second = gold.events
    assert [(argument.role, argument.filler) for argument in first.arguments] == [("Topic", second.id)]
    # an event never fills its own role: the span becomes a filler beside it
    assert gold.item(second.arguments[0].filler).type == FILLER


def test_tells_documents_from_annotations() -> None:
    assert is_neutral(DOCUMENT)
    assert not is_neutral({"id": "a", "article_id": "x", "entities": []})


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"text": None}, "text", "string"),
        ({"id": ""}, "id", "at least 1"),
        ({"text": " \n"}, "text", "the text is empty"),
        ({"entities": [{"start": 2, "end": 8}]}, "entities.0.type", "required"),
        ({"entities": [{"start": 8, "end": 2, "type": "A"}]}, "entities.0", "[8, 2) is no span of a text of 34"),
        ({"entities": [{"start": -1, "end": 2, "type": "A"}]}, "entities.0", "[-1, 2) is no span"),
        ({"entities": [{"start": 2, "end": 35, "type": "A"}]}, "entities.0", "[2, 35) is no span"),
        ({"entities": [{"start": 3, "end": 3, "type": "A"}]}, "entities.0", "[3, 3) is no span"),
        ({"events": [{"start": 0, "end": 99, "type": "A"}]}, "events.0", "[0, 99) is no span"),
        (
            {"events": [{"start": 0, "end": 1, "type": "A", "arguments": [{"start": 1, "end": 50, "role": "R"}]}]},
            "events.0.arguments.0",
            "[1, 50) is no span",
        ),
        ({"events": [{"start": 0, "end": 1, "type": ""}]}, "events.0.type", "at least 1"),
    ],
)
def test_mistakes_name_line_and_field(tmp_path: Path, change: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, {**DOCUMENT, "id": "good"}, {**DOCUMENT, **change})
    assert (caught.value.line, caught.value.field) == (2, field)
    assert str(caught.value).startswith(f"{tmp_path / 'gold.jsonl'}:2: {field}: ")
    assert says in str(caught.value)


def test_an_id_is_unique(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="id kel-1 is duplicated"):
        read(tmp_path, DOCUMENT, {**DOCUMENT, "id": "kel\t1"})


@pytest.mark.parametrize("line", [b"{", b"[]", b"\xff", b'{"id": "x"}', b"[" * 100_000])
def test_what_is_no_document_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_bytes(json.dumps(DOCUMENT).encode() + b"\n\n" + line + b"\n")
    with pytest.raises(BadInput) as caught:
        list(read_neutral(path))
    assert caught.value.line == 3


def test_carriage_returns_move_offsets(tmp_path: Path) -> None:
    text = "One\r\nTwo\rThree"
    entities = [
        {"start": text.index(word), "end": text.index(word) + len(word), "type": "W"} for word in ("Two", "Three")
    ]
    ((article, gold),) = read(tmp_path, {"id": "x", "text": text, "entities": entities})
    assert article.text == "One\nTwo\nThree"
    assert [article.text[entity.start : entity.end] for entity in gold.entities] == ["Two", "Three"]


@given(st.text(alphabet="ab\r\n\u00e9\U0001f680", min_size=1, max_size=30).filter(str.strip), st.data())
def test_any_span_keeps_its_words(tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject) -> None:
    inside = [i for i in range(len(text) + 1) if text[i - 1 : i + 1] != "\r\n"]  # nobody cuts a line end in two
    start = data.draw(st.sampled_from(inside[:-1]))
    end = data.draw(st.sampled_from([i for i in inside if i > start]))
    document = {"id": "x", "text": text, "entities": [{"start": start, "end": end, "type": "T"}]}
    ((article, gold),) = read(tmp_path_factory.mktemp("neutral"), document)
    (entity,) = gold.entities
    assert article.text[entity.start : entity.end] == normalise(text[start:end])
