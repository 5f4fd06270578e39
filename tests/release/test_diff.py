"""The difference of two releases: every change is told once, and hostile text is shown, not obeyed."""

from __future__ import annotations

import json
import random
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from made import ABOUT, SCHEMA, corpus, reviewed, words
from typer.testing import CliRunner

from curation.annotation import Annotator, Argument
from curation.cli.app import app
from curation.errors import ReleaseError
from curation.jobs.releases import diff
from curation.project import Project
from curation.release import ReviewedArticle, build_release
from curation.release.diff import Diff
from curation.release.manifest import Changes, Manifest
from curation.release.versions import latest_release
from curation.report.diff_page import write_diff_page
from curation.schema import LabelSchema

EVIL = "</del><script>alert(1)</script>&<img src=x onerror=alert(2)> {{ 7*7 }} <!--articles--> [red]"


def changed(row: ReviewedArticle, **annotation: Any) -> ReviewedArticle:
    return row._replace(annotation=row.annotation.model_copy(update=annotation))


def two(out: Path) -> tuple[Path, Path]:
    """A release, and one with one article of each kind of change."""
    rows = corpus(30)
    rows[0] = reviewed("a-0000", f"{EVIL} {words(30, random.Random(3))}")
    first = build_release(rows, SCHEMA, out, about=ABOUT)
    person, place = rows[0].annotation.entities
    move, report = rows[0].annotation.events
    goal = Argument(role="goal", filler="e2")
    rows[0] = changed(
        rows[0],
        annotator=Annotator(kind="person", name="2"),
        entities=(
            person.model_copy(update={"end": person.end - 1}),
            place.model_copy(update={"attributes": {"mention": "name"}}),
        ),
        events=(move.model_copy(update={"arguments": (goal,)}), report.model_copy(update={"arguments": ()})),
    )
    rows[1] = reviewed("a-0001", words(40, random.Random(9)))
    rows[2] = rows[2]._replace(article=rows[2].article.model_copy(update={"title": EVIL}))
    second = build_release(
        [*rows[:3], *rows[4:], reviewed("a-0099", words(40, random.Random(8)))],
        SCHEMA,
        out,
        about=ABOUT,
        previous=first.folder,
    )
    return first.folder, second.folder


def test_a_corrected_type_leaves_the_arguments_as_they_were(tmp_path: Path) -> None:
    """Changelog, diff and the `corrections` config follow the same rules."""
    fields = SCHEMA.model_dump(mode="json")
    fields["event_types"][0]["roles"][0]["fillers"] = ["Person", "Place"]
    schema = LabelSchema.model_validate(fields)
    (row,) = corpus(1)
    first = build_release([row], schema, tmp_path, about=ABOUT)
    person, place = row.annotation.entities
    other = changed(row, entities=(person.model_copy(update={"type": "Place"}), place))
    second = build_release([other], schema, tmp_path, about=ABOUT, previous=first.folder)
    both = Diff(first.folder, second.folder)
    (article,) = both
    assert [(item.item, item.change) for item in article.items] == [("entity", "type")]
    for changes in (both.summary.changes, second.changes):
        assert changes is not None
        assert {name: one.model_dump() for name, one in changes.entities.items()} == {
            "Place": {"added": 0, "removed": 0, "changed": 1}
        }
        assert (changes.events, changes.arguments) == ({}, {})


def test_each_article_and_item_that_differs_is_told(tmp_path: Path) -> None:
    before, now = two(tmp_path)
    both = Diff(before, now)
    found = {one.id: one for one in both}
    assert {name: one.change for name, one in found.items()} == {
        "a-0000": "corrected",
        "a-0001": "new text",
        "a-0002": "metadata",
        "a-0003": "left out",
        "a-0099": "added",
    }
    corrected = found["a-0000"]
    assert (corrected.annotator_before, corrected.annotator_now) == ("person:1", "person:2")
    assert [(one.item, one.change) for one in corrected.items] == [
        ("entity", "border"),
        ("entity", "attributes"),
        ("argument", "removed"),
        ("argument", "removed"),
    ]
    border = corrected.items[0]
    assert border.before is not None
    assert border.now is not None
    assert border.before.end - border.now.end == 1
    assert found["a-0002"].fields == ("title",)
    summary = both.summary
    assert (summary.before, summary.now) == ("0.1.0", "0.2.0")
    assert (summary.changes.added, summary.changes.left_out, summary.changes.revised) == (1, 1, 1)
    assert (summary.changes.corrected, summary.metadata) == (1, 1)
    assert {name: one.articles for name, one in summary.annotators.items()} == {"person:1": 4, "person:2": 1}
    two_ = summary.annotators["person:2"]
    assert (two_.added, two_.removed, two_.changed) == (0, 2, 2)


