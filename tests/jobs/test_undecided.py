"""Articles on which people differ, or that are not valid: what a release keeps of them, the messages, and exports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.cli.app import app
from curation.errors import BadInput, InvalidArticles
from curation.files import write_jsonl
from curation.jobs.report import report
from curation.jobs.status import status
from curation.release import load_release
from curation.release.splits import split_of
from curation.review.pseudonyms import Pseudonyms
from curation.settings import load_settings

TEXTS = {
    "kel-1": "Doran Melk spoke in Torva about the price of salt.",
    "kel-2": "Fishermen of Harl mended nets until the evening came.",
    "kel-3": "A late frost took half of the pears in the valley.",
}
ARTICLES = {name: Article(id=name, text=text, licence="CC0-1.0") for name, text in TEXTS.items()}
ENGINE = Annotator(kind="engine", name="rules", version="1.0.0")


def said(article_id: str, who: str, end: int = 10, *, hour: int = 0, **fields: Any) -> Annotation:
    article = fields.pop("article", None) or ARTICLES[article_id]
    given: dict[str, Any] = {
        "id": f"{article_id}-{who}",
        "article_id": article_id,
        "text_sha256": article.text_sha256,
        "schema": "conflict-news@1.0.0",
        "annotator": ENGINE if who == "rules" else Annotator(kind="person", name=who),
        "state": "predicted" if who == "rules" else "submitted",
        "time": None if who == "rules" else datetime(2031, 3, 2, hour or int(who[3:]), tzinfo=UTC),
        "parent": None if who == "rules" else f"{article_id}-rules",
        "entities": (Entity(id="e1", start=0, end=end, type="Person"),),
    }
    return Annotation(**given | fields)


SENT = [said(name, "rules") for name in TEXTS]
FIRST = [said("kel-1", "ls-7"), said("kel-2", "ls-7")]
SECOND = [*FIRST, said("kel-1", "ls-8", 5)]
"""A second annotator came to kel-1 and differs."""


@pytest.fixture
def project(project_of: Any) -> Any:
    """The first annotator's work on kel-1 and kel-2 is released as v0.1.0; nobody touched kel-3."""
    made = project_of(ARTICLES.values(), FIRST, SENT)
    assert run(made).exit_code == 0
    return made


def pulled(project: Any, annotations: list[Annotation], articles: list[Article] | None = None) -> None:
    """The snapshot is now this."""
    (folder,) = project.work.glob("snapshots/*")
    ordered = sorted(annotations, key=lambda one: (one.article_id, one.time, one.id))
    write_jsonl(folder / "annotations.jsonl", [one.to_json() for one in ordered])
    if articles:
        write_jsonl(folder / "articles.jsonl", [one.to_json() for one in sorted(articles, key=lambda one: one.id)])


def task(project: Any, article_id: str, purpose: str, number: int) -> None:
    """Add a task to the snapshot."""
    (path,) = project.work.glob("snapshots/*/tasks.jsonl")
    line = json.loads(path.read_text().splitlines()[0]) | {
        "task": number,
        "article_id": article_id,
        "text_sha256": ARTICLES[article_id].text_sha256,
        "purpose": purpose,
        "annotations": [],
        "url": f"http://studio/projects/1/data?task={number}",
    }
    write_jsonl(path, [*path.read_text().splitlines(), json.dumps(line)])


def settings(project: Any, text: str) -> None:
    """Add to curation.toml."""
    file = project.root / "curation.toml"
    file.write_text(file.read_text() + text)


def run(project: Any, *options: str) -> Result:
    return CliRunner().invoke(app, ["publish", "--json", "--project", str(project.root / "curation.toml"), *options])


def published(project: Any, *options: str, code: int = 3) -> dict[str, Any]:
    result = run(project, *options)
    assert result.exit_code == code, result.output
    return dict(json.loads(result.stdout))


def rows(project: Any, version: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for split in load_release(project.releases, version).values() for row in split}


