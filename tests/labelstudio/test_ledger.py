from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import random_work as made

from curation.annotation import Annotation
from curation.errors import BadInput, CurationError
from curation.labelstudio import to_labelstudio
from curation.labelstudio.constants import ANNOTATE
from curation.labelstudio.ledger import KnownProject, Ledger, Planned
from curation.schema import LabelSchema

URL = "http://host"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


@pytest.fixture
def project(ledger: Ledger) -> KnownProject:
    return ledger.remember_project(URL, 4, "News", "conflict-news", "2026-01-01T00:00:00Z", "<View/>")


def planned(name: str, text: str = "1") -> Planned:
    return Planned(name, text * 64, ANNOTATE, "ann-" + name, "dice@1", "digest")


def on_server(number: int, name: str, batch: str, text: str = "1") -> dict[str, Any]:
    data = {"article_id": name, "text_sha256": text * 64, "purpose": ANNOTATE, "batch": batch, "text": "…"}
    return {"id": number, "data": data}


def live(ledger: Ledger, project: KnownProject, name: str, text: str = "1") -> list[int | None]:
    return [task.task_id for task in ledger.tasks_of(project, name, text * 64, ANNOTATE) if not task.deleted]


def test_an_import_is_intended_then_done(ledger: Ledger, project: KnownProject) -> None:
    ledger.begin_import(project, "b1", [planned("x"), planned("y")])
    assert live(ledger, project, "x") == [None]
    assert [batch for batch, _, _ in ledger.unfinished_requests(project)] == ["b1"]
    assert ledger.confirm_import(project, "b1", [10, 11]) == 0
    assert live(ledger, project, "y") == [11]
    assert ledger.unfinished_requests(project) == []
    assert ledger.count_tasks(project) == 2
    assert ledger.newest_task(project) == (11, ("y", "1" * 64, ANNOTATE, "b1"))
    assert ledger.current_prediction(project, 10) == "ann-x"


