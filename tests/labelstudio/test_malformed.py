"""What comes in is not as it should be: a clear error or a counted report, never a traceback or silence."""

from __future__ import annotations

import copy
import json
import threading
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import random_work as made
from hypothesis import given
from hypothesis import strategies as st

from curation.annotation import Annotation
from curation.article import Article
from curation.errors import CurationError, LabelStudioError
from curation.labelstudio.client import Client
from curation.labelstudio.config import config_differences, labelling_config
from curation.labelstudio.export_api import _kept
from curation.labelstudio.from_labelstudio import decode
from curation.labelstudio.queries import exported, listed, newest
from curation.labelstudio.snapshot import Snapshot, read_snapshot
from curation.labelstudio.snapshot_writer import Source, build_snapshot
from curation.schema import LabelSchema

TEXT = "Kelmar troops shelled Ostvia; Ostvia warned of a raid."
ARTICLE = Article(id="kel-9", text=TEXT)
SOURCE = Source("http://host", 1, "News", "2026-01-01T00:00:00Z", "conflict-news@1.0.0")

Raw = dict[str, Any]
Edit = Callable[[Raw], Any]


def task() -> Raw:
    """A good task: a trigger with an argument, an attribute, a draft, a skip."""
    result = [
        made.region("a", 0, 6, "GPE"),
        {
            "id": "a",
            "from_name": "attribute-mention",
            "to_name": "text",
            "type": "choices",
            "value": {"start": 0, "end": 6, "choices": ["nominal"]},
        },
        made.trigger("t", 14, 21, "Attack"),
        made.relation("t", "a", "attacker"),
    ]
    person = {"completed_by": 3, "was_cancelled": False, "created_at": "2026-11-22T15:24:17Z", "project": 1}
    return {
        "id": 12,
        "project": 1,
        "data": {"text": TEXT, "article_id": ARTICLE.id, "text_sha256": ARTICLE.text_sha256, "batch": "b"},
        "annotations": [
            {"id": 5, "unique_id": "u-5", "result": result, **person},
            {"id": 6, "unique_id": "u-6", "result": [], **person, "was_cancelled": True},
        ],
        "drafts": [{"id": 8, "user": 4, "result": copy.deepcopy(result), "updated_at": "2026-01-02T03:04:05Z"}],
        "predictions": [70],
        "updated_at": "2026-11-22T15:24:18Z",
    }


def itself(raw: Raw) -> Raw:
    return raw


def data(raw: Raw) -> Raw:
    return raw["data"]


def first(raw: Raw) -> Raw:
    return raw["annotations"][0]


def result(raw: Raw) -> list[Any]:
    return first(raw)["result"]


def region(raw: Raw) -> Raw:
    return result(raw)[0]


def value(raw: Raw) -> Raw:
    return region(raw)["value"]


def choice(raw: Raw) -> Raw:
    return result(raw)[1]


def put(where: Edit, name: str, what: Any) -> Edit:
    return lambda raw: where(raw).update({name: what})


def drop(where: Edit, name: str) -> Edit:
    return lambda raw: where(raw).pop(name)


def add(*what: Any) -> Edit:
    return lambda raw: result(raw).extend(copy.deepcopy(what))


def deep(levels: int) -> Any:
    inner: Any = "x"
    for _ in range(levels):
        inner = [inner]
    return inner


XPATH = {"start": "/div[1]/p[2]/text()[1]", "end": "/div[1]/p[2]/text()[1]", "startOffset": 0, "endOffset": 6}


def other(kind: str, **more: Any) -> Edit:
    """A result of a control that our config does not have."""
    return add({"id": "z", "from_name": "other", "to_name": "text", "image_rotation": 0, "type": kind, "value": more})