def test_a_second_annotator_does_not_undo_the_first(project: Any) -> None:
    task(project, "kel-1", "annotate", 4)
    pulled(project, SECOND)
    result = run(project)
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert (found["kept"], found["waiting"], found["release"]["left_out"]) == (1, 0, [])
    assert found["undecided"] == [
        {
            "article_id": "kel-1",
            "text_sha256": ARTICLES["kel-1"].text_sha256,
            "url": "http://studio/projects/1/data?task=4",
            "submitted": 2,
            "skipped": 0,
            "kept": True,
        }
    ]
    assert "undecided: people differ on 1 article, of which 1 kept as in the release before" in result.stderr
    assert "kel-1 (2 submitted) http://studio/projects/1/data?task=4" in result.stderr
    before, now = rows(project, "0.1.0"), rows(project, found["release"]["version"])
    assert now["kel-1"] == before["kel-1"] | {"chosen": "kept"}
    assert now["kel-2"] == before["kel-2"]
    card = " ".join((Path(found["release"]["folder"]) / "README.md").read_text(encoding="utf-8").split())
    assert "On 1 article people differ, and nobody has decided yet: 1 of them is here as the release before" in card


def test_what_is_kept_keeps_its_sentences_corrections_and_snapshot(project: Any) -> None:
    pulled(project, SECOND)
    version = published(project)["release"]["version"]
    for config in ("sentences", "corrections"):
        before, now = (
            [row for split in load_release(project.releases, number, config).values() for row in split]
            for number in ("0.1.0", version)
        )
        assert before == now
    known = (project.releases / f"v{version}" / "articles.jsonl").read_text()
    assert known.count('"snapshot":"20310302T000000Z"') == 2
    # Again, with nothing new: the same release, still with the remark.
    again = published(project)
    assert (again["release"]["unchanged"], again["kept"]) == (True, 1)


def test_an_article_that_was_in_no_release_waits(project: Any) -> None:
    pulled(project, [*FIRST, said("kel-3", "ls-7"), said("kel-3", "ls-8", state="skipped", entities=())])
    found = published(project)
    assert (found["kept"], found["waiting"]) == (0, 1)
    assert [(one["article_id"], one["submitted"], one["skipped"]) for one in found["undecided"]] == [("kel-3", 1, 1)]
    assert found["release"]["unchanged"]


@pytest.mark.parametrize(
    ("then", "chosen", "end"),
    [
        ([said("kel-1", "ls-7", 5)], "agreed", 5),  # the first comes round
        ([said("kel-1", "ls-9", 5)], "agreed", 5),  # a third agrees with the second
        ([said("kel-1", "ls-9", 7, state="reviewed")], "adjudicated", 7),
        # Decided, and submitted again since: the decision stands.
        ([said("kel-1", "ls-9", 7, state="reviewed"), said("kel-1", "ls-8", 9, hour=20)], "adjudicated", 7),
    ],
)
def test_a_decision_ends_the_keeping(project: Any, then: list[Annotation], chosen: str, end: int) -> None:
    pulled(project, SECOND)
    published(project)
    made = {one.id: one for one in [*SECOND, *then]}
    pulled(project, list(made.values()))
    found = published(project, code=0)
    row = rows(project, found["release"]["version"])["kel-1"]
    assert (row["chosen"], row["entities"][0]["end"], found["undecided"]) == (chosen, end, [])


def test_an_edit_after_the_release_is_undecided_only_where_another_person_differs(project: Any) -> None:
    pulled(project, [said("kel-1", "ls-7", 5, hour=20), FIRST[1]])
    found = published(project, code=0)
    assert rows(project, found["release"]["version"])["kel-1"]["entities"][0]["end"] == 5
    pulled(project, [said("kel-1", "ls-7", 5, hour=20), said("kel-1", "ls-8", 5), FIRST[1]])
    published(project, code=0)
    pulled(project, [said("kel-1", "ls-7", 7, hour=21), said("kel-1", "ls-8", 5), FIRST[1]])
    found = published(project)
    row = rows(project, found["release"]["version"])["kel-1"]
    assert (row["chosen"], row["entities"][0]["end"]) == ("kept", 5)