def test_a_release_does_not_differ_from_itself(tmp_path: Path) -> None:
    folder = build_release(corpus(10), SCHEMA, tmp_path, about=ABOUT).folder
    both = Diff(folder, folder)
    assert list(both) == []
    assert both.summary.changes == Changes()


def test_it_counts_as_the_changelog_does(tmp_path: Path) -> None:
    rows = corpus(20)
    first = build_release(rows, SCHEMA, tmp_path, about=ABOUT)
    rng = random.Random(4)
    for n in range(10):
        kept = tuple(event for event in rows[n].annotation.events[:1] if rng.random() < 0.5)
        rows[n] = changed(rows[n], events=kept)
    second = build_release(rows, SCHEMA, tmp_path, about=ABOUT, previous=first.folder)
    both = Diff(first.folder, second.folder)
    assert [one.change for one in both] == ["corrected"] * 10
    assert both.summary.changes == Manifest.read(second.folder).changes


class Page(HTMLParser):
    """The elements of a page, and the text of those that show changes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_hostile_text_as_text(tmp_path: Path) -> None:
    before, now = two(tmp_path / "releases")
    path = tmp_path / "diff.html"
    assert write_diff_page(Diff(before, now), path) == 5
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    assert not page.tags & {"script", "img"}
    assert not {name for name in page.attributes if name.startswith("on")}
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7*7 }}" in page.text
    assert "49" not in page.text.replace("a-0049", "")
    for tag in ("del", "ins", "section", "bdi"):
        assert tag in page.tags
    assert path.read_text().rstrip().endswith("</html>")


def test_the_command_takes_versions_and_folders(tmp_path: Path) -> None:
    schema = Path(__file__).resolve().parents[2] / "schemas" / "conflict-news.yaml"
    file = tmp_path / "curation.toml"
    file.write_text(f'[project]\nname = "made"\narticles = ["*.txt"]\nschema = "{schema}"\n')
    before, now = two(tmp_path / "work" / "releases")
    assert latest_release(tmp_path / "work" / "releases") == now
    runner = CliRunner()
    page = tmp_path / "page.html"
    by_version = runner.invoke(app, ["diff", "0.1.0", "v0.2.0", "--project", str(file), "--json", "--html", str(page)])
    by_folder = runner.invoke(app, ["diff", str(before), str(now), "--json"])
    assert (by_version.exit_code, by_folder.exit_code) == (0, 0), by_version.output + by_folder.output
    one, other = (json.loads(result.stdout) for result in (by_version, by_folder))
    assert one["summary"] == other["summary"]
    assert one["articles"] == other["articles"]
    assert one["page"] == str(page)
    assert page.exists()
    items = one["articles"][0]["items"]
    assert items[0]["before"]["type"] == items[0]["now"]["type"] == "Person"
    assert "events: Report" in by_folder.stderr
    assert "person:2, 1 articles" in by_folder.stderr


@pytest.mark.parametrize(("named", "said"), [("0.9.0", r"no version 0\.9\.0 here"), ("nothing", "neither a release")])
def test_what_is_not_there_is_said(tmp_path: Path, named: str, said: str) -> None:
    schema = Path(__file__).resolve().parents[2] / "schemas" / "conflict-news.yaml"
    file = tmp_path / "curation.toml"
    file.write_text(f'[project]\nname = "made"\narticles = ["*.txt"]\nschema = "{schema}"\n')
    with pytest.raises(ReleaseError, match=said):
        diff(Project.open(file), named, named)
