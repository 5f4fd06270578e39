"""Blocks are validated together; what is said to be sure is what `check` and the exact way would say, row by row."""

from __future__ import annotations

import copy
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import SCHEMA, corpus

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.errors import ReleaseError
from curation.release import ReviewedArticle
from curation.release.arrays import chunk
from curation.release.canonical import canonical, canonical_rows
from curation.release.coding import coded, named, parsed
from curation.release.documents import decode, features, row
from curation.release.exact import exact, problem
from curation.release.labels import Labels
from curation.release.screen import Screen
from curation.validation import validate

LABELS = Labels.of(SCHEMA)
COLUMNS = features(LABELS)
TYPES = {SCHEMA.ref: (*SCHEMA.entity_names, *SCHEMA.event_names)}
SCREEN = Screen(SCHEMA, LABELS, TYPES, engine_only=False)
TEXT = "Kel Ömer  went to 東京 🔥 and Torva\u2003said “so” \n\tonce."


def rows(count: int) -> list[dict[str, Any]]:
    made = [json.loads(canonical(row(one, SCHEMA, TYPES))) for one in corpus(count)]
    for n, one in enumerate(made):
        one["zones"] = [{"kind": "body", "start": 0, "end": len(one["text"])}]
        one["sentences"] = [{"start": 0, "end": 5}, {"start": 6, "end": len(one["text"]) - n}]
    return made


def looked(lines: list[bytes]) -> tuple[list[bool], list[str | None]]:
    """For each line whether it is sure, and how it would be hashed."""
    table = parsed(lines, named(COLUMNS))
    if table is None and len(lines) == 1:
        return [False], [None]
    if table is None:
        each = [looked([line]) for line in lines]
        return [one[0][0] for one in each], [one[1][0] for one in each]
    structs = pa.StructArray.from_arrays([chunk(table[name]) for name in table.column_names], table.column_names)
    return SCREEN.sure(table).tolist(), canonical_rows(structs).to_pylist()


def accepted(line: bytes) -> bytes | None:
    try:
        return canonical(exact(line, SCHEMA, TYPES, engine_only=False))
    except ReleaseError as error:
        assert "\n" not in str(error)
        return None


def test_rows_as_a_release_writes_them_need_no_second_look() -> None:
    lines = [canonical(one) for one in rows(40)]
    sure, written = looked(lines)
    assert all(sure)
    assert [one.encode() for one in written if one] == lines
    assert [accepted(line) for line in lines] == lines


def test_integers_stand_for_the_names() -> None:
    given_rows = [row(one, SCHEMA, TYPES) for one in corpus(5)]
    table = parsed([canonical(one) for one in given_rows], named(COLUMNS))
    assert table is not None
    made = coded(table, COLUMNS)
    assert made.schema == COLUMNS.arrow_schema.remove_metadata()
    assert [decode(one, LABELS) for one in made.to_pylist()] == given_rows


