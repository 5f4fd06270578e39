"""Sentences: tags and offsets come from the document, what they cannot hold is counted, whatever is annotated."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import load_dataset
from hypothesis import given
from hypothesis import strategies as st
from made import ABOUT, SCHEMA, corpus

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.formats.tokens import tokenise
from curation.release import ReviewedArticle, build_release, load_release, verify
from curation.release.features import features
from curation.release.manifest import Manifest
from curation.release.rows import SENTENCES, Labels, decoder, document_row, encoder
from curation.release.sentences import sentence_rows

TEXT = "Kel Doran of Torva moved. The reporters-in-chief told so in Harl. Nobody came."
LABELS = Labels.of(SCHEMA)
decode = decoder(LABELS.of_config(SENTENCES))


def encoded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows as a release holds them, with integers in place of the names."""
    encode, columns = encoder(LABELS.of_config(SENTENCES)), features(SENTENCES, LABELS).arrow_schema
    made: list[dict[str, Any]] = pa.Table.from_pylist([encode(row) for row in rows], columns).to_pylist()
    return made


def at(words: str) -> dict[str, int]:
    return {"start": TEXT.index(words), "end": TEXT.index(words) + len(words)}


def annotated(entities: tuple[Entity, ...], events: tuple[Event, ...], text: str = TEXT) -> ReviewedArticle:
    article = Article(id="kel", text=text)
    annotation = Annotation(
        id="a",
        article_id="kel",
        text_sha256=article.text_sha256,
        schema=SCHEMA.ref,
        annotator=Annotator(kind="person", name="1"),
        state="submitted",
        entities=entities,
        events=events,
    )
    layout = tokenise(article).sentences
    return ReviewedArticle(article, annotation, sentences=layout, zones=(("headline", 0, 26), ("body", 26, len(text))))


EXAMPLE = annotated(
    (
        Entity(id="e1", type="Person", **at("Kel Doran of Torva")),
        Entity(id="e2", type="Place", **at("Torva")),
        Entity(id="e3", type="Person", **at("reporters-in")),
        Entity(id="e4", type="Person", **at("report")),
        Entity(id="e5", type="Place", start=TEXT.index("Harl"), end=TEXT.index("Nobody") + 6),
        Entity(id="e6", type="Place", **at("Harl")),
    ),
    (
        Event(
            id="v1",
            type="Move",
            arguments=(
                Argument(role="mover", filler="e1"),
                Argument(role="goal", filler="e2"),
                Argument(role="goal", filler="e6"),
            ),
            **at("moved"),
        ),
        Event(id="v2", type="Report", arguments=(Argument(role="topic", filler="v1"),), **at("told")),
    ),
)


def made() -> tuple[list[dict[str, Any]], Counter[str]]:
    return sentence_rows(document_row(EXAMPLE, SCHEMA, {}), EXAMPLE.sentences)


def test_each_sentence_has_its_tokens_tags_and_events() -> None:
    rows, _ = made()
    assert [one["text"] for one in rows] == [
        "Kel Doran of Torva moved.",
        "The reporters-in-chief told so in Harl.",
        "Nobody came.",
    ]
    assert [one["zone"] for one in rows] == ["headline", "body", "body"]
    first, second, third = rows
    assert list(zip(first["tokens"], first["tags"], first["trigger_tags"], strict=True)) == [
        ("Kel", "B-Person", "O"),
        ("Doran", "I-Person", "O"),
        ("of", "I-Person", "O"),
        ("Torva", "I-Person", "O"),
        ("moved", "O", "B-Move"),
        (".", "O", "O"),
    ]
    arguments = [(one["role"], one["first"], one["behind"], one["type"]) for one in first["events"][0]["arguments"]]
    assert arguments == [("goal", 3, 4, "Place"), ("mover", 0, 4, "Person")], "the nested place is there, if untagged"
    assert second["tags"][:4] == ["O", "B-Person", "I-Person", "I-Person"]
    assert second["tags"][-2:] == ["B-Place", "O"]
    assert second["events"][0]["arguments"] == []
    assert (third["tags"], third["events"]) == (["O"] * 3, [])
    for one in rows:
        assert [TEXT[a:b] for a, b in zip(one["starts"], one["ends"], strict=True)] == one["tokens"]


def test_what_is_lost_is_counted() -> None:
    _, lost = made()
    assert +lost == {
        "entities_inside": 2,  # Torva, and "report" once it is widened to the whole word
        "entities_across": 1,  # Harl … Nobody
        "entities_widened": 1,  # "report"
        "arguments_across": 2,  # Harl, and the event that is told of in the next sentence
    }