def test_who_does_not_count_any_more_leaves_nothing_undecided(project: Any) -> None:
    pulled(project, SECOND)
    published(project)
    settings(project, '[review]\nannotators = ["ls-8"]\n')
    pulled(project, [*SECOND, said("kel-2", "ls-8")])
    found = published(project, code=0)
    row = rows(project, found["release"]["version"])["kel-1"]
    assert (row["chosen"], row["entities"][0]["end"]) == ("latest", 5)


@pytest.mark.parametrize(("undecided", "end"), [("latest", 5), ("majority", 10)])
def test_the_project_may_choose_otherwise(project: Any, undecided: str, end: int) -> None:
    settings(project, f'[review]\nneeded = 3\nundecided = "{undecided}"\n')
    third = said("kel-1", "ls-8", 5) if undecided == "latest" else said("kel-1", "ls-9")
    pulled(project, [*SECOND, third] if undecided == "majority" else SECOND)
    found = published(project, code=0)
    row = rows(project, found["release"]["version"])["kel-1"]
    assert (row["chosen"], row["entities"][0]["end"]) == (undecided, end)


def test_taken_down_or_under_another_licence_it_is_not_kept(project: Any) -> None:
    settings(project, '[release]\ntakedown = "takedown.txt"\n')
    (project.root / "takedown.txt").write_text("kel-1\n")
    pulled(project, SECOND)
    found = published(project, code=0)
    assert (found["undecided"], found["release"]["barred"], found["release"]["left_out"]) == ([], {"withdrawn": 1}, [])
    (project.root / "takedown.txt").write_text("")
    other = ARTICLES["kel-1"].model_copy(update={"licence": "CC-BY-4.0"})
    pulled(project, SECOND, [other, ARTICLES["kel-2"], ARTICLES["kel-3"]])
    found = published(project, "--licence", "CC0-1.0", code=0)
    assert (found["undecided"], found["release"]["barred"], found["release"]["left_out"]) == ([], {"licence": 1}, [])


def test_a_new_text_ends_the_keeping(project: Any) -> None:
    new = Article(id="kel-1", text=TEXTS["kel-1"] + " Nobody answered.", licence="CC0-1.0")
    both = [said("kel-1", "ls-7", article=new, id="a"), said("kel-1", "ls-8", 5, article=new, id="b")]
    pulled(project, [*SECOND, *(one.model_copy(update={"time": datetime(2031, 3, 3, tzinfo=UTC)}) for one in both)],
           [*ARTICLES.values(), new])  # fmt: skip
    refused = run(project)
    assert refused.exit_code == 1
    assert "1 of 2 articles of v0.1.0 would be missing, more than 5%: kel-1" in str(refused.exception)
    result = run(project, "--allow-shrink")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["kept"], found["waiting"]) == (3, 0, 1)
    assert found["release"]["left_out"] == ["kel-1"]
    assert "in the release before, not in this one: 1 article (kel-1)" in result.stderr


def test_a_new_major_version_of_the_schema_ends_the_keeping(project: Any) -> None:
    schema = project.root / "schema.yaml"
    text = Path(project.schema_path).read_text(encoding="utf-8")
    file = project.root / "curation.toml"
    file.write_text(file.read_text().replace(str(project.schema_path), str(schema)))
    for version, kept in (("1.1.0", 1), ("2.0.0", 0)):
        schema.write_text(text.replace("version: 1.0.0", f"version: {version}", 1), encoding="utf-8")
        pulled(project, SECOND)
        assert published(project, "--allow-shrink")["kept"] == kept