# What is wrong, and the code it is reported under; None: it says the same as before, and nothing is to be reported.
EXPORTS: dict[str, tuple[Edit, str | None]] = {
    "no data": (drop(itself, "data"), "no-text"),
    "data null": (put(itself, "data", None), "no-text"),
    "data a list": (put(itself, "data", [TEXT]), "no-text"),
    "no text": (drop(data, "text"), "no-text"),
    "text a number": (put(data, "text", 5), "no-text"),
    "text a list of turns": (put(data, "text", [{"author": "A", "text": "x"}]), "no-text"),
    "text an address": (put(data, "text", "s3://bucket/a.txt"), "text-changed"),
    "text in other letters": (put(data, "text", TEXT.upper()), "text-changed"),
    "text with CRLF": (put(data, "text", TEXT + "\r\n"), "bad-text"),
    "text with a NUL": (put(data, "text", TEXT + "\x00"), "bad-text"),
    "text with half a pair": (put(data, "text", TEXT + "\ud800"), "bad-text"),
    "text with a byte order mark": (put(data, "text", "\ufeff" + TEXT), "text-changed"),
    "no article id": (drop(data, "article_id"), "not-ours"),
    "article id a number": (put(data, "article_id", 9), "not-ours"),
    "article id with a space": (put(data, "article_id", "kel 9"), "not-ours"),
    "hash of another text": (put(data, "text_sha256", "0" * 64), "text-changed"),
    "hash no hash": (put(data, "text_sha256", {"a": 1}), "text-changed"),
    "metadata nested": (put(data, "metadata", {"a": {"b": "c"}}), "bad-metadata"),
    "published nonsense": (put(data, "published", "yesterday"), "bad-metadata"),
    "purpose a list": (put(data, "purpose", []), "bad-purpose"),
    "purpose half a pair": (put(data, "purpose", "\ud800"), "bad-purpose"),
    "batch an object": (put(data, "batch", {}), None),
    "annotations null": (put(itself, "annotations", None), None),
    "annotations missing": (drop(itself, "annotations"), None),
    "annotations an object": (put(itself, "annotations", {"id": 1}), "bad-annotations"),
    "annotations ids only": (put(itself, "annotations", [5, 6]), "bad-annotations"),
    "completions of an old release": (lambda raw: raw.update(completions=raw.pop("annotations")), "old-export"),
    "drafts a word": (put(itself, "drafts", "two"), "bad-drafts"),
    "drafts null": (put(itself, "drafts", None), None),
    "drafts missing": (drop(itself, "drafts"), None),
    "drafts no objects": (put(itself, "drafts", [None, 3]), "bad-drafts"),
    "predictions an object": (put(itself, "predictions", {"id": 70, "result": []}), "bad-predictions"),
    "predictions a number": (put(itself, "predictions", 70), "bad-predictions"),
    "predictions whole": (put(itself, "predictions", [{"id": 70, "result": [], "model_version": "x"}]), None),
    "predictions null": (put(itself, "predictions", None), None),
    "annotation without id": (drop(first, "id"), None),
    "annotation id a word": (put(first, "id", "five"), None),
    "unique id twice": (put(first, "unique_id", "u-6"), "repeated-annotation"),
    "unique id too long": (put(first, "unique_id", "u" * 500), None),
    "completed by nobody": (put(first, "completed_by", None), None),
    "completed by an object": (put(first, "completed_by", {"id": 3, "email": "a@b.example"}), None),
    "completed by a huge number": (put(first, "completed_by", 10**30), None),
    "skipped as a word": (put(first, "was_cancelled", "False"), None),
    "skipped as null": (put(first, "was_cancelled", None), None),
    "skipped missing": (drop(first, "was_cancelled"), None),
    "time nonsense": (put(first, "created_at", "now"), None),
    "time out of range": (put(first, "created_at", "9999-12-31T23:59:59-23:59"), None),
    "lead time negative": (put(first, "lead_time", -3), None),
    "lead time infinite": (put(first, "lead_time", float("inf")), None),
    "lead time huge": (put(first, "lead_time", 10**400), None),
    "frozen prediction a number": (put(first, "prediction", 70), None),
    "frozen prediction null": (put(first, "prediction", None), None),
    "parent of itself": (put(first, "parent_annotation", 5), None),
    "result null": (put(first, "result", None), "no-result"),
    "result missing": (drop(first, "result"), "no-result"),
    "result an object": (put(first, "result", {"id": "a"}), "no-result"),
    "result JSON in a string": (put(first, "result", "[]"), "no-result"),
    "region null": (add(None), "not-a-region"),
    "region a list": (add([]), "not-a-region"),
    "region without type": (drop(region, "type"), "unknown-result"),
    "region without value": (drop(region, "value"), "outside-text"),
    "value null": (put(region, "value", None), "outside-text"),
    "value a list": (put(region, "value", [0, 6]), "outside-text"),
    "start missing": (drop(value, "start"), "outside-text"),
    "start a string": (put(value, "start", "0"), "outside-text"),
    "start a fraction": (put(value, "start", 0.5), "outside-text"),
    "start a whole float": (put(value, "start", 0.0), None),
    "start NaN": (put(value, "start", float("nan")), "outside-text"),
    "start true": (put(value, "start", True), "outside-text"),
    "start negative": (put(value, "start", -1), "outside-text"),
    "start null": (put(value, "start", None), "outside-text"),
    "end before start": (put(value, "end", -6), "outside-text"),
    "end is start": (put(value, "end", 0), "outside-text"),
    "end beyond the text": (put(value, "end", len(TEXT) + 1), "outside-text"),
    "end huge": (put(value, "end", 10**30), "outside-text"),
    "end infinite": (put(value, "end", float("inf")), "outside-text"),
    "xpath offsets": (lambda raw: value(raw).update(XPATH), "outside-text"),
    "xpath with global offsets": (
        lambda raw: value(raw).update(XPATH, globalOffsets={"start": 0, "end": 6}),
        "outside-text",
    ),
    "blank span": (lambda raw: value(raw).update(start=6, end=7), "blank-span"),
    "text of the region wrong": (put(value, "text", "Ostvia"), None),
    "text of the region missing": (drop(value, "text"), None),
    "labels missing": (drop(value, "labels"), "no-label"),
    "labels empty": (put(value, "labels", []), "no-label"),
    "labels a word": (put(value, "labels", "GPE"), "no-label"),
    "labels with null": (put(value, "labels", ["GPE", None]), "no-label"),
    "labels half a pair": (put(value, "labels", ["\ud800"]), "no-label"),
    "label unknown": (put(value, "labels", ["Planet"]), "unknown-type"),
    "label of the other control": (put(value, "labels", ["Attack"]), "unknown-type"),
    "label too long": (put(value, "labels", ["G" * 5000]), "no-label"),
    "two labels": (put(value, "labels", ["GPE", "ArmedGroup"]), None),
    "one label twice": (put(value, "labels", ["GPE", "GPE"]), None),
    "labels of HyperText": (other("hypertextlabels", **XPATH), "unknown-result"),
    "a box on an image": (other("rectanglelabels", x=1, y=2, width=3, height=4, rotation=0), "unknown-result"),
    "a brush on an image": (other("brushlabels", rle=[0, 1]), "unknown-result"),
    "a paragraph's labels": (other("paragraphlabels", start="0"), "unknown-result"),
    "a rating": (other("rating", rating=4), "unknown-result"),
    "a number": (other("number", number=4), "unknown-result"),
    "a text area": (other("textarea", text=["x"]), "unknown-result"),
    "a taxonomy": (other("taxonomy", taxonomy=[["a", "b"]]), "unknown-result"),
    "a ranker": (other("ranker", ranker={"a": []}), "unknown-result"),
    "a comparison": (other("pairwise", selected="left"), "unknown-result"),
    "a type of the future": (other("hologram"), "unknown-result"),
    "choices for the whole text": (other("choices", choices=["bad"]), "unknown-control"),
    "choices renamed": (put(choice, "from_name", "attribute-kind"), "unknown-attribute"),
    "choices of a region that is gone": (put(choice, "id", "gone"), "loose-choice"),
    "choices a word": (put(choice, "value", {"choices": "nominal"}), "no-choice"),
    "choices nested": (put(choice, "value", {"choices": [["a", "b"]]}), "no-choice"),
    "choices several": (put(choice, "value", {"choices": ["nominal", "pronoun"]}), "several-choices"),
    "choices unknown": (put(choice, "value", {"choices": ["royal"]}), "unknown-value"),
    "control unknown": (put(region, "from_name", "places"), "unknown-control"),
    "control null": (put(region, "from_name", None), "unknown-control"),
    "region of another object": (put(region, "to_name", "headline"), "other-object"),
    "region without id": (drop(region, "id"), "no-id"),
    "region id a number": (put(region, "id", 7), "no-id"),
    "region id changed": (put(region, "id", "a#b c"), "dangling-relation"),
    "region twice": (lambda raw: result(raw).append(copy.deepcopy(region(raw))), "repeated-region"),
    "region id twice": (add(made.region("a", 22, 28, "GPE")), "repeated-id"),
    "relation to nothing": (add(made.relation("t", "gone", "target")), "dangling-relation"),
    "relation from nothing": (add(made.relation("gone", "a", "target")), "dangling-relation"),
    "relation of null": (add({"type": "relation", "from_id": None, "to_id": None}), "dangling-relation"),
    "relation of lists": (add({"type": "relation", "from_id": [], "to_id": {}}), "dangling-relation"),
    "relation without labels": (add({"type": "relation", "from_id": "t", "to_id": "a"}), "unlabelled-relation"),
    "relation labels null": (add({**made.relation("t", "a"), "labels": None}), "unlabelled-relation"),
    "relation to itself": (add(made.relation("t", "t", "target")), "own-filler"),
    "relation of entities": (add(made.region("b", 22, 28, "GPE"), made.relation("a", "b", "target")), "no-trigger"),
    "relation twice": (add(made.relation("t", "a", "attacker")), "repeated-relation"),
    "relation turned round": (lambda raw: result(raw)[3].update(from_id="a", to_id="t", direction="left"), None),
    "relation both ways": (lambda raw: result(raw)[3].update(direction="bi"), "two-way-relation"),
    "role unknown": (add(made.relation("t", "a", "hero")), "unknown-role"),
    "role not for this filler": (add(made.relation("t", "a", "time")), "filler-not-allowed"),
    "score a word": (put(region, "score", "high"), None),
    "score NaN": (put(region, "score", float("nan")), None),
    "score above one": (put(region, "score", 97), None),
    "meta nonsense": (put(region, "meta", {"annotation": ["x"], "engine": 3}), None),
    "meta a word": (put(region, "meta", "x"), None),
    "meta deep": (put(region, "meta", deep(200)), None),
    "JSON_MIN": (
        lambda raw: [raw.pop(one) for one in ("data", "annotations", "drafts")] + [raw.update(text=TEXT, entity=[])],
        "no-text",
    ),
    "a task of another project": (lambda raw: raw.update(data={"image": "/data/a.png"}, project=9), "no-text"),
}


