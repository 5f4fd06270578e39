"""The same rows give the same release, whole or not at all, and what it holds is what went in."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from made import ABOUT, SCHEMA, corpus, reviewed, words

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.errors import Busy, ReleaseError
from curation.release import ReviewedArticle, Selection, build_release, latest_release, load_release, verify
from curation.release.manifest import Manifest, read_labels
from curation.release.rows import DOCUMENTS, annotation_of, read_rows
from curation.schema import LabelSchema

MADE = Path(__file__).with_name("made.py")


def build(rows: list[ReviewedArticle], out: Path, **options: Any) -> Any:
    return build_release(rows, options.pop("schema", SCHEMA), out, about=ABOUT, **options)


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def elsewhere(out: Path, *arguments: str, seed: str = "1") -> subprocess.CompletedProcess[str]:
    """`made.py` in a process of its own."""
    environment = os.environ | {"PYTHONHASHSEED": seed}
    command = [sys.executable, str(MADE), str(out), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def changed(row: ReviewedArticle, **annotation: Any) -> ReviewedArticle:
    return row._replace(annotation=row.annotation.model_copy(update=annotation))


def test_process_order_and_hash_seed_change_no_byte(tmp_path: Path) -> None:
    runs = [
        elsewhere(tmp_path / "one", "1500", "5", seed="1"),
        elsewhere(tmp_path / "two", "1500", "5", "--shuffle", seed="2"),
    ]
    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr + runs[1].stderr
    assert runs[0].stdout == runs[1].stdout
    first = contents(tmp_path / "one" / "v0.1.0")
    assert first == contents(tmp_path / "two" / "v0.1.0")
    assert len(first) == 22
    groups = pq.read_metadata(tmp_path / "one" / "v0.1.0" / "documents" / "train.parquet").num_row_groups
    assert groups == 3, "the borders between row groups are to be tested too"


def test_what_load_dataset_reads_is_what_went_in(tmp_path: Path) -> None:
    rows = corpus(40)
    report = build(rows, tmp_path)
    loaded = load_dataset(str(report.folder), "documents")
    labels = read_labels(report.folder)
    found = {}
    for split in loaded.values():
        types = split.features["entities"].feature["type"]
        roles = split.features["events"].feature["arguments"].feature["role"]
        assert tuple(types.names) == labels.entity_types == ("Person", "Place")
        assert tuple(split.features["events"].feature["type"].names) == labels.event_types
        assert tuple(roles.names) == labels.roles
        mention = split.features["entities"].feature["attributes"]["mention"]
        assert tuple(mention.names) == labels.entity_attributes["mention"]
        for row in split:
            found[row["id"]] = row
            assert [row["text"][one["start"] : one["end"]] for one in row["entities"]] == [
                one["text"] for one in row["entities"]
            ]
            assert [types.int2str(one["type"]) for one in row["entities"]] == ["Person", "Place"]
    assert sorted(found) == [one.article.id for one in rows]
    article, annotation = rows[3].article, rows[3].annotation
    row = found[article.id]
    assert (row["text"], row["text_sha256"], row["published"]) == (
        article.text,
        article.text_sha256,
        article.published,
    )
    assert (row["annotation_id"], row["parent"], row["annotator"]) == (annotation.id, annotation.parent, "person:1")
    assert row["entities"][0]["score"] == 0.5
    assert row["entities"][1]["score"] is None
    assert row["events"][0]["arguments"][1]["origin"] == "person:1"
    assert row["events"][1]["arguments"][0]["filler_kind"] == "event"
    assert row["annotated_types"] == ["Person", "Place", "Move", "Report"]


def test_every_row_turns_back_into_its_annotation(tmp_path: Path) -> None:
    rows = {one.article.id: one.annotation for one in corpus(20)}
    report = build(corpus(20), tmp_path)
    labels = read_labels(report.folder)
    for split in report.splits:
        for row in read_rows(report.folder / "documents" / f"{split}.parquet", labels.of_config(DOCUMENTS)):
            made, given = annotation_of(row), rows.pop(row["id"])
            assert made.entities[0] == given.entities[0].model_copy(update={"attributes": {"mention": "name"}})
            assert made.entities[1] == given.entities[1]
            assert sorted(made.events[0].arguments, key=str) == sorted(given.events[0].arguments, key=str)
            assert (made.id, made.annotator, made.parent) == (given.id, given.annotator, given.parent)
    assert rows == {}


def test_a_second_build_changes_nothing(tmp_path: Path) -> None:
    first = build(corpus(30), tmp_path)
    before = contents(first.folder)
    for options in ({}, {"previous": first.folder}, {"previous": first.folder, "version": "0.1.0"}):
        again = build(corpus(30), tmp_path, **options)
        assert again.unchanged
        assert (again.version, again.logical_sha256) == ("0.1.0", first.logical_sha256)
    assert contents(first.folder) == before
    assert [path.name for path in tmp_path.glob("v*")] == ["v0.1.0"]


def test_the_same_version_with_other_content_is_refused(tmp_path: Path) -> None:
    first = build(corpus(30), tmp_path)
    before = contents(first.folder)
    with pytest.raises(ReleaseError, match=r"0\.1\.0 is there already.*next free one is 0\.1\.1"):
        build(corpus(31), tmp_path, version="0.1.0")
    with pytest.raises(ReleaseError, match=r"0\.1\.0 is there already.*next free one is 0\.2\.0"):
        build(corpus(31), tmp_path, version="0.1.0", previous=first.folder)
    assert contents(first.folder) == before
    assert latest_release(tmp_path) == first.folder


def test_a_standing_release_that_was_damaged_is_not_called_unchanged(tmp_path: Path) -> None:
    first = build(corpus(30), tmp_path)
    (first.folder / "documents" / "train.parquet").write_bytes(b"")
    with pytest.raises(ReleaseError, match=r"train\.parquet"):
        build(corpus(30), tmp_path)


def test_nothing_reviewed_is_one_line_and_no_release(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="nothing to release"):
        build([], tmp_path)
    assert left(tmp_path) == []


ROW = reviewed("a-1", "Kel went to Torva and said so.")
FIRST, SECOND = ROW.annotation.entities


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            changed(ROW, entities=(FIRST.model_copy(update={"type": "Ship"}), SECOND)),
            r"a-1: e1: entity type Ship .*unknown-type",
        ),
        (
            changed(ROW, entities=(FIRST.model_copy(update={"end": 99}), SECOND)),
            r"a-1: e1: ends at 99.*outside-text",
        ),
        (changed(ROW, state="draft"), "a-1: .* is draft, not reviewed"),
        (changed(ROW, annotator=Annotator(kind="engine", name="rules", version="1")), "a-1: .* by engine"),
        (changed(ROW, annotator=Annotator(kind="person", name="kel@torva.example")), "a-1: .* e-mail"),
        (
            changed(ROW, events=(ROW.annotation.events[0].model_copy(update={"origin": "person:kel@torva.example"}),)),
            "a-1: .* e-mail",
        ),
        (
            ROW._replace(article=ROW.article.model_copy(update={"title": "half \ud83d"})),
            "a-1: holds .*half a character",
        ),
        (ROW._replace(annotated_types=("Person", "Ship")), "a-1: annotated types: Ship"),
        (ROW._replace(article=reviewed("a-1", "Another text of four words.").article), "a-1: .*another revision"),
    ],
)
def test_a_row_that_does_not_fit_is_named_and_nothing_is_built(tmp_path: Path, row: ReviewedArticle, said: str) -> None:
    with pytest.raises(ReleaseError, match=said) as caught:
        build([*corpus(5), row], tmp_path)
    assert "\n" not in str(caught.value)
    assert "kel@torva" not in str(caught.value)
    assert left(tmp_path) == []


def test_an_article_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="article a-0002 comes twice"):
        build([*corpus(5), reviewed("a-0002", "Another text of the same article.")], tmp_path)
    assert left(tmp_path) == []


def left(out: Path) -> list[str]:
    """What a build left in `out` beside its lock."""
    return sorted(path.name for path in out.iterdir() if path.name != ".building.lock")


def test_killed_in_the_middle_it_leaves_nothing_under_the_final_name(tmp_path: Path) -> None:
    command = [sys.executable, str(MADE), str(tmp_path), "2500", "0", "--pause"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    with pytest.raises(Busy, match="another build is running"):
        build(corpus(5), tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert left(tmp_path) == [".building.part"]
    assert latest_release(tmp_path) is None
    # The next run sweeps up and gets it done.
    report = build(corpus(30), tmp_path)
    assert left(tmp_path) == ["v0.1.0"]
    assert verify(report.folder) == []


@pytest.mark.parametrize("limit", [20_000, 400_000])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    """Files that may not grow past `limit` bytes fail as a full disk does: early, in the rows, or late."""
    run = elsewhere(tmp_path, "300", "0", f"--largest={limit}")
    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith("curation.errors.ReleaseError")
    assert "free space" in last
    assert left(tmp_path) == []


def test_growth_keeps_splits_labels_and_history(tmp_path: Path) -> None:
    first = build(corpus(30), tmp_path)
    grown = SCHEMA.model_dump(mode="json")
    grown["version"] = "1.1.0"
    # The new types stand first in the schema; their integers come last all the same.
    grown["entity_types"].insert(0, {"name": "Ship", "definition": "A ship.", "colour": "#556677"})
    roles = [{"name": "buyer", "definition": "Who buys.", "fillers": ["Person"]}]
    grown["event_types"].insert(
        0, {"name": "Trade", "definition": "Goods change hands.", "colour": "#667788", "roles": roles}
    )
    schema = LabelSchema.model_validate(grown)
    second = build(corpus(45), tmp_path, schema=schema, previous=first.folder)
    assert (second.version, second.bump) == ("0.2.0", "minor")
    labels = read_labels(second.folder)
    assert labels.entity_types == ("Person", "Place", "Ship")
    assert labels.event_types == ("Move", "Report", "Trade")
    assert labels.roles == ("mover", "goal", "topic", "buyer")
    manifest = Manifest.read(second.folder)
    assert [was.version for was in manifest.history] == ["0.1.0"]
    assert manifest.changes is not None
    assert (manifest.changes.added, manifest.changes.corrected) == (15, 0)
    assert manifest.changes.entities["Person"].added == 15

    old, new = load_release(tmp_path, "0.1.0"), load_release(tmp_path, "0.2.0")
    place = {one: name for name, split in new.items() for one in split["id"]}
    assert all(place[one] == name for name, split in old.items() for one in split["id"])
    # Annotated before Ship and Trade were there: that is told, and so nobody reads them as absent.
    assert new["train"]["annotated_types"][0] == ["Person", "Place", "Move", "Report"]
    changes = (second.folder / "CHANGELOG.md").read_text()
    assert changes.index("## 0.2.0") < changes.index("## 0.1.0")
    assert "- 15 articles new" in changes
    assert verify(second.folder) == []


def test_a_type_that_goes_makes_a_major_release_and_nothing_less(tmp_path: Path) -> None:
    first = build(corpus(30), tmp_path)
    less = SCHEMA.model_dump(mode="json")
    less["event_types"] = less["event_types"][:1]
    schema = LabelSchema.model_validate(less | {"version": "2.0.0"})
    rows = [changed(one, events=one.annotation.events[:1]) for one in corpus(30)]
    with pytest.raises(ReleaseError, match=r"event type Report is gone, which calls for a major one; take 1\.0\.0"):
        build(rows, tmp_path, schema=schema, previous=first.folder, version="0.2.0")
    assert left(tmp_path) == ["v0.1.0"]
    assert build(rows, tmp_path, schema=schema, previous=first.folder).version == "1.0.0"
    forced = build(rows, tmp_path, schema=schema, previous=first.folder, version="0.2.0", force=True)
    assert (forced.version, forced.bump) == ("0.2.0", "minor")


def test_corrections_make_a_patch_and_are_counted(tmp_path: Path) -> None:
    first = build(corpus(30), tmp_path)
    rows = corpus(30)
    one = rows[4].annotation
    moved = one.entities[1].model_copy(update={"end": one.entities[1].end - 1})
    rows[4] = changed(rows[4], id="ann-new", entities=(one.entities[0], moved), events=one.events[:1])
    second = build(rows, tmp_path, previous=first.folder)
    assert (second.version, second.bump) == ("0.1.1", "patch")
    assert second.reasons == ("1 article corrected",)
    changes = second.changes
    assert changes.corrected == 1
    assert changes.entities["Place"].changed == 1
    assert changes.events["Report"].removed == 1
    assert changes.arguments["topic"].removed == 1


def test_a_new_text_and_an_article_left_out_make_a_minor_release(tmp_path: Path) -> None:
    first = build(corpus(30), tmp_path)
    rows = corpus(30)[1:]
    rows[0] = reviewed(rows[0].article.id, words(50, random.Random(9)))
    second = build(rows, tmp_path, previous=first.folder)
    assert (second.version, second.articles) == ("0.2.0", 29)
    assert (second.changes.left_out, second.changes.revised, second.changes.added) == (1, 1, 0)
    # The one left out keeps its place for the day it comes back.
    assert "a-0000," in (second.folder / "splits.csv").read_text()
    third = build(corpus(30), tmp_path, previous=second.folder)
    assert third.version == "0.3.0"
    assert [line for line in (third.folder / "splits.csv").read_text().splitlines() if line.startswith("a-0000,")] == [
        line for line in (first.folder / "splits.csv").read_text().splitlines() if line.startswith("a-0000,")
    ]


def test_a_release_that_another_one_stands_on_is_looked_at_first(tmp_path: Path) -> None:
    first = build(corpus(30), tmp_path)
    table = first.folder / "splits.csv"
    table.write_text(table.read_text().replace("validation", "test"))
    with pytest.raises(ReleaseError, match=r"v0\.1\.0: splits\.csv"):
        build(corpus(31), tmp_path, previous=first.folder)
    with pytest.raises(ReleaseError, match=r"manifest\.json: cannot be read"):
        build(corpus(31), tmp_path, previous=tmp_path / "v9.9.9")


def test_one_article_of_a_schema_without_events_loads(tmp_path: Path) -> None:
    """No attributes, no events, no metadata, two splits without rows."""
    bare = {"name": "bare", "version": "1.0.0", "title": "Bare", "description": "Ships only."}
    ship = {"name": "Ship", "definition": "A ship.", "colour": "#112233"}
    schema = LabelSchema.model_validate(bare | {"entity_types": [ship]})
    article = Article(id="only", text="The Kestrel sailed.", published=datetime(2031, 5, 1))
    annotation = Annotation(
        id="x",
        article_id="only",
        text_sha256=article.text_sha256,
        schema_ref="bare@0.9.0",
        annotator=Annotator(kind="person", name="2"),
        state="reviewed",
    )
    report = build([ReviewedArticle(article, annotation)], tmp_path, schema=schema)
    loaded = load_release(tmp_path, report.version)
    assert {name: split.num_rows for name, split in loaded.items()} == report.splits
    assert sum(report.splits.values()) == 1
    assert len({str(split.features) for split in loaded.values()}) == 1
    (row,) = [row for split in loaded.values() for row in split]
    assert (row["entities"], row["events"], row["title"]) == ([], [], None)
    assert row["annotated_types"] is None, "no release knows bare@0.9.0"
    assert row["published"].isoformat() == "2031-05-01T00:00:00+00:00"
    assert verify(report.folder) == []


def test_articles_jsonl_says_where_each_annotation_came_from(tmp_path: Path) -> None:
    report = build(corpus(10), tmp_path)
    lines = [json.loads(line) for line in (report.folder / "articles.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == [f"a-{n:04}" for n in range(10)]
    given = corpus(10)[0].annotation
    assert lines[0]["annotation"] == given.id
    assert lines[0]["parent"] == given.parent
    assert lines[0]["annotator"] == "person:1"
    assert lines[0]["snapshot"] == "pull-1"
    assert Manifest.read(report.folder).snapshots == ("pull-1",)


def by_engine(row: ReviewedArticle) -> ReviewedArticle:
    engine = Annotator(kind="engine", name="rules", version="1.0.0")
    return changed(row, annotator=engine, state="predicted", parent=None)._replace(chosen="engine")


def test_engine_only_articles_come_in_only_when_asked_for_and_are_marked(tmp_path: Path) -> None:
    rows = [by_engine(row) if n < 3 else row._replace(chosen="latest") for n, row in enumerate(corpus(30))]
    with pytest.raises(ReleaseError, match=r"a-0000: .* by engine is predicted, not reviewed"):
        build(rows, tmp_path)
    report = build(rows, tmp_path, selection=Selection(engine_only=True))
    found = [row for split in load_release(tmp_path, "0.1.0").values() for row in split]
    marks = {(row["state"], row["annotator"], row["chosen"]) for row in found if row["id"] < "a-0003"}
    assert marks == {("predicted", "engine:rules@1.0.0", "engine")}
    assert {row["state"] for row in found if row["id"] >= "a-0003"} == {"submitted"}
    page = (report.folder / "README.md").read_text()
    assert "- 3 articles were annotated by an engine alone" in page
    assert "| engine | 3 |" in page
    assert "- expert-generated\n- machine-generated\n" in page
    drafts = [changed(by_engine(row), state="draft") for row in corpus(2)]
    with pytest.raises(ReleaseError, match="is draft, not reviewed"):
        build(drafts, tmp_path / "drafts", selection=Selection(engine_only=True))


def test_articles_under_other_licences_stay_out(tmp_path: Path) -> None:
    rows = corpus(30)
    for n, licence in ((3, None), (4, "all rights reserved"), (5, "cc0-1.0")):
        rows[n] = rows[n]._replace(article=rows[n].article.model_copy(update={"licence": licence}))
    report = build(rows, tmp_path, selection=Selection(licences=("CC0-1.0",)))
    assert (report.articles, report.barred) == (28, {"licence": 2})
    ids = {one for split in load_release(tmp_path, "0.1.0").values() for one in split["id"]}
    assert ids == {f"a-{n:04}" for n in range(30)} - {"a-0003", "a-0004"}
    assert "Only articles under CC0-1.0 are in it." in (report.folder / "README.md").read_text()
    with pytest.raises(ReleaseError, match="nothing to release"):
        build(rows, tmp_path, selection=Selection(licences=("MIT",)))


def test_a_withdrawn_article_is_gone_for_good_and_named_without_its_text(tmp_path: Path) -> None:
    first = build(corpus(30), tmp_path)
    selection = Selection(withdrawn={"a-0007": "<b>asked</b> by the source", "a-0008": None, "never-in": "secret"})
    second = build(corpus(30), tmp_path, previous=first.folder, selection=selection)
    assert (second.version, second.articles, second.barred) == ("0.2.0", 28, {"withdrawn": 2})
    changes = (second.folder / "CHANGELOG.md").read_text()
    assert "- a-0007: &lt;b&gt;asked&lt;/b&gt; by the source\n- a-0008\n" in changes
    gone = corpus(30)[7].article
    for path in second.folder.rglob("*"):
        held = path.read_bytes() if path.is_file() else b""
        assert b"never-in" not in held
        assert b"secret" not in held
        assert gone.text[:30].encode() not in held
        assert (gone.title or "").encode() not in held
    assert not any("a-0007" in split["id"] for split in load_release(tmp_path, "0.2.0").values())
    third = build(corpus(31), tmp_path, previous=second.folder, selection=selection)
    latest = (third.folder / "CHANGELOG.md").read_text().split("## 0.2.0")[0]
    assert "Withdrawn" not in latest, "it is told once"
    assert (third.articles, third.changes.added) == (29, 1)


def test_split_by_time_cuts_once_and_keeps_near_duplicates_together(tmp_path: Path) -> None:
    rows = []
    for n, row in enumerate(corpus(40)):
        published = datetime(2031, 1, 1, tzinfo=UTC) + timedelta(days=(n * 7) % 40)
        rows.append(row._replace(article=row.article.model_copy(update={"published": published})))
    early = min(rows, key=lambda row: row.article.published)
    late = max(rows, key=lambda row: row.article.published)
    # What is published last is an update of what was published first.
    text = early.article.text[:-1] + " and more."
    update = reviewed(late.article.id, text)
    rows[rows.index(late)] = update._replace(
        article=update.article.model_copy(update={"published": late.article.published})
    )
    first = build(rows, tmp_path, split_by="time")
    assert first.splits == {"train": 33, "validation": 4, "test": 3}
    days = {
        name: [time.date() for one, time in zip(split["id"], split["published"], strict=True) if one != late.article.id]
        for name, split in load_release(tmp_path, "0.1.0").items()
    }
    assert max(days["train"]) < min(days["validation"])
    assert max(days["validation"]) < min(days["test"])
    assert first.leakage is None
    facts = Manifest.read(first.folder).splits
    assert facts.by == "time"
    assert facts.cuts is not None
    assert f"{facts.cuts[0].isoformat()} are for train" in (first.folder / "README.md").read_text()

    newer = reviewed("z-new", words(60, random.Random(5)))
    newer = newer._replace(article=newer.article.model_copy(update={"published": datetime(2031, 1, 2, tzinfo=UTC)}))
    second = build([*rows, newer], tmp_path, previous=first.folder)
    assert Manifest.read(second.folder).splits.cuts == facts.cuts
    assert "z-new" in load_release(tmp_path, second.version)["train"]["id"]
    with pytest.raises(ReleaseError, match=r"0\.2\.0 was split by time, and an article never changes its split"):
        build([*rows, newer], tmp_path, previous=second.folder, split_by="hash")
    undated = newer._replace(article=newer.article.model_copy(update={"published": None}))
    with pytest.raises(ReleaseError, match="z-new: does not say when it was published"):
        build([*rows, undated], tmp_path, previous=second.folder)


@pytest.mark.parametrize("fractions", [(0.5, 0.4, 0.2), (1.2, -0.2, 0.0)])
def test_shares_that_do_not_add_up_are_refused(tmp_path: Path, fractions: tuple[float, float, float]) -> None:
    with pytest.raises(ReleaseError, match="three shares"):
        build(corpus(3), tmp_path, split_fractions=fractions)
