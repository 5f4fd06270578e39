"""Which articles are sent to be decided, which are not, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from curation.annotation import Annotation, Annotator, Entity
from curation.article import Article
from curation.errors import BadInput, ProjectError
from curation.files import write_jsonl
from curation.jobs.review import LINES, _Sorting, note, review
from curation.jobs.review_policy import policy
from curation.labelstudio.snapshot import Manifest, Snapshot, TaskLine
from curation.labelstudio.task_spec import TaskSpec
from curation.project import Project
from curation.review.adjudication import merge
from curation.review.pseudonyms import Pseudonyms
from curation.review.selection_policy import Policy

ROOT = Path(__file__).resolve().parents[2]
ARTICLE = Article(id="kel-1", text="Doran Melk spoke in Torva about the price of salt.\n")
NOW = datetime(2031, 3, 2, tzinfo=UTC)
PSEUDONYMS = Pseudonyms("0" * 64)


def said(who: str, end: int = 10, *, hour: int = 0, **fields: Any) -> Annotation:
    given: dict[str, Any] = {
        "id": f"{who}-{hour}",
        "article_id": ARTICLE.id,
        "text_sha256": ARTICLE.text_sha256,
        "schema": "conflict-news@1.0.0",
        "annotator": Annotator(kind="person", name=who),
        "state": "submitted",
        "time": NOW.replace(hour=hour),
        "entities": (Entity(id="e", start=0, end=end, type="Person"),),
    }
    return Annotation(**given | fields)


def decided(*between: str) -> Annotation:
    """What a third person decided at two o'clock."""
    return said("ls-9", state="reviewed", hour=2, between=between)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "curation.toml").write_text(
        f'[project]\nname = "made"\narticles = ["*.txt"]\nschema = "{ROOT}/schemas/conflict-news.yaml"\n'
    )
    return Project.open(tmp_path / "curation.toml")


Sort = Callable[..., tuple[list[TaskSpec], _Sorting]]


@pytest.fixture
def sort(project: Project, tmp_path: Path) -> Sort:
    """Sorts the articles of a snapshot that holds these annotations of the one article."""

    def run(*made: Annotation, rules: Policy = Policy(), gone: set[str] = set(), open_task: bool = False):  # type: ignore[no-untyped-def]  # noqa: B006, B008
        write_jsonl(tmp_path / "articles.jsonl", [ARTICLE.to_json()])
        write_jsonl(tmp_path / "annotations.jsonl", [one.to_json() for one in made])
        line = TaskLine(
            task=9, article_id="kel-1", text_sha256=ARTICLE.text_sha256, purpose="adjudicate", batch=None,
            state="untouched", drafts=0, updated_at=None, annotations=(), url="http://host/9",
        )  # fmt: skip
        write_jsonl(tmp_path / "tasks.jsonl", [line.model_dump_json()] if open_task else [])
        manifest = Manifest(
            time=NOW, url="http://host", project_id=1, project_title="made", project_created_at="", schema="",
            content="0" * 64, counts={}, findings={}, files={},
        )  # fmt: skip
        sorting = _Sorting(rules, PSEUDONYMS, project.load_schema(), gone)
        return list(sorting.tasks(Snapshot(tmp_path, manifest))), sorting

    return run


def test_people_who_differ_are_shown_to_whoever_decides_under_pseudonyms(sort: Sort) -> None:
    (task,), sorting = sort(said("ls-7"), said("ls-8", 5, hour=1), said("ls-7", 10, hour=2))
    assert dict(sorting.counts) == {"differ": 1}
    assert task.annotation is not None and task.annotation.entities == ()
    assert sorted(task.data["between"]) == ["ls-7-2", "ls-8-1"]
    assert {name: one.id for name, one in task.variants} == {
        f"by {PSEUDONYMS.key('person:ls-7')[7:]}": "ls-7-2",
        f"by {PSEUDONYMS.key('person:ls-8')[7:]}": "ls-8-1",
    }
    assert "ls-" not in task.data["note"]
    assert "Person “Doran Melk”" in task.data["note"]


@pytest.mark.parametrize(
    ("made", "counts"),
    [
        ([], {}),
        ([said("ls-7", state="draft"), said("ls-8", state="skipped")], {}),  # nobody finished
        ([said("ls-7"), said("ls-7", 5, hour=1)], {"waiting": 1}),  # one annotator only
        ([said("ls-7"), said("ls-8", hour=1)], {"agreed": 1}),
        ([said("ls-7"), said("ls-8", 5), decided("ls-7-0", "ls-8-0")], {"decided": 1}),
        # Someone annotated it anew, or said something that was not known then.
        (
            [said("ls-7"), said("ls-8", 5, hour=3), decided("ls-7-0", "ls-8-3")],
            {"newer": 1},
        ),
        (
            [said("ls-7"), said("ls-8", 5), said("ls-6", 6), decided("ls-7-0", "ls-8-0")],
            {"newer": 1},
        ),
        # Whoever looked again saw one annotation, and it counts all the same.
        ([said("ls-7"), said("ls-8", 5), decided("ls-7-0")], {"decided": 1}),
    ],
)  # fmt: skip
def test_everything_else_is_counted_and_not_sent(sort: Sort, made: list[Annotation], counts: dict[str, int]) -> None:
    tasks, sorting = sort(*made)
    assert tasks == []
    assert dict(sorting.counts) == counts
    assert bool(sorting.problems) is ("newer" in counts)


