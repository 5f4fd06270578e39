"""The sample corpus is what corpus/README.md says it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from curation.annotation import Annotation
from curation.formats.articles import good_articles
from curation.jobs.agreement import agreement, read_set
from curation.jobs.compile import compile_inline
from curation.project import Project

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "corpus" / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.open(ROOT / "curation.toml")


def test_articles_say_who_they_are(project: Project) -> None:
    articles = list(good_articles(project.articles))
    assert len(articles) >= 24
    for article in articles:
        assert article.title
        assert article.source
        assert article.published is not None
        assert (article.language, article.licence) == ("en", "CC0-1.0")
        assert article.text.startswith(article.title)
        assert 150 <= len(article.text.split()) <= 900


def test_hard_characters_are_there(project: Project) -> None:
    text = {article.id: article.text for article in good_articles(project.articles)}
    everything = "".join(text.values())
    for what, pattern in {
        "emoji": "[\U0001f300-\U0001faff]", "joiner": "\u200d", "combining mark": "[\u0300-\u036f]",
        "right-to-left": "[\u0600-\u06ff]", "no-break space": "\u00a0", "astral": "[\U00010000-\U0010ffff]",
    }.items():  # fmt: skip
        assert re.search(pattern, everything), what
    assert any(b"\r\n" in path.read_bytes() for path in (ROOT / "corpus" / "articles").glob("*.txt"))
    assert "\r" not in everything


@pytest.mark.parametrize("folder", ["gold", "passes/a", "passes/b"])
def test_every_article_is_annotated_and_fits(project: Project, folder: str) -> None:
    report = compile_inline(project, ROOT / "corpus" / folder)
    assert report.problems == ()
    assert report.annotations == len(list(good_articles(project.articles)))


def test_gold_uses_the_whole_schema(project: Project) -> None:
    assert project.gold is not None
    schema = project.load_schema()
    gold = list(read_set(project, project.gold))
    assert {item.type for one in gold for item in one.items()} == {*schema.entity_names, *schema.event_names}
    assert {value for one in gold for event in one.events for value in event.attributes.values()} >= {
        "planned", "denied", "hypothetical",
    }  # fmt: skip
    assert any(_fills_event(one) for one in gold)


def _fills_event(annotation: Annotation) -> bool:
    events = {event.id for event in annotation.events}
    return any(argument.filler in events for event in annotation.events for argument in event.arguments)


def test_the_readme_states_the_agreement(project: Project) -> None:
    found = agreement(project, ROOT / "corpus" / "passes" / "a", ROOT / "corpus" / "passes" / "b").agreement
    assert found is not None
    figures = {
        "entities": found.entities.exact,
        "triggers": found.triggers.exact,
        "arguments, end to end": found.arguments.end_to_end,
    }
    for name, counts in figures.items():
        assert counts is not None
        shown = f"{counts.f1:.3f} | {counts.both} | {counts.only_first} | {counts.only_second}"
        assert f"| {name} | {shown} |" in README
    gold = compile_inline(project, ROOT / "corpus" / "gold")
    assert f"{gold.entities} entities, {gold.events} events and {gold.arguments} arguments" in README