def test_names_and_integers_turn_into_each_other() -> None:
    rows, _ = made()
    assert [decode(one) for one in encoded(rows)] == rows
    assert encoded(rows)[0]["tags"] == [1, 2, 2, 2, 0, 0]


TYPES = {Entity: ("Person", "Place"), Event: ("Move", "Report")}


@given(st.data())
def test_whatever_is_annotated_nothing_is_lost_without_a_count(data: st.DataObject) -> None:
    text = data.draw(st.text("ab .\n-E", min_size=1, max_size=60).filter(lambda one: one.strip()))
    spans = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 20)).map(
        lambda it: (it[0], min(len(text), sum(it)))
    )

    def items(kind: type[Any], prefix: str) -> tuple[Any, ...]:
        drawn = data.draw(st.lists(st.tuples(spans, st.sampled_from(TYPES[kind])), max_size=8))
        return tuple(
            kind(id=f"{prefix}{n}", start=start, end=end, type=name) for n, ((start, end), name) in enumerate(drawn)
        )

    entities, events = items(Entity, "e"), items(Event, "v")
    events = tuple(
        event.model_copy(
            update={
                "arguments": tuple(
                    Argument(role="mover", filler=one.id) for one in data.draw(st.permutations(entities))[:2]
                )
            }
        )
        for event in events
    )
    reviewed = annotated(entities, events, text)
    rows, lost = sentence_rows(document_row(reviewed, SCHEMA, {}), reviewed.sentences)
    tagged = sum(tag.startswith("B-") for one in rows for tag in one["tags"])
    triggers = sum(tag.startswith("B-") for one in rows for tag in one["trigger_tags"])
    shown = [event for one in rows for event in one["events"]]
    assert tagged + lost["entities_inside"] + lost["entities_across"] == len(entities)
    assert triggers + lost["triggers_inside"] + lost["triggers_across"] == len(events)
    assert len(shown) + lost["triggers_across"] == len(events)
    wanted = sum(len(event.arguments) for event in events)
    assert sum(len(event["arguments"]) for event in shown) + lost["arguments_across"] == wanted
    if rows:
        assert [decode(one) for one in encoded(rows)] == rows
    for one in rows:
        for tags in (one["tags"], one["trigger_tags"]):
            for before, tag in zip(["O", *tags], tags, strict=False):
                assert not tag.startswith("I-") or before[2:] == tag[2:]


def told(row: ReviewedArticle) -> ReviewedArticle:
    return row._replace(sentences=tokenise(row.article).sentences, zones=(("body", 0, len(row.article.text)),))


def test_the_config_loads_and_the_card_states_the_loss(tmp_path: Path) -> None:
    rows = [*map(told, corpus(30)), EXAMPLE]
    report = build_release(rows, SCHEMA, tmp_path, about=ABOUT)
    loaded = load_release(tmp_path, report.version, "sentences")
    assert sum(split.num_rows for split in loaded.values()) == 30 * 1 + 3
    plain = load_dataset(str(report.folder), "sentences")
    assert {name: split.num_rows for name, split in plain.items()} == {
        name: split.num_rows for name, split in loaded.items() if split.num_rows
    }
    tags = loaded["train"].features["tags"].feature
    assert tags.names == ["O", "B-Person", "I-Person", "B-Place", "I-Place"]
    documents = load_release(tmp_path, report.version)
    for split, held in loaded.items():
        texts = {one["id"]: one for one in documents[split]}
        assert set(texts) == set(held["id"])
        for one in held:
            document = texts[one["id"]]
            assert document["text"][one["start"] : one["end"]] == one["text"]
            assert {"start": one["start"], "end": one["end"]} == document["sentences"][one["number"]]
    lost = Manifest.read(report.folder).counts.lost
    assert (lost["entities_inside"], lost["arguments_across"]) == (2, 2)
    page = (report.folder / "README.md").read_text()
    assert "| entities that lie inside another or overlap one, not tagged | 2 |" in page
    assert verify(report.folder) == []


def test_other_sentences_make_a_patch_and_other_content(tmp_path: Path) -> None:
    first = build_release(list(map(told, corpus(12))), SCHEMA, tmp_path, about=ABOUT)
    rows = list(map(told, corpus(12)))
    start, end, tokens = rows[3].sentences[0]
    rows[3] = rows[3]._replace(sentences=((start, end, tokens[:-1]),))
    second = build_release(rows, SCHEMA, tmp_path, about=ABOUT, previous=first.folder)
    assert (second.version, second.reasons) == ("0.1.1", ("1 article with other sentences or corrections",))