def test_what_cannot_take_part_is_said_and_the_rest_goes_on(sort: Sort) -> None:
    tasks, sorting = sort(
        said("ls-7"),
        said("ls-8", 5),
        said("ls-unknown", 6),
        said("ls-9", 7, schema="recalls@1.0.0"),
        said("ls-6", 8, text_sha256="f" * 64),
    )
    assert len(tasks) == 1
    # A release counts what a deleted account submitted, so it is shown to whoever decides.
    assert sorted(name for name, _ in tasks[0].variants)[-1] == "by deleted account"
    assert len(tasks[0].variants) == 3
    assert sorting.left_out == {
        "annotations with another schema": 1,
        "annotations of texts that are gone": 1,
    }
    tasks, sorting = sort(said("ls-7"), said("ls-8", 5), gone={"kel-1"})
    assert (tasks, dict(sorting.left_out)) == ([], {"articles that were taken down": 1})


def test_who_skipped_what_another_submitted_differs(sort: Sort) -> None:
    skip = said("ls-8", state="skipped", hour=1, entities=())
    (task,), sorting = sort(said("ls-7"), skip)
    assert dict(sorting.counts) == {"differ": 1}
    assert task.annotation is not None and len(task.annotation.entities) == 1
    assert [one.id for _, one in task.variants] == ["ls-7-0"]
    assert sorted(task.data["between"]) == ["ls-7-0", "ls-8-1"]
    names = {who: PSEUDONYMS.key(f"person:{who}")[7:11] for who in ("ls-7", "ls-8")}
    assert task.data["note"] == (
        f"Skipped by {names['ls-8']}, submitted by {names['ls-7']}: submit to take the article in, "
        "skip to leave it out."
    )
    # Skipping that task decides that the article is left out.
    left_out = said("ls-9", state="skipped", hour=2, between=("ls-7-0", "ls-8-1"), entities=())
    tasks, sorting = sort(said("ls-7"), skip, left_out)
    assert (tasks, dict(sorting.counts)) == ([], {"decided": 1})


def test_an_open_task_that_nobody_needs_any_more_is_named(sort: Sort) -> None:
    tasks, sorting = sort(said("ls-7"), said("ls-8"), open_task=True)
    assert tasks == []
    assert "http://host/9" in sorting.problems[0]


def test_the_policy_is_that_of_the_project(sort: Sort, project: Project) -> None:
    settings = project.root / "curation.toml"
    text = settings.read_text()
    pseudonym = Pseudonyms.of(project.work).key("person:ls-7")
    settings.write_text(text + f'[review]\nannotators = ["{pseudonym}", "ls-8"]\nignore_attributes = ["mention"]\n')
    rules = policy(Project.open(settings))
    named = Entity(id="e", start=0, end=10, type="Person", attributes={"mention": "nominal"})
    _, sorting = sort(said("ls-7"), said("ls-8", entities=(named,)), said("ls-9", 5), rules=rules)
    assert dict(sorting.counts) == {"agreed": 1}
    settings.write_text(text + "[review]\nneeded = 3\n")
    _, sorting = sort(said("ls-7"), said("ls-8", 5), rules=policy(Project.open(settings)))
    assert dict(sorting.counts) == {"waiting": 1}
    settings.write_text(text + '[review]\nignore_attributes = ["mood"]\n')
    with pytest.raises(ProjectError, match="mood is no attribute of the schema"):
        policy(Project.open(settings))
    settings.write_text(text + '[review]\noverlap = "ten"\n')
    with pytest.raises(ProjectError, match=r"review\.overlap"):
        Project.open(settings)


def test_a_note_is_bounded_and_tells_people_apart() -> None:
    words = range(45)
    entities = tuple(Entity(id=f"e{n}", start=n, end=n + 1, type="Person") for n in words)
    merged = merge([said("ls-7", entities=entities), said("ls-8", entities=())], ARTICLE.text)
    lines = note(merged, ["abcd1", "abcd2"], ARTICLE.text).splitlines()
    assert lines[0] == "To decide: 45 differences between abcd1, abcd2."
    assert len(lines) == LINES + 2
    assert lines[-1] == f"… and {45 - LINES} more"


def test_without_a_snapshot_there_is_a_way_out(project: Project) -> None:
    with pytest.raises(BadInput, match="curation pull"):
        review(project)