def snapshot_of(raw: Raw, folder: Path, schema: LabelSchema) -> Snapshot:
    """What a pull makes of that task."""
    path, _ = build_snapshot(
        folder,
        SOURCE,
        [12],
        iter([_kept(raw)]),
        {12},
        lambda one: decode(one, schema),
        lambda number: f"http://host/{number}",
        time=datetime.now(UTC),
        previous=None,
    )
    return read_snapshot(path)


def test_the_good_one_is_good(tmp_path: Path, schema: LabelSchema) -> None:
    snapshot = snapshot_of(task(), tmp_path, schema)
    assert list(snapshot.issues()) == []
    assert Counter(one.state for one in snapshot.annotations()) == {"submitted": 1, "skipped": 1, "draft": 1}


@pytest.mark.parametrize("name", EXPORTS)
def test_a_malformed_export_is_reported(tmp_path: Path, schema: LabelSchema, name: str) -> None:
    edit, code = EXPORTS[name]
    raw = task()
    edit(raw)
    assert json.dumps(raw) != json.dumps(task())
    snapshot = snapshot_of(raw, tmp_path, schema)
    codes = [issue["code"] for issue in snapshot.issues()]
    if code is not None:
        assert code in codes
        assert snapshot.manifest.findings[code] == codes.count(code)
    else:
        assert codes == []
        assert snapshot.manifest.counts["annotations"] == 2 * bool(raw.get("annotations")) + bool(raw.get("drafts"))
    for issue in snapshot.issues():
        assert "\n" not in issue["message"] and len(issue["message"]) <= 300
    (kept,) = snapshot.raw()
    assert kept["id"] == 12