def test_where_all_is_undecided_there_is_nothing_to_release(project_of: Any) -> None:
    project = project_of(ARTICLES.values(), [said("kel-1", "ls-7"), said("kel-1", "ls-8", 5)], SENT)
    result = run(project)
    assert result.exit_code == 1
    assert "nothing to release" in str(result.exception)
    assert "undecided: kel-1 (2 submitted)" in str(result.exception)


def test_corrections_that_get_lost_are_never_silent(project: Any) -> None:
    pulled(project, [FIRST[0], said("kel-2", "ls-7", parent="not-known-here"), said("kel-3", "ls-7")])
    refused = run(project)
    assert refused.exit_code == 1
    assert "1 of 2 articles with corrections in v0.1.0 would be missing, more than 5%: kel-2" in str(refused.exception)
    assert "sent.jsonl" in str(refused.exception)
    assert not list(project.releases.glob("v0.2*"))
    result = run(project, "--allow-shrink")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["release"]["without_corrections"] == ["kel-2"]
    assert "have none in this one: 1 article (kel-2)" in result.stderr


def test_articles_of_the_release_before_that_are_missing_are_named(project: Any) -> None:
    pulled(project, [FIRST[1]])
    refused = run(project)
    assert refused.exit_code == 1
    assert "1 of 2 articles of v0.1.0 would be missing" in str(refused.exception)
    assert "--allow-shrink" in str(refused.exception)
    found = published(project, "--allow-shrink", code=0)
    assert found["release"]["left_out"] == ["kel-1"]