_TEXTS = (
    *(
        " ",
        "x",
        "ü",
        "a b",
        "\r",
        "\x00",
        "\u2003",
        "\ud800",
        "e1",
        "e2",
        "v1",
        "v2",
        "Person",
        "Place",
        "Ship",
        "Move",
    ),
    *("Report", "mover", "goal", "topic", "name", "nominal", "entity", "event", "person:9", "person:kel@torva.example"),
    *("engine:x@1", "person:", "submitted", "draft", "predicted", "reviewed", "latest", "made@1.0.0", "made@0.9.0"),
    *("other@1.0.0", "2031-03-01T00:00:00+00:00", "2031-03-01", "2031-13-01"),
)
_OTHERS = (None, "", "e" * 201, 0, -1, 1, 2, 3, 5, 7, 10, 10**6, 10**30, 0.5, 1.5, -0.0, float("nan"), True)
ODD = st.sampled_from([*_TEXTS, *_OTHERS, [], {}, ["Person"], ["Place", "Person"]])


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every container in a tree with each of its keys."""
    found: list[tuple[Any, Any]] = []
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        found.append((tree, key))
        found += places(tree[key])
    return found


@st.composite
def broken(draw: st.DrawFn) -> list[bytes]:
    """Rows of which some were changed somewhere: another value, one less, one twice, two in turn, one unknown."""
    made = rows(draw(st.integers(1, 4)))
    for _ in range(draw(st.integers(0, 3))):
        one = draw(st.sampled_from(made))
        of, key = draw(st.sampled_from(places(one)))
        match draw(st.sampled_from(["other", "other", "less", "twice", "turn", "unknown"])):
            case "other":
                of[key] = copy.deepcopy(draw(ODD))
            case "less":
                del of[key]
            case "twice" if isinstance(of, list):
                of.insert(key, copy.deepcopy(of[key]))
            case "turn" if isinstance(of, list):
                of.insert(0, of.pop())
            case _ if isinstance(of, dict):
                of["unknown"] = 1
    lines = [json.dumps(one, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass") for one in made]
    return draw(st.permutations(lines))


@settings(max_examples=400, deadline=None)
@given(broken())
def test_what_is_sure_is_right_and_written_the_same(lines: list[bytes]) -> None:
    for line, sure, written in zip(lines, *looked(lines), strict=True):
        if sure:
            assert written is not None
            assert accepted(line) == written.encode()


SPANS = st.tuples(st.integers(0, len(TEXT) + 3), st.integers(1, 6)).map(lambda one: (one[0], one[0] + one[1]))
TYPE = st.sampled_from(["Person", "Place", "Ship", "Move"])
MENTION = st.sampled_from([{}, {}, {"mention": "nominal"}, {"mention": "loud"}, {"size": "big"}])


@st.composite
def annotated(draw: st.DrawFn) -> ReviewedArticle:
    """Annotations that hold together, but need not fit the text, the schema or each other."""
    article = Article(id="a-1", text=TEXT[draw(st.integers(0, 3)) :] + draw(st.sampled_from(["", "\n", "№"])))
    entities = tuple(
        Entity(id=f"e{n}", start=start, end=end, type=draw(TYPE), attributes=draw(MENTION))
        for n, (start, end) in enumerate(draw(st.lists(SPANS, max_size=3)))
    )
    spans = draw(st.lists(SPANS, max_size=3))
    ids = [*(one.id for one in entities), *(f"v{n}" for n in range(len(spans)))]
    events = []
    for n, (start, end) in enumerate(spans):
        pairs = st.tuples(st.sampled_from(["mover", "goal", "topic", "buyer"]), st.sampled_from(ids))
        arguments = {pair for pair in draw(st.lists(pairs, max_size=3)) if pair[1] != f"v{n}"}
        events.append(
            Event(
                id=f"v{n}",
                start=start,
                end=end,
                type=draw(st.sampled_from(["Move", "Report", "Report", "Person"])),
                arguments=tuple(Argument(role=role, filler=filler) for role, filler in sorted(arguments)),
            )
        )
    annotation = Annotation(
        id="ann",
        article_id="a-1",
        text_sha256=article.text_sha256,
        schema_ref=SCHEMA.ref,
        annotator=Annotator(kind="person", name="1"),
        state="submitted",
        entities=entities,
        events=tuple(events),
    )
    return ReviewedArticle(article, annotation)


@settings(max_examples=400, deadline=None)
@given(st.lists(annotated(), min_size=1, max_size=3))
def test_the_verdict_is_that_of_check(given_rows: list[ReviewedArticle]) -> None:
    lines = [canonical(row(one, SCHEMA, TYPES)) for one in given_rows]
    for one, line, sure in zip(given_rows, lines, looked(lines)[0], strict=True):
        right = validate(one.annotation, one.article, SCHEMA) == []
        assert (sure or accepted(line) is not None) == right == (problem(one, SCHEMA) is None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unknown": 1}, "a-0000: unknown is no column"),
        ({"text": "Another text."}, "a-0000: "),
        ({"state": None}, "a-0000: state"),
        ({"chosen": "luck"}, "a-0000: chosen cannot be luck"),
        ({"zones": [{"kind": "body", "start": 3, "end": 9999}]}, r"a-0000: zone \[3, 9999\) is not in the text"),
        ({"annotated_types": ["Ship"]}, "a-0000: annotated types: Ship is not in"),
        ({"published": "soon"}, "a-0000: published"),
        ({"annotator": "person:kel@torva.example"}, "a-0000: .*e-mail"),
    ],
)
def test_a_line_that_is_no_row_is_told_in_one_line(change: dict[str, Any], said: str) -> None:
    line = json.dumps(rows(1)[0] | change).encode()
    assert looked([line])[0] == [False]
    with pytest.raises(ReleaseError, match=said) as caught:
        exact(line, SCHEMA, TYPES, engine_only=False)
    assert "kel@torva" not in str(caught.value)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'"x"', b"{}", b'{"id": 3}', b"\xff\xfe", b"null"])
def test_what_is_no_row_at_all(line: bytes) -> None:
    with pytest.raises(ReleaseError) as caught:
        exact(line, SCHEMA, TYPES, engine_only=False)
    assert "nothing was built" in str(caught.value)
