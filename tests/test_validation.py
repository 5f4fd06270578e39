"""Every finding has a case that brings it about and one beside it that does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.annotation import Annotation
from curation.article import Article
from curation.schema import load_schema
from curation.validation import Code, validate

SCHEMA = load_schema(Path(__file__).parent.parent / "schemas" / "conflict-news.yaml")
TEXT = "Jets 🔥 bombed Belmora.\n \nThe warning came late."
ARTICLE = Article(id="a1", text=TEXT)

JETS = {"id": "e1", "start": 0, "end": 4, "type": "Vehicle"}
BELMORA = {"id": "e2", "start": 14, "end": 21, "type": "GPE"}
ATTACK = {"id": "v1", "start": 7, "end": 13, "type": "Attack"}
WARNING = {"id": "v2", "start": 29, "end": 36, "type": "Warning"}


def annotation(
    *, entities: list[dict[str, Any]] | None = None, events: list[dict[str, Any]] | None = None, **head: str
) -> Annotation:
    record = {
        "id": "p1",
        "article_id": "a1",
        "text_sha256": ARTICLE.text_sha256,
        "schema": SCHEMA.ref,
        "annotator": {"kind": "person", "name": "3"},
        "entities": entities or [],
        "events": events or [],
    }
    return Annotation.from_record(record | head, path=Path("x"))


def with_arguments(event: dict[str, Any], *arguments: tuple[str, str]) -> dict[str, Any]:
    return event | {"arguments": [{"role": role, "filler": filler} for role, filler in arguments]}


def whole() -> Annotation:
    """One of everything, all of it fitting."""
    return annotation(
        entities=[JETS | {"attributes": {"mention": "nominal"}}, BELMORA],
        events=[
            with_arguments(ATTACK, ("attacker", "e1"), ("target", "e2")) | {"attributes": {"modality": "denied"}},
            with_arguments(WARNING, ("topic", "v1")),
        ],
    )


def test_what_fits_has_no_finding() -> None:
    assert [TEXT[item.start : item.end] for item in whole().items()] == ["Jets", "Belmora", "bombed", "warning"]
    assert validate(whole(), ARTICLE, SCHEMA) == []
    assert validate(annotation(), ARTICLE, SCHEMA) == []


CASES: dict[Code, tuple[Annotation, Annotation, str | None, str]] = {
    # code: (brings it about, does not, item it is found on, message)
    "other-article": (annotation(article_id="a2"), annotation(article_id="a1"), None, "is of article a2, not a1"),
    "other-text": (annotation(text_sha256="0" * 64), annotation(), None, "was made on another revision of the text"),
    "other-schema": (
        annotation(schema="product-recalls@1.0.0"),
        annotation(schema="conflict-news@0.9.0"),
        None,
        "was made with product-recalls@1.0.0, not conflict-news@1.0.0",
    ),
    "outside-text": (
        annotation(entities=[BELMORA | {"end": len(TEXT) + 1}]),
        annotation(entities=[BELMORA | {"end": len(TEXT)}]),
        "e2",
        f"ends at {len(TEXT) + 1}, the text at {len(TEXT)}",
    ),
    "blank-span": (
        annotation(entities=[BELMORA | {"start": 22, "end": 25}]),
        annotation(entities=[BELMORA | {"start": 22, "end": 26}]),
        "e2",
        "[22, 25) holds only white space",
    ),
    "unknown-type": (
        annotation(entities=[JETS | {"type": "Attack"}]),
        annotation(entities=[JETS | {"type": "Weapon"}]),
        "e1",
        "entity type Attack is not in conflict-news@1.0.0",
    ),
    "unknown-role": (
        annotation(entities=[JETS], events=[with_arguments(ATTACK, ("victim", "e1"))]),
        annotation(entities=[JETS], events=[with_arguments(ATTACK | {"type": "Death"}, ("killer", "e1"))]),
        "v1",
        "Attack has no role victim",
    ),
    "filler-not-allowed": (
        annotation(entities=[BELMORA], events=[with_arguments(ATTACK, ("time", "e2"))]),
        annotation(entities=[BELMORA], events=[with_arguments(ATTACK, ("place", "e2"))]),
        "v1",
        "Attack.time cannot be filled by GPE",
    ),
    "unknown-attribute": (
        annotation(entities=[JETS | {"attributes": {"modality": "denied"}}]),
        annotation(events=[ATTACK | {"attributes": {"modality": "denied"}}]),
        "e1",
        "attribute modality is not one of entities",
    ),
    "unknown-value": (
        annotation(events=[ATTACK | {"attributes": {"modality": "maybe"}}]),
        annotation(events=[ATTACK | {"attributes": {"modality": "hypothetical"}}]),
        "v1",
        "modality cannot be maybe",
    ),
}


def test_every_code_has_a_case() -> None:
    assert set(CASES) == set(get_args(Code))


@pytest.mark.parametrize("code", CASES)
def test_a_finding_comes_where_it_should_and_only_there(code: Code) -> None:
    wrong, right, item, message = CASES[code]
    assert validate(wrong, ARTICLE, SCHEMA) == [(code, message, item)]
    assert validate(right, ARTICLE, SCHEMA) == []


def test_events_are_looked_at_like_entities() -> None:
    wrong = annotation(
        events=[
            ATTACK | {"type": "Person"},
            WARNING | {"end": 500, "attributes": {"mention": "name"}},
            {"id": "v3", "start": 23, "end": 24, "type": "Clash"},
        ]
    )
    assert [(finding.code, finding.item) for finding in validate(wrong, ARTICLE, SCHEMA)] == [
        ("unknown-type", "v1"),
        ("outside-text", "v2"),
        ("unknown-attribute", "v2"),
        ("blank-span", "v3"),
    ]


def test_an_event_fills_a_role_only_where_the_schema_says_so() -> None:
    events = [with_arguments(ATTACK, ("target", "v2")), with_arguments(WARNING, ("topic", "v1"))]
    assert validate(annotation(events=events), ARTICLE, SCHEMA) == [
        ("filler-not-allowed", "Attack.target cannot be filled by Warning", "v1")
    ]


def test_a_role_of_an_unknown_type_is_no_second_finding() -> None:
    wrong = annotation(entities=[JETS], events=[with_arguments(ATTACK | {"type": "Raid"}, ("attacker", "e1"))])
    assert [finding.code for finding in validate(wrong, ARTICLE, SCHEMA)] == ["unknown-type"]


def test_on_another_text_no_offset_is_judged() -> None:
    wrong = annotation(entities=[BELMORA | {"end": 900}], article_id="a2", text_sha256="0" * 64)
    assert [finding.code for finding in validate(wrong, ARTICLE, SCHEMA)] == ["other-article", "other-text"]


def test_all_findings_come_not_just_the_first() -> None:
    wrong = annotation(
        entities=[JETS | {"type": "Toy"}, BELMORA | {"attributes": {"mention": "alias", "size": "big"}}],
        events=[with_arguments(ATTACK, ("victim", "e2"), ("time", "e2"))],
    )
    assert [finding.code for finding in validate(wrong, ARTICLE, SCHEMA)] == [
        *("unknown-type", "unknown-value", "unknown-attribute"),
        *("unknown-role", "filler-not-allowed"),
    ]


@given(st.integers(0, len(TEXT) + 5), st.integers(1, 10))
def test_a_span_fits_exactly_where_it_says_something(start: int, length: int) -> None:
    findings = validate(annotation(entities=[JETS | {"start": start, "end": start + length}]), ARTICLE, SCHEMA)
    fits = start + length <= len(TEXT) and TEXT[start : start + length].strip() != ""
    assert (findings == []) == fits