class Says:
    """A server on loopback that answers everything with the same bytes."""

    def __init__(self) -> None:
        self.body = b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture(scope="module")
def says() -> Iterator[Says]:
    server = Says()
    yield server
    server.http.shutdown()
    server.http.server_close()


GOOD = json.dumps([task()]).encode()

ANSWERS = {
    "nothing": b"",
    "truncated": GOOD[: len(GOOD) // 2],
    "two in a row": GOOD + GOOD,
    "not UTF-8": GOOD.replace(b"Kelmar", b"\xff\xfe\xfd"),
    "cut within a letter": GOOD.replace(b"Kelmar", b"K\xc3"),
    "a login page": b"<!doctype html><title>Log in</title>",
    "CSV": b"id,text,entity\n12,Kelmar,GPE\n",
    "null": b"null",
    "a word": b'"ok"',
    "one task, no list": json.dumps(task()).encode(),
    "an error with status 200": b'{"detail": "Export failed"}',
    "a list of nulls": b"[null]",
    "a list of numbers": b"[12, 13]",
    "a task without id": b'[{"data": {"text": "a"}}]',
    "a task with a word for id": b'[{"id": "12"}]',
    "a task with true for id": b'[{"id": true}]',
    "nested a million deep": b"[" * 1_000_000 + b"]" * 1_000_000,
    "a number of a million digits": b'[{"id": ' + b"9" * 1_000_000 + b"}]",
    "an export still in the making": b'{"id": 5, "status": "in_progress"}',
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_no_export_is_an_error_in_one_line(says: Says, name: str) -> None:
    says.body = ANSWERS[name]
    with Client(says.url, "k" * 40) as client:
        for ask in (
            lambda: list(exported(client, 1, [12])),
            lambda: list(listed(client, 1)),
            lambda: newest(client, 1),
        ):
            with pytest.raises(LabelStudioError) as error:
                ask()
            assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_a_byte_order_mark_and_numbers_that_are_none_are_read(says: Says, schema: LabelSchema) -> None:
    raw = task()
    value(raw)["start"] = float("nan")
    says.body = b"\xef\xbb\xbf" + json.dumps([raw]).encode()
    with Client(says.url, "k" * 40) as client:
        ((found,),) = exported(client, 1, [12])
    assert "outside-text" in [issue.code for issue in decode(found, schema).issues]


@pytest.mark.parametrize("levels", [50, 800, 900, 950, 980, 990])
def test_any_depth_is_kept_or_refused(says: Says, schema: LabelSchema, tmp_path: Path, levels: int) -> None:
    says.body = GOOD.replace(b'"batch": "b"', b'"batch": "b", "more": ' + b"[" * levels + b"]" * levels)
    assert len(says.body) > len(GOOD)
    try:
        with Client(says.url, "k" * 40) as client:
            ((found,),) = exported(client, 1, [12])
        assert list(snapshot_of(found, tmp_path, schema).issues()) == []
    except CurationError as error:
        assert levels > 50
        assert "\n" not in str(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(EXPORTS)), st.sampled_from(sorted(EXPORTS)), json_values)
def test_two_faults_at_once_are_reported_or_harmless(schema: LabelSchema, one: str, another: str, extra: Any) -> None:
    raw = task()
    for name in (one, another):
        # The first fault may take away what the second is about.
        with suppress(KeyError, IndexError, TypeError, AttributeError):
            EXPORTS[name][0](raw)
    raw["extra"] = extra
    decoded = decode(_kept(raw), schema)
    for annotation in decoded.annotations:
        assert Annotation.model_validate_json(annotation.to_json()) == annotation
    assert len({annotation.id for annotation in decoded.annotations}) == len(decoded.annotations)
    json.dumps(decoded.issues).encode()


BOMB = "<!DOCTYPE v [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]><View>&c;</View>"
DISK = "<!DOCTYPE v [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><View>&a;</View>"
MORE = '<Labels name="more" toName="text"><Label value="X"/></Labels></View>'

# What was done to the project's config, and what is told of it; None: nothing, since it means the same.
CONFIGS: dict[str, tuple[Callable[[str], str], str | None]] = {
    "two texts": (
        lambda c: c.replace("<Text ", '<Text name="headline" value="$title"/><Text ', 1),
        "removed: object headline",
    ),
    "to another text": (lambda c: c.replace('toName="text"', 'toName="headline"'), "toName of control entity"),
    "text renamed": (lambda c: c.replace('name="text"', 'name="body"'), "added: object text"),
    "text of another key": (lambda c: c.replace("$text", "$body"), "value of object text from $body to $text"),
    "text by address": (lambda c: c.replace("<Text ", '<Text valueType="url" '), "valueType of object text"),
    "HyperText": (lambda c: c.replace("<Text ", "<HyperText ").replace("</Text>", "</HyperText>"), "kind of object"),
    "words only": (lambda c: c.replace('"symbol"', '"word"'), "granularity of object text"),
    "control renamed": (lambda c: c.replace('name="entity"', 'name="ner"'), "removed: control ner"),
    "control added": (lambda c: c.replace("</View>", MORE, 1), "removed: label X of more"),
    "choices renamed": (lambda c: c.replace('"attribute-mention"', '"attribute-form"'), "added: control attribute-m"),
    "choice renamed": (lambda c: c.replace('value="pronoun"', 'value="Pronoun"'), "removed: choice Pronoun"),
    "choices for the whole text": (lambda c: c.replace('perRegion="true"', 'perRegion="false"'), "from false to true"),
    "several choices": (lambda c: c.replace("single-radio", "multiple"), "choice of control attribute-mention"),
    "label renamed": (lambda c: c.replace('value="Weapon"', 'value="Arms"'), "removed: label Arms of entity"),
    "label shown otherwise": (lambda c: c.replace('value="Weapon"', 'value="Arms" alias="Weapon"'), None),
    "label in other letters": (lambda c: c.replace('value="Weapon"', 'value="weapon"'), "removed: label weapon"),
    "label hidden": (lambda c: c.replace('value="Weapon"', 'value="Weapon" visible="false"'), None),
    "label without a value": (lambda c: c.replace("<Label ", "<Label/><Label ", 1), "removed: label"),
    "labels in other colours": (lambda c: c.replace('background="#', 'background="#0'), None),
    "role removed": (lambda c: c.replace('value="attacker"', 'value="target"'), "added: relation attacker"),
    "written anew": (lambda c: "<?xml version='1.0'?>\n" + c.replace("><", ">\n<"), None),
    "a comment and a heading": (lambda c: c.replace("</View>", "<!-- mine --><Header value='x'/></View>", 1), None),
    "a byte order mark": (lambda c: "\ufeff" + c, None),
    "white space in front": (lambda c: "\n  " + c, None),
    "empty": (lambda c: "", "is not XML"),
    "JSON": (lambda c: '{"label_config": "<View/>"}', "is not XML"),
    "cut off": (lambda c: c[:-9], "is not XML"),
    "a bare ampersand": (lambda c: c.replace("Weapon", "Arms & men", 1), "is not XML"),
    "an attribute twice": (lambda c: c.replace("<Text ", '<Text name="text" ', 1), "is not XML"),
    "an entity no one declared": (lambda c: c.replace("</View>", "&nbsp;</View>", 1), "is not XML"),
    "a bomb of entities": (lambda c: BOMB, "DOCTYPE"),
    "a file of the disk": (lambda c: DISK, "DOCTYPE"),
    "a NUL": (lambda c: c.replace("Weapon", "Wea\x00pon"), "is not XML"),
    "half a pair": (lambda c: c.replace("Weapon", "Wea\ud800pon"), "is not XML"),
    "an image": (lambda c: c.replace("<Text ", '<Image name="i" value="$i"/><Text ', 1), "removed: object i"),
    "nothing but a view": (lambda c: "<View/>", "added: object text"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_what_was_done_to_a_config_is_told(schema: LabelSchema, name: str) -> None:
    edit, told = CONFIGS[name]
    wanted = ET.canonicalize(labelling_config(schema), strip_text=True)
    there = edit(wanted)
    assert there != wanted
    try:
        differences = "; ".join(map(str, config_differences(there, wanted)))
    except LabelStudioError as error:
        differences = str(error)
        assert "\n" not in differences
    assert told in differences if told else differences == ""


@given(st.data())
def test_a_config_edited_at_random_is_compared_or_refused(schema: LabelSchema, data: st.DataObject) -> None:
    wanted = labelling_config(schema)
    page = ET.fromstring(wanted)
    for _ in range(data.draw(st.integers(1, 5))):
        elements = list(page.iter())
        one, another = data.draw(st.sampled_from(elements)), data.draw(st.sampled_from(elements))
        what = data.draw(st.sampled_from(["tag", "set", "unset", "double", "empty"]))
        if what == "tag":
            one.tag = another.tag
        elif what == "set":
            key = data.draw(st.sampled_from(["name", "toName", "value", "alias", "perRegion", "choice", "x"]))
            one.set(key, data.draw(st.sampled_from(["text", "entity", "", "$text", "Weapon", "\u2028", "<&>"])))
        elif what == "unset" and one.attrib:
            del one.attrib[data.draw(st.sampled_from(sorted(one.attrib)))]
        elif what == "double" and one is not page:
            page.append(copy.deepcopy(one))
        elif what == "empty":
            for child in list(one):
                one.remove(child)
    there = ET.tostring(page, encoding="unicode")
    try:
        told, back = config_differences(there, wanted), config_differences(wanted, there)
    except LabelStudioError as error:
        assert "\n" not in str(error)
        return
    # What one way adds, the other removes.
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert {(turned[one.kind], one.name) for one in told} == {(one.kind, one.name) for one in back}
