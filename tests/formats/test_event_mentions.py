"""WikiEvents' files come in and go out byte for byte, and in our labels where asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curation.annotation import Annotator
from curation.errors import BadInput
from curation.formats.article_lookup import ArticleLookup
from curation.formats.format_loss import Loss
from curation.formats.registry import ImportContext, Pair, read_as, write_as
from curation.formats.translation import Translation
from curation.schema import LabelSchema
from curation.validation import validate


def document(name: str = "kar_raid_1") -> dict[str, Any]:
    """An invented document in the shape of WikiEvents: odd ids, gaps of one, two and four characters."""
    words = (
        (0, ["Raid", "hits", "Karsk", "-", "Tor"], "Raid hits Karsk-Tor"),
        (21, ["“", "It", "hurt", ".", "”"], "“It hurt.”"),
        (32, ["Soldiers", "fled", "Mirdan", "."], "Soldiers fled Mirdan."),
        (57, ["Nobody", "died", "."], "Nobody died. "),
    )
    sentences, tokens = [], []
    for begin, split, text in words:
        at, placed = 0, []
        for word in split:
            at = text.index(word, at)
            placed.append([word, begin + at, begin + at + len(word)])
            at += len(word)
        sentences.append([placed, text])
        tokens += split

    def entity(number: int, sentence: int, start: int, end: int, label: str, text: str) -> dict[str, Any]:
        span = {"id": f"{name}-T{number}", "sent_idx": sentence, "start": start, "end": end}
        return {**span, "entity_type": label, "mention_type": "UNK", "text": text}

    def argument(number: int, role: str, text: str) -> dict[str, str]:
        return {"entity_id": f"{name}-T{number}", "role": role, "text": text}

    return {
        "doc_id": name,
        "tokens": tokens,
        "text": "".join(text for _, _, text in words),
        "sentences": sentences,
        "entity_mentions": [
            entity(7, 0, 2, 5, "GPE", "Karsk-Tor"),
            entity(2, 0, 2, 3, "GPE", "Karsk"),
            entity(3, 2, 10, 11, "PER", "Soldiers"),
            entity(4, 2, 12, 13, "XYZ", "Mirdan"),
        ],
        "relation_mentions": [],
        "event_mentions": [
            {
                "id": f"{name}-E9",
                "event_type": "Conflict.Attack.Unspecified",
                "trigger": {"start": 0, "end": 1, "text": "Raid", "sent_idx": 0},
                "arguments": [argument(7, "Target", "Karsk-Tor"), argument(3, "Attacker", "Soldiers")],
            },
            {
                "id": f"{name}-E1",
                "event_type": "Weather.Rain",
                "trigger": {"start": 1, "end": 2, "text": "hits", "sent_idx": 0},
                "arguments": [],
            },
        ],
    }


def read(path: Path, schema: LabelSchema, *records: dict[str, Any]) -> tuple[list[Pair], ImportContext]:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    intake = ImportContext("wikievents", schema, ArticleLookup(), Annotator(kind="person", name="wiki"))
    return list(read_as(path, intake)), intake


def test_in_and_out_unchanged(tmp_path: Path, schema: LabelSchema) -> None:
    pairs, intake = read(tmp_path / "in.jsonl", schema, document(), document("kar raid 2".replace(" ", "_")))
    assert not intake.lost
    article, annotation = pairs[0]
    assert article.text == "Raid hits Karsk-Tor\n\n“It hurt.” Soldiers fled Mirdan.\n\n\n\nNobody died. "
    assert [article.text[item.start : item.end] for item in annotation.entities][:2] == ["Karsk-Tor", "Karsk"]
    assert annotation.schema_ref == "wikievents@1.0.0"
    written = write_as("wikievents", pairs, tmp_path / "out.jsonl", schema)
    assert not written.lost
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "in.jsonl").read_bytes()


def test_in_our_labels(tmp_path: Path, schema: LabelSchema) -> None:
    ((article, annotation),), _ = read(tmp_path / "in.jsonl", schema, document())
    lost = Loss()
    ours = Translation("wikievents", schema)(annotation, lost)
    assert [item.type for item in ours.items()] == ["GPE", "GPE", "Person", "Attack"]
    assert [argument.role for argument in ours.events[0].arguments] == ["target", "attacker"]
    assert lost.counts == {"entities without a name of ours": 1, "events without a name of ours": 1}
    assert validate(ours, article, schema) == []


def test_an_ontology_that_the_schema_does_not_name(schema: LabelSchema) -> None:
    with pytest.raises(BadInput, match=r"names nothing in 'birds'; choose one of .*wikievents"):
        Translation("birds", schema)


def test_what_annotations_cannot_hold_is_counted(tmp_path: Path, schema: LabelSchema) -> None:
    record = document()
    record["relation_mentions"] = [{"id": "r1"}]
    record["entity_mentions"][0]["mention_type"] = "NAM"
    arguments = record["event_mentions"][0]["arguments"]
    arguments += [arguments[0], {"entity_id": "nowhere", "role": "Place", "text": "x"}]
    ((_, annotation),), intake = read(tmp_path / "in.jsonl", schema, record)
    assert len(annotation.events[0].arguments) == 2
    assert intake.lost.counts == {"relations": 1, "mention types": 1, "arguments": 2}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("tokens", ["Raid"], r"in\.jsonl:1: tokens: are not the tokens of the sentences"),
        ("entity_mentions", [{"id": "a", "entity_type": "GPE", "start": 4, "end": 99}], r"\[4, 99\) is no span of 17"),
        ("entity_mentions", [{"id": "a", "entity_type": "GPE", "start": -1, "end": 2}], r"\[-1, 2\) is no span"),
        (
            "entity_mentions",
            [{"id": "a b", "entity_type": "GPE", "start": 0, "end": 1}],
            r"in\.jsonl:1: entities\.0\.id",
        ),
        ("entity_mentions", {}, r"in\.jsonl:1: entity_mentions: "),
        ("sentences", [[[["Raid", 3, 7]], "Rain"]], r"in\.jsonl:1: "),
    ],
)
def test_a_broken_file_names_line_and_field(
    tmp_path: Path, schema: LabelSchema, field: str, value: object, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path / "in.jsonl", schema, document() | {field: value})


@pytest.mark.parametrize("offsets", [(10**12, 10**12 + 4), (5, 9), (4, 0), (-4, 0)])
def test_offsets_that_are_not_the_words(tmp_path: Path, schema: LabelSchema, offsets: tuple[int, int]) -> None:
    record = document()
    record["sentences"][1][0][0][1:] = offsets
    with pytest.raises(BadInput, match="the words are not at their offsets"):
        read(tmp_path / "in.jsonl", schema, record)