def test_what_was_intended_survives_the_process(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        project = ledger.remember_project(URL, 4, "News", "s", "2026", "")
        ledger.begin_import(project, "b1", [planned("x")])
    with Ledger(tmp_path) as ledger:
        (project,) = ledger.projects(URL, "s")
        assert [batch for batch, _, _ in ledger.unfinished_requests(project)] == ["b1"]


def test_an_import_found_on_the_server_is_matched_by_what_it_holds(ledger: Ledger, project: KnownProject) -> None:
    ledger.begin_import(project, "b1", [planned("x"), planned("y")])
    ledger.recover_import(project, "b1", [on_server(21, "y", "b1"), on_server(20, "x", "b1")])
    assert (live(ledger, project, "x"), live(ledger, project, "y")) == ([20], [21])
    assert ledger.current_prediction(project, 21) == "ann-y"
    assert ledger.unfinished_requests(project) == []


def test_an_import_that_was_lost_frees_its_articles_and_is_watched(ledger: Ledger, project: KnownProject) -> None:
    ledger.begin_import(project, "b1", [planned("x")])
    ledger.abandon_request("b1")
    assert ledger.tasks_of(project, "x", "1" * 64, ANNOTATE) == []
    assert [batch for batch, _ in ledger.abandoned_requests(project, "tasks")] == ["b1"]
    assert ledger.abandoned_requests(project, "predictions") == []


def test_a_pull_that_sees_tasks_of_an_import_under_way_does_not_double_them(
    ledger: Ledger, project: KnownProject
) -> None:
    ledger.begin_import(project, "b1", [planned("x"), planned("y")])
    ledger.add_from_server(project, [on_server(30, "x", "b1"), on_server(31, "y", "b1")])
    ledger.confirm_import(project, "b1", [30, 31])
    assert ledger.task_ids(project) == [30, 31]
    assert ledger.current_prediction(project, 31) == "ann-y"


def test_a_new_text_supersedes_the_older_one(ledger: Ledger, project: KnownProject) -> None:
    ledger.begin_import(project, "b1", [planned("x"), planned("y")])
    ledger.confirm_import(project, "b1", [1, 2])
    ledger.begin_import(project, "b2", [planned("x", "2")])
    assert not ledger.tasks_of(project, "x", "1" * 64, ANNOTATE)[0].superseded, "not before the new one is there"
    assert ledger.confirm_import(project, "b2", [3]) == 1
    assert {task.task_id: task.superseded for task in ledger.tasks(project)} == {1: True, 2: False, 3: False}
    (old,) = ledger.tasks_of(project, "x", "1" * 64, ANNOTATE)
    assert ledger.make_current(project, old) == 1
    assert {task.task_id: task.superseded for task in ledger.tasks(project)} == {1: False, 2: False, 3: True}


def test_a_rebuilt_ledger_takes_the_last_text_as_current(ledger: Ledger, project: KnownProject) -> None:
    ledger.add_from_server(project, [on_server(1, "x", "b"), on_server(2, "x", "c", "2"), on_server(3, "y", "c")])
    ledger.settle_revisions(project)
    assert {task.task_id: task.superseded for task in ledger.tasks(project)} == {1: True, 2: False, 3: False}


def test_adopting_reads_where_a_prediction_comes_from(
    ledger: Ledger, project: KnownProject, schema: LabelSchema
) -> None:
    article = made.article(1)
    annotation = made.annotation(article, schema, 1)
    task = {"id": 5, **to_labelstudio.task(article, annotation, schema, batch="b")}
    digest = to_labelstudio.digest(task["predictions"][0]["result"])
    ledger.add_from_server(project, [task, {"id": 6, "data": {"text": "made by hand"}}])
    (known,) = ledger.tasks_of(project, article.id, article.text_sha256, ANNOTATE)
    assert (known.annotation_id, known.digest) == (annotation.id, digest)
    assert ledger.task_ids(project) == [5, 6]
    assert ledger.duplicate_tasks(project) == []


def test_tasks_that_went_and_came_back(ledger: Ledger, project: KnownProject) -> None:
    ledger.add_from_server(project, [on_server(1, "x", "b"), on_server(2, "y", "b")])
    ledger.mark_deleted(project, [2])
    assert (ledger.task_ids(project), ledger.count_tasks(project), ledger.newest_task(project)[0]) == ([1], 1, 1)
    ledger.add_from_server(project, [on_server(2, "y", "b")])
    assert ledger.task_ids(project) == [1, 2]


def test_an_id_that_is_used_again_names_the_new_task_alone(ledger: Ledger, project: KnownProject) -> None:
    ledger.add_from_server(project, [on_server(1, "x", "b"), on_server(2, "y", "b")])
    ledger.mark_deleted(project, [2])
    ledger.begin_import(project, "c", [planned("z")])
    ledger.confirm_import(project, "c", [2])
    assert live(ledger, project, "z") == [2]
    assert live(ledger, project, "y") == []
    (old,) = ledger.tasks_of(project, "y", "1" * 64, ANNOTATE)
    assert old.deleted
    ledger.add_from_server(project, [on_server(2, "w", "d")])  # deleted and used again behind our back
    assert (live(ledger, project, "z"), live(ledger, project, "w")) == ([], [2])
    assert ledger.task_ids(project) == [1, 2]


def test_doubles_are_live_tasks_of_one_text(ledger: Ledger, project: KnownProject) -> None:
    ledger.add_from_server(project, [on_server(1, "x", "b"), on_server(3, "x", "c"), on_server(2, "x", "d", "2")])
    assert ledger.duplicate_tasks(project) == [[1, 3]]
    ledger.forget_tasks(project, [3])
    assert ledger.duplicate_tasks(project) == []


def test_predictions_under_way_count_as_unknown(ledger: Ledger, project: KnownProject) -> None:
    ledger.begin_import(project, "b1", [planned("x")])
    ledger.confirm_import(project, "b1", [1])
    (task,) = ledger.tasks_of(project, "x", "1" * 64, ANNOTATE)
    ledger.begin_predictions(project, "p1", [task])
    assert ledger.tasks_of(project, "x", "1" * 64, ANNOTATE)[0].digest is None
    ledger.set_prediction(task, 77, "ann-2", "dice@2", "other")
    ledger.end_predictions("p1", sure=False)
    assert ledger.tasks_of(project, "x", "1" * 64, ANNOTATE)[0].digest == "other"
    assert [batch for batch, _ in ledger.abandoned_requests(project, "predictions")] == ["p1"]
    assert ledger.refreshed_since(project, 0) == {1}


def test_a_project_is_told_by_number_and_birth(ledger: Ledger, project: KnownProject) -> None:
    ledger.add_from_server(project, [on_server(1, "x", "b")])
    moved = ledger.remember_project("http://other", 4, "News", "conflict-news", "2026-01-01T00:00:00Z", "")
    assert moved.key == project.key
    assert ledger.task_ids(moved) == [1]
    other = ledger.remember_project("http://other", 4, "News", "conflict-news", "2026-02-02T00:00:00Z", "")
    assert ledger.task_ids(other) == []
    assert ledger.all_projects() == [other]


def test_what_was_sent_is_found_by_id(ledger: Ledger, schema: LabelSchema) -> None:
    annotations = [made.annotation(made.article(seed), schema, seed) for seed in range(3)]
    ledger.record_sent(one.to_json() for one in annotations[:2])
    assert ledger.sent(annotations[1].id) == annotations[1]
    assert ledger.sent(annotations[2].id) is None
    with ledger.sent_path.open("ab") as file:
        file.write(b'{"id": "cut sho')  # a kill while writing
    ledger.record_sent(one.to_json() for one in annotations[2:])
    assert ledger.sent(annotations[2].id) == annotations[2]
    assert ledger.sent(annotations[0].id) == annotations[0]


@pytest.fixture
def sent(ledger: Ledger, schema: LabelSchema) -> list[Annotation]:
    """Four annotations that were sent, in two batches."""
    annotations = [made.annotation(made.article(seed), schema, seed) for seed in range(4)]
    ledger.record_sent(one.to_json() for one in annotations[:2])
    ledger.record_sent(one.to_json() for one in annotations[2:])
    return annotations


def lines_without(lines: list[bytes], number: int) -> list[bytes]:
    return lines[:number] + lines[number + 1 :]


DAMAGE = {
    "last line gone": (lambda lines: lines[:-1], r"is cut short: \d+ bytes, and there were \d+"),
    "first line gone": (lambda lines: lines[1:], "is cut short"),
    "last line cut": (lambda lines: [*lines[:-1], lines[-1][:40]], "is cut short"),
    "empty": (lambda lines: [], "is cut short"),
    "overwritten": (lambda lines: [lines[0], b"#" * (len(lines[1]) - 1) + b"\n", *lines[2:]], r"jsonl:2: is not"),
    "key": (
        lambda lines: [lines[0], lines[1].replace(b'"start":', b'"stArt":'), *lines[2:]],
        r"jsonl:2: is not",
    ),
    "zeros": (lambda lines: [*lines[:2], b"\0" * len(lines[2]), lines[3]], r"jsonl:3: is not"),
    "junk behind": (lambda lines: [*lines, b"junk\n"], r"jsonl:5: is not an annotation"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_to_what_was_sent_is_reported_whatever_is_asked(
    ledger: Ledger, sent: list[Annotation], how: str
) -> None:
    change, message = DAMAGE[how]
    ledger.sent_path.write_bytes(b"".join(change(ledger.sent_path.read_bytes().splitlines(keepends=True))))
    for ask in (
        lambda: ledger.sent(sent[0].id),
        lambda: ledger.sent("never sent"),
        ledger.check_sent,
        lambda: ledger.record_sent([sent[0].to_json()]),
    ):
        with pytest.raises(BadInput, match=f"{message}.*restore it from a backup"):
            ask()


def test_the_file_of_what_was_sent_is_gone(ledger: Ledger, sent: list[Annotation]) -> None:
    ledger.sent_path.unlink()
    with pytest.raises(BadInput, match=r"sent\.jsonl: is missing; restore it"):
        ledger.sent(sent[0].id)
    ledger.forget_sent()
    assert ledger.sent(sent[0].id) is None


def test_what_is_lost_can_be_given_up(ledger: Ledger, sent: list[Annotation]) -> None:
    lines = ledger.sent_path.read_bytes().splitlines(keepends=True)
    ledger.sent_path.write_bytes(b"".join(lines_without(lines, 1)))
    ledger.forget_sent()
    assert [ledger.sent(one.id) for one in sent] == [sent[0], None, *sent[2:]]


def test_damage_that_leaves_the_times_of_the_file_is_found_when_the_line_is_read(
    ledger: Ledger, sent: list[Annotation]
) -> None:
    stat = ledger.sent_path.stat()
    with ledger.sent_path.open("r+b") as file:
        file.seek(len(sent[0].to_json()) + 60)
        file.write(b"#")
    os.utime(ledger.sent_path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert ledger.sent(sent[0].id) == sent[0]
    with pytest.raises(BadInput, match=r"sent\.jsonl:2: is not what was written"):
        ledger.sent(sent[1].id)


def test_a_copy_that_is_whole_is_good(ledger: Ledger, sent: list[Annotation]) -> None:
    copy = ledger.sent_path.read_bytes()
    ledger.sent_path.unlink()
    ledger.sent_path.write_bytes(copy)
    assert [ledger.sent(one.id) for one in sent] == sent


def test_a_line_that_a_kill_left_unfinished_is_taken_away(ledger: Ledger, sent: list[Annotation]) -> None:
    whole = ledger.sent_path.read_bytes()
    ledger.sent_path.write_bytes(whole + b'{"id":"never-sent","art')
    assert [ledger.sent(one.id) for one in sent] == sent
    ledger.record_sent([sent[0].to_json()])
    assert ledger.sent_path.read_bytes() == whole + sent[0].to_json().encode() + b"\n"


def test_a_line_cut_short_by_a_kill_under_an_earlier_version_is_passed_over(
    ledger: Ledger, project: KnownProject, schema: LabelSchema
) -> None:
    one = made.annotation(made.article(1), schema, 1)
    ledger.sent_path.write_bytes(b'{"id":"ann-x","article\n' + one.to_json().encode() + b"\n")
    assert ledger.sent(one.id) == one
    ledger.begin_import(project, "b1", [planned("x")])
    ledger.forget_sent()
    with pytest.raises(BadInput, match=r"sent\.jsonl:1: is not an annotation"):  # that one was sent
        ledger.sent(one.id)


def test_what_was_sent_twice_counts_as_sent_last(ledger: Ledger, schema: LabelSchema) -> None:
    first = made.annotation(made.article(1), schema, 1)
    again = first.model_copy(update={"entities": ()}).model_copy(update={"events": ()})
    ledger.record_sent([first.to_json()])
    assert ledger.sent(first.id) == first
    ledger.record_sent([again.to_json()])
    assert ledger.sent(first.id) == again


def test_a_change_is_kept_whole_or_not_at_all(ledger: Ledger, project: KnownProject) -> None:
    with pytest.raises(RuntimeError), ledger.change():
        ledger._db.execute("DELETE FROM projects")
        raise RuntimeError
    assert ledger.all_projects() == [project]


def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "labelstudio").mkdir()
    (tmp_path / "labelstudio" / "ledger.sqlite").write_text(
        "this is no database at all, but long enough for one\n" * 50
    )
    with pytest.raises(CurationError, match=r"ledger\.sqlite: .*move it away"):
        Ledger(tmp_path)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_ledger_of_an_earlier_version_is_brought_up_to_date(
    tmp_path: Path, schema: LabelSchema, version: int
) -> None:
    annotations = [made.annotation(made.article(seed), schema, seed) for seed in range(2)]
    with Ledger(tmp_path) as ledger:
        project = ledger.remember_project(URL, 4, "News", "s", "2026", "")
        ledger.begin_import(project, "b1", [planned("x")])
        ledger.confirm_import(project, "b1", [7])
        ledger.record_sent(one.to_json() for one in annotations)
    with sqlite3.connect(tmp_path / "labelstudio" / "ledger.sqlite") as db:
        db.execute("DROP TABLE sent")
        db.execute(
            "CREATE TABLE sent (annotation_id TEXT PRIMARY KEY, start INTEGER NOT NULL, length INTEGER NOT NULL)"
        )
        db.execute("ALTER TABLE sent_read DROP COLUMN state")
        db.execute("ALTER TABLE projects DROP COLUMN pulled")
        db.execute("ALTER TABLE projects DROP COLUMN went_back")
        if version < 3:
            db.execute("DROP TABLE makings")
        for column in ("people", "arranged", "withheld") if version == 1 else ():
            db.execute(f"ALTER TABLE tasks DROP COLUMN {column}")
        db.execute(f"PRAGMA user_version = {version}")
    with Ledger(tmp_path) as ledger:
        assert ledger.creations(URL, "s", "News") == {}
        (task,) = ledger.tasks(project)
        assert (task.task_id, task.people, task.withheld) == (7, None, None)
        ledger.set_people(task, 2)
        assert [one.task_id for one in ledger.tasks_without_people(project)] == [7]
        assert [ledger.sent(one.id) for one in annotations] == annotations
        ledger.sent_path.write_bytes(annotations[0].to_json().encode() + b"\n")
        with pytest.raises(BadInput, match="is cut short"):
            ledger.check_sent()


def test_a_project_that_is_being_made_is_remembered_until_it_is_known(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.begin_creation("a1", URL, "s", "News")
        ledger.begin_creation("b2", URL, "s", "Other news")
        ledger.begin_creation("c3", URL, "s", "News")
    with Ledger(tmp_path) as ledger:
        assert list(ledger.creations(URL, "s", "News")) == ["a1", "c3"]
        ledger.end_creation("a1")
        assert list(ledger.creations(URL, "s", "News")) == ["c3"]
        assert ledger.creations("http://other", "s", "News") == {}


def test_for_how_many_people_is_remembered_until_it_is_so(ledger: Ledger, project: KnownProject) -> None:
    ledger.begin_import(project, "b1", [planned("x")._replace(people=2), planned("y"), planned("z")._replace(people=0)])
    assert ledger.tasks_without_people(project) == []  # not there yet
    ledger.confirm_import(project, "b1", [10, 11, 12])
    assert [(one.task_id, one.people) for one in ledger.tasks_without_people(project)] == [(10, 2), (12, 0)]
    for task in ledger.tasks_without_people(project):
        ledger.confirm_people(task)
    assert ledger.tasks_without_people(project) == []
    ledger.set_people(next(ledger.tasks(project)), 3)
    assert [(one.task_id, one.people) for one in ledger.tasks_without_people(project)] == [(10, 3)]
    ledger.mark_deleted(project, [10])
    assert ledger.tasks_without_people(project) == []


def test_a_blind_task_is_known_as_one_from_the_server_too(ledger: Ledger, project: KnownProject) -> None:
    ledger.begin_import(project, "b1", [planned("x")._replace(withheld="ann-x", annotation_id=None, digest=None)])
    ledger.confirm_import(project, "b1", [10])
    ledger.forget(project)
    project = ledger.remember_project(URL, 4, "News", "conflict-news", "2026-01-01T00:00:00Z", "<View/>")
    there = on_server(10, "x", "b1")
    there["data"]["withheld"] = "ann-x"
    ledger.add_from_server(project, [there, on_server(11, "y", "b1")])
    assert [one.withheld for one in ledger.tasks(project)] == ["ann-x", None]


def test_a_ledger_of_another_version(tmp_path: Path) -> None:
    Ledger(tmp_path)
    with sqlite3.connect(tmp_path / "labelstudio" / "ledger.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(CurationError, match="another version"):
        Ledger(tmp_path)