def test_training_leaves_undecided_articles_out_and_says_so(project: Any, tmp_path: Path) -> None:
    pulled(project, SECOND)
    folder = published(project)["release"]["folder"]
    words = ["export", folder, "--format", "jsonl", "--out", str(tmp_path / "out"), "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["articles"], found["undecided"]) == (1, 1)
    assert "undecided, left out: 1 (kel-1)" in result.stderr
    assert "kel-1" not in "".join(path.read_text() for path in (tmp_path / "out").iterdir())


def test_a_split_of_undecided_articles_alone_is_refused(project_of: Any, tmp_path: Path) -> None:
    texts = {"train": TEXTS["kel-1"], "test": TEXTS["kel-2"]}
    articles = {
        split: Article(id=next(name for n in range(999) if split_of(name := f"kel-{n}") == split), text=text,
                       licence="CC0-1.0")
        for split, text in texts.items()
    }  # fmt: skip
    first = [said(article.id, "ls-7", article=article) for article in articles.values()]
    project = project_of(articles.values(), first, [said(one.id, "rules", article=one) for one in articles.values()])
    assert run(project).exit_code == 0
    undecided = articles["test"]
    pulled(project, [*first, said(undecided.id, "ls-8", 5, article=undecided)])
    folder = published(project)["release"]["folder"]
    words = ["export", folder, "--split", "test", "--format", "jsonl", "--out", str(tmp_path / "out.jsonl")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert isinstance(result.exception, BadInput)
    assert f"undecided, left out: 1 ({undecided.id})" in str(result.exception)


def test_status_names_them(project: Any) -> None:
    for name, text in TEXTS.items():
        (project.root / f"{name}.txt").write_text(text)
    task(project, "kel-1", "annotate", 4)
    task(project, "kel-1", "adjudicate", 9)
    pulled(project, SECOND)
    (one,) = status(project).undecided
    assert (one.article_id, one.url) == ("kel-1", "http://studio/projects/1/data?task=9")
    told = CliRunner().invoke(app, ["status", "--project", str(project.root / "curation.toml")]).output
    assert "undecided: people differ on 1 article" in told
    assert "kel-1 (2 submitted) http://studio/projects/1/data?task=9" in told
    assert "curation review (1 undecided)" in told


def test_status_does_not_propose_to_publish_what_the_last_publish_left_out(project_of: Any) -> None:
    project = project_of(ARTICLES.values(), FIRST, SENT)
    for name in ("kel-1", "kel-2"):
        (project.root / f"{name}.txt").write_text(TEXTS[name])
        task(project, name, "annotate", int(name[-1]) + 3)
    for path in (project.work / "labelstudio").glob("ledger.sqlite*"):
        path.unlink()  # the tasks are those of the snapshot

    def shown() -> str:
        return CliRunner().invoke(app, ["status", "--project", str(project.root / "curation.toml")]).stdout

    takedown = project.root / "takedown.list"
    takedown.write_text("kel-2\n")
    assert "curation publish (2 submitted)" in shown()
    settings(project, '[release]\ntakedown = "takedown.list"\n')
    assert run(project).exit_code == 0
    found = status(load_settings(project.root / "curation.toml"))
    assert (found.articles, found.left_out) == ({"kel-1": "released", "kel-2": "submitted"}, 1)
    assert "curation publish" not in shown().partition("next:")[2]
    assert "left out of the last publish: 1 submitted" in shown()
    assert run(project).exit_code == 0, "unchanged"
    assert "left out of the last publish: 1 submitted" in shown()
    (folder,) = project.work.glob("snapshots/2*")
    folder.rename(folder.with_name("20310303T000000Z"))
    assert "curation publish (1 submitted)" in shown(), "a new pull may bring something"


def test_the_report_does_not_call_it_done(project: Any, tmp_path: Path) -> None:
    for name, text in TEXTS.items():
        (project.root / f"{name}.txt").write_text(text)
    task(project, "kel-1", "annotate", 4)
    # 199 of 200 spans alike; a third account counts no more than one that was deleted.
    many = tuple(Entity(id=f"e{n}", start=n % 40, end=n % 40 + 1 + n // 40, type="Person") for n in range(200))
    settings(project, '[review]\nannotators = ["ls-7", "ls-8"]\n')
    pulled(
        project,
        [
            said("kel-1", "ls-7", entities=many),
            said("kel-1", "ls-8", entities=many[1:]),
            said("kel-2", "ls-9"),
            said("kel-2", "ls-unknown", hour=3),
        ],
    )
    page = tmp_path / "report.html"
    found = report(load_settings(project.root / "curation.toml"), output=page, checks=False)
    assert found.agreement is not None and found.agreement.entities.exact.f1 == pytest.approx(398 / 399, abs=1e-4)
    assert (found.annotators, [one.article_id for one in found.undecided]) == (2, ["kel-1"])
    html = page.read_text(encoding="utf-8")
    assert "<b>0.99</b>agreement" in html
    assert "<b>1.00</b>" not in html
    assert "<b>2</b>annotators" in html
    assert f"<b>{found.left}</b>left" in html
    assert f"<b>{len(found.undecided)}</b>to decide" in html
    assert '<a href="http://studio/projects/1/data?task=4" rel="noreferrer"><bdi>kel-1</bdi></a>' in html
    key = Pseudonyms.of(project.work).key("person:ls-7").removeprefix("person:")
    assert key in html


def test_an_address_that_is_none_makes_no_link(project: Any) -> None:
    task(project, "kel-1", "annotate", 4)
    (path,) = project.work.glob("snapshots/*/tasks.jsonl")
    path.write_text(path.read_text().replace("http://studio/", "javascript:alert(1)//"))
    pulled(project, SECOND)
    assert status(project).undecided[0].url is None


MEETING = said("kel-1", "ls-8", events=(Event(id="v1", start=11, end=16, type="Meeting", arguments=(
    Argument(role="purpose", filler="e1"),)),))  # fmt: skip
BLANK = said("kel-2", "ls-7", entities=(Entity(id="e1", start=9, end=10, type="Person"),
    Entity(id="e2", start=0, end=5, type="Ship")))  # fmt: skip
GOOD = said("kel-3", "ls-7")


def test_what_is_good_goes_on_and_every_finding_is_listed(project: Any) -> None:
    task(project, "kel-1", "annotate", 4)
    task(project, "kel-2", "annotate", 5)
    before = rows(project, "0.1.0")
    pulled(project, [MEETING, BLANK, GOOD])
    result = run(project)
    assert result.exit_code == 3, result.output
    found = json.loads(result.stdout)["release"]
    assert [(one["article_id"], one["kept"], one["url"]) for one in found["invalid"]] == [
        ("kel-1", True, "http://studio/projects/1/data?task=4"),
        ("kel-2", True, "http://studio/projects/1/data?task=5"),
    ]
    assert "not valid: 2 articles set aside, of which 2 kept as in the release before, 0 not in the release" in (
        result.stderr
    )
    for finding in (
        "kept: kel-1: v1: Meeting has no role purpose (unknown-role) at [11, 16) 'spoke' http://studio/projects/1/data?task=4",
        "kept: kel-2: e1: [9, 10) holds only white space (blank-span)",
        "kept: kel-2: e2: entity type Ship is not in conflict-news@",
    ):
        assert finding in result.stderr
    now = rows(project, found["version"])
    assert sorted(now) == ["kel-1", "kel-2", "kel-3"]
    for name in ("kel-1", "kel-2"):
        assert now[name] == before[name] | {"chosen": "kept"}
    card = " ".join((Path(found["folder"]) / "README.md").read_text(encoding="utf-8").split())
    assert "of 2 articles do not fit the label schema and were set aside: 2 of them are here" in card


def test_what_was_never_released_waits(project_of: Any) -> None:
    made = project_of(ARTICLES.values(), [MEETING, BLANK, GOOD], SENT)
    found = published(made)["release"]
    assert [(one["article_id"], one["kept"]) for one in found["invalid"]] == [("kel-1", False), ("kel-2", False)]
    assert sorted(rows(made, found["version"])) == ["kel-3"]


def test_strict_builds_nothing_and_lists_all(project_of: Any) -> None:
    made = project_of(ARTICLES.values(), [MEETING, BLANK, GOOD], SENT)
    result = run(made, "--strict")
    assert result.exit_code == 1
    assert isinstance(result.exception, InvalidArticles)
    assert "article kel-1: v1: Meeting has no role purpose" in str(result.exception)
    assert [line.split(":")[0] for line in result.exception.details] == ["kel-1", "kel-2", "kel-2"]
    assert list(made.releases.glob("v*")) == []


def test_where_nothing_is_valid_the_error_names_what_was_set_aside(project_of: Any) -> None:
    made = project_of(ARTICLES.values(), [MEETING], SENT)
    result = run(made)
    assert result.exit_code == 1
    assert "1 reviewed articles are not valid (kel-1: v1: Meeting has no role purpose" in str(result.exception)


def test_a_line_that_cannot_be_read_sets_its_article_aside(project: Any) -> None:
    before = rows(project, "0.1.0")
    pulled(project, [*FIRST, GOOD])
    (path,) = project.work.glob("snapshots/*/annotations.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["entities"][0]["start"] = -4
    write_jsonl(path, [json.dumps(line) for line in lines])
    found = published(project)["release"]
    assert [(one["article_id"], one["kept"]) for one in found["invalid"]] == [("kel-1", True)]
    assert "annotations.jsonl:1: entities.0.start" in found["invalid"][0]["problems"][0]
    assert rows(project, found["version"])["kel-1"] == before["kel-1"] | {"chosen": "kept"}


def test_a_new_text_ends_the_keeping_of_an_invalid_article(project: Any) -> None:
    changed = Article(id="kel-1", text=TEXTS["kel-1"] + " He left.", licence="CC0-1.0")
    pulled(project, [FIRST[1], GOOD, MEETING.model_copy(update={"text_sha256": changed.text_sha256})],
           [*ARTICLES.values(), changed])  # fmt: skip
    found = published(project, "--allow-shrink")["release"]
    assert [(one["article_id"], one["kept"]) for one in found["invalid"]] == [("kel-1", False)]
    assert found["left_out"] == ["kel-1"]
