"""The figures of the report, checked by hand from the known mistakes of simulated annotators; and missing figures."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import simulated_project

from curation.annotation import Annotation, Annotator, annotation_id
from curation.formats.articles import good_articles
from curation.formats.inline_markup import read_folder
from curation.jobs.report import ReportResult, report
from curation.jobs.status import status
from curation.metrics.effort import LONGEST
from curation.project import Project
from curation.report.forecast import forecast
from curation.review.pseudonyms import Pseudonyms

ROOT = Path(__file__).resolve().parents[2]

HASTY, CONFUSED, BRIEF = "hasty", "confused", "brief"
NAMES = (HASTY, CONFUSED, BRIEF)
Spans = Counter[tuple[int, int, str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three weeks of simulated work on the sample."""
    return simulated_project.make_project(tmp_path_factory.mktemp("practice"))


@pytest.fixture(scope="module")
def figures(project: Project) -> ReportResult:
    return report(project, checks=False)


@pytest.fixture(scope="module")
def gold() -> list[Annotation]:
    """The gold of every article, in the order of the tasks."""
    sample = Project.open(ROOT / "curation.toml")
    schema, by_hand = sample.load_schema(), Annotator(kind="person", name="gold")
    return list(read_folder(ROOT / "corpus" / "gold", good_articles(sample.articles), schema, by_hand))


@pytest.fixture(scope="module")
def people(project: Project) -> dict[str, str]:
    """Stand-in → pseudonym."""
    pseudonyms = Pseudonyms.of(project.work)
    return {name: pseudonyms.key(f"person:ls-{place + 2}") for place, name in enumerate(NAMES)}


def answered() -> dict[int, tuple[str, ...]]:
    """Place of the task → who submitted it: every seventh left open, every ninth skipped, every second done twice."""
    found: dict[int, tuple[str, ...]] = {}
    for place in range(28):
        if place % 7 != 5 and place % 9 != 7:
            both = (NAMES[place % 3], NAMES[(place + 1) % 3])
            found[place] = both if place % 2 == 0 else both[:1]
    return found


def entities(gold: Annotation, name: str) -> Spans:
    spans = sorted((one.start, one.end, one.type) for one in gold.entities)
    if name == HASTY:
        return Counter(span for place, span in enumerate(spans) if place % 6 != 5)
    if name == CONFUSED:
        return Counter((start, end, kind.replace("Organization", "ArmedGroup")) for start, end, kind in spans)
    return Counter(spans)


def triggers(gold: Annotation, name: str) -> Spans:
    swap = name == CONFUSED
    return Counter(
        (one.start, one.end, one.type.replace("Offensive", "Attack") if swap else one.type) for one in gold.events
    )


def links(gold: Annotation, name: str) -> Counter[tuple[Any, ...]]:
    """Trigger, role and filler's span of every argument."""
    left = {span[:2] for span in entities(gold, name)} | {(one.start, one.end) for one in gold.events}
    found: Counter[tuple[Any, ...]] = Counter()
    for event in gold.events:
        kind = event.type.replace("Offensive", "Attack") if name == CONFUSED else event.type
        for argument in event.arguments:
            filler = gold.item(argument.filler)
            if (filler.start, filler.end) in left and not (name == BRIEF and argument.role in ("time", "place")):
                found[(event.start, event.end, kind), argument.role, (filler.start, filler.end)] += 1
    return found


def f1(
    of: Callable[[Annotation, str], Counter[Any]], gold: list[Annotation], pairs: list[tuple[int, str, str]]
) -> float:
    both = total = 0
    for place, one, two in pairs:
        left, right = of(gold[place], one), of(gold[place], two)
        both += (left & right).total()
        total += left.total() + right.total()
    return 2 * both / total


def test_progress_and_throughput(figures: ReportResult, people: dict[str, str]) -> None:
    by = Counter(name for names in answered().values() for name in names)
    assert sum(by.values()) == 32
    assert figures.stages["open"] == 4
    assert figures.stages["skipped"] == 3
    assert figures.stages["submitted"] == 21
    assert (figures.done, figures.left) == (24, 4)
    assert {one.key: one.submitted for one in figures.work.people} == {people[name]: by[name] for name in NAMES}
    assert sum(one.skipped for one in figures.work.people) == 3
    assert figures.work.submitted == 32
    assert sum(sum(of.values()) for of in figures.work.days.values()) == 32
    # two articles a working day, whether submitted or skipped
    assert figures.work.answered[date(2031, 3, 3)] == 2
    assert sum(figures.work.answered.values()) == 24
    assert figures.notes == ()


def test_times_and_items(figures: ReportResult, gold: list[Annotation], people: dict[str, str]) -> None:
    pace = {HASTY: 2.0, CONFUSED: 3.0, BRIEF: 2.5}
    for name in NAMES:
        items = [
            (entities(gold[place], name) + triggers(gold[place], name)).total() + links(gold[place], name).total()
            for place, names in answered().items()
            if name in names
        ]
        (person,) = [one for one in figures.work.people if one.key == people[name]]
        assert person.items == pytest.approx(sum(items) / len(items), abs=0.01)
        assert person.seconds is not None
        assert person.seconds[1] == pytest.approx(median(30 + pace[name] * count for count in items), abs=0.1)
        assert person.timed == len(items)


def test_labels(figures: ReportResult, gold: list[Annotation], people: dict[str, str]) -> None:
    counted = {one.label: one.by for one in figures.labels.entities.labels}
    events = {one.label: one.by for one in figures.labels.events.labels}
    for name in NAMES:
        mine = [gold[place] for place, names in answered().items() if name in names]
        for label in ("Organization", "ArmedGroup", "GPE", "Time"):
            told = sum(count for one in mine for span, count in entities(one, name).items() if span[2] == label)
            assert counted[label].get(people[name], 0) == told, (name, label)
        told = sum(count for one in mine for span, count in triggers(one, name).items() if span[2] == "Offensive")
        assert events["Offensive"].get(people[name], 0) == told
        assert figures.labels.articles[people[name]] == len(mine)
    assert counted["Organization"].get(people[CONFUSED], 0) == 0
    roles = {one.label: one.by for one in figures.labels.arguments.labels}
    assert people[BRIEF] not in roles["Attack.time"]
    assert sum(figures.labels.article_words.values()) == 28


def test_agreement(figures: ReportResult, gold: list[Annotation], people: dict[str, str]) -> None:
    twice = [(place, *names) for place, names in answered().items() if len(names) == 2]
    assert figures.agreement is not None
    assert figures.agreement.articles == len(twice) == 11
    assert figures.agreement.entities.exact.f1 == pytest.approx(f1(entities, gold, twice), abs=1e-4)
    assert figures.agreement.triggers.exact.f1 == pytest.approx(f1(triggers, gold, twice), abs=1e-4)
    tp = total = 0
    for place, one, two in twice:
        shared = triggers(gold[place], one) & triggers(gold[place], two)
        left, right = (
            Counter({key: count for key, count in links(gold[place], name).items() if key[0] in shared})
            for name in (one, two)
        )
        tp, total = tp + (left & right).total(), total + left.total() + right.total()
    assert figures.agreement.arguments.exact.f1 == pytest.approx(2 * tp / total, abs=1e-4)
    for pair in figures.agreement.pairs:
        mine = [one for one in twice if {people[one[1]], people[one[2]]} == {pair.first, pair.second}]
        assert pair.articles == len(mine)
        assert pair.entities.exact.f1 == pytest.approx(f1(entities, gold, mine), abs=1e-4)
    # what the confused one does is what is confused most
    count, *labels = max(cell for cell in figures.agreement.entities.matrix.cells() if "(nothing)" not in cell)
    assert sorted(labels) == ["ArmedGroup", "Organization"]
    assert count == sum(
        span[2] == "Organization"
        for place, *names in twice
        if CONFUSED in names
        for span in entities(gold[place], HASTY if HASTY in names else BRIEF)
    )


def test_corrections(figures: ReportResult, gold: list[Annotation], people: dict[str, str]) -> None:
    """What of the first pass is kept, counted from spans and types alone."""
    sample = Project.open(ROOT / "curation.toml")
    articles = good_articles(sample.articles)
    passes = list(
        read_folder(ROOT / "corpus" / "passes" / "a", articles, sample.load_schema(), simulated_project.ENGINE)
    )
    assert figures.corrections is not None
    assert figures.corrections.all.annotations == 32
    for name in NAMES:
        mine = [place for place, names in answered().items() if name in names]
        said = [Counter((one.start, one.end, one.type) for one in passes[place].entities) for place in mine]
        kept = sum((one & entities(gold[place], name)).total() for one, place in zip(said, mine, strict=True))
        fates = figures.corrections.by_annotator[people[name]].entities
        assert fates.predicted == sum(one.total() for one in said)
        assert fates.kept + fates.attributes == kept


def test_nobody_is_named(project: Project, figures: ReportResult) -> None:
    page = Path(figures.output).read_text(encoding="utf-8")
    assert "ls-2" not in page
    assert "ls-2" not in figures.model_dump_json()
    for one in figures.work.people:
        assert one.key.removeprefix("person:") in page


def test_the_same_again(project: Project, figures: ReportResult) -> None:
    before = Path(figures.output).read_bytes()
    assert report(project, checks=False) == figures
    assert Path(figures.output).read_bytes() == before


def test_status_tells_the_short_of_it(project: Project, figures: ReportResult, gold: list[Annotation]) -> None:
    short = status(project)
    assert short.submitted == {one.key: one.submitted for one in figures.work.people}
    pseudonyms = Pseudonyms.of(project.work)
    assert short.people == {pseudonyms.key(f"person:{number}"): number for number in short.people.values()}
    assert short.people.keys() == short.submitted.keys()
    assert list(short.submitted.values()) == [13, 10, 9]
    assert short.brief is not None
    twice = [(place, *names) for place, names in answered().items() if len(names) == 2]
    assert short.brief.agreement == pytest.approx(f1(entities, gold, twice), abs=1e-4)
    assert (short.brief.twice, short.brief.findings) == (11, None)
    (project.work / "report.json").write_text("{", encoding="utf-8")
    assert status(project).brief is None


def test_fewer_articles_in_the_reader(project: Project, tmp_path: Path) -> None:
    made = report(project, output=tmp_path / "small.html", articles=3, checks=False)
    assert made.reader.articles == 3
    assert made.reader.of == 28
    page = (tmp_path / "small.html").read_text(encoding="utf-8")
    assert "This page holds 3 of 28 articles" in page
    shown = json.loads(page.split('id="data">')[1].split("</script>")[0])["articles"]
    assert [one["differ"] for one in shown] == sorted((one["differ"] for one in shown), reverse=True)
    assert shown[0]["differ"] > 0


def day(number: int) -> date:
    return date(2031, 3, 3) + timedelta(days=number)


def test_forecast_says_when_it_cannot_know() -> None:
    assert "no pace" in forecast({}, 10, day(0)).words
    assert "Nothing is left" in forecast({day(0): 3}, 0, day(9)).words
    few = forecast({day(0): 5, day(1): 4}, 100, day(2))
    assert few.likely is None
    assert "Too early for a forecast: before the day of the pull, 9 articles on 2 days" in few.words
    # all on the day of the pull: no whole day has been seen
    assert "0 articles on 0 days" in forecast({day(0): 50}, 100, day(0)).words
    paused = forecast({day(0): 50, day(1): 50}, 100, day(60))
    assert paused.early is paused.late is None
    assert "last 28 days" in paused.words
    slow = forecast({day(place): place % 2 for place in range(28)}, 40_000, day(28))
    assert slow.late is None
    assert "more than 10 years" in slow.words


def test_forecast_of_an_even_pace_is_exact() -> None:
    even = forecast({day(place): 5 for place in range(10)}, 50, day(10))
    assert even.early == even.likely == even.late == day(19)
    assert even.pace == 5


def test_forecast_range_holds_what_happens() -> None:
    chance = np.random.default_rng(4)
    inside = 0
    for _ in range(30):
        rate = chance.uniform(2, 12)
        done = {day(place): int(chance.poisson(rate)) for place in range(int(chance.integers(8, 28)))}
        left, now = int(chance.integers(20, 200)), len(done)
        told = forecast(done, left, day(now))
        while left > 0:
            left -= int(chance.poisson(rate))
            now += 1
        assert told.early is not None
        assert told.late is not None
        inside += told.early <= day(now - 1) <= told.late
    assert inside >= 21  # of 30; four fifths are 24


SAMPLE = sorted((ROOT / "corpus" / "articles").glob("ins-*.txt"))
FEW = json.dumps([str(path) for path in SAMPLE[:9]])
"""Nine articles: one is left open, one skipped, five are submitted twice and two once."""


def made(folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> ReportResult:
    """The report on nine articles, their tasks changed before they are pulled."""
    return report(simulated_project.make_project(folder, change=change, articles=FEW), checks=False)


def answers(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for task in tasks for one in task["annotations"]]


def test_one_annotator_only(tmp_path: Path) -> None:
    def change(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            task["annotations"] = [one for one in task["annotations"] if one["completed_by"] == 2]

    found = made(tmp_path, change)
    assert len(found.work.people) == 1
    assert found.agreement is None
    assert found.anchoring is None
    assert "Only one person has submitted articles: agreement between people cannot be measured." in found.notes
    assert "no two people have submitted the same text" in Path(found.output).read_text(encoding="utf-8")


def test_nobody_finished(tmp_path: Path) -> None:
    def change(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            task["annotations"] = []

    found = made(tmp_path, change)
    assert (found.done, found.left) == (0, 9)
    assert found.work.people == ()
    assert found.notes[0].startswith("Nobody has submitted an article yet")
    assert found.reader.articles == 9


def test_before_the_first_pull(tmp_path: Path) -> None:
    project = simulated_project.make_project(tmp_path, pulled=False, articles=FEW)
    found = report(project)
    assert found.time is None
    assert (found.done, found.left) == (0, 9)
    assert "Nothing has been pulled" in Path(found.output).read_text(encoding="utf-8")


def test_blind_work(tmp_path: Path) -> None:
    def change(tasks: list[dict[str, Any]]) -> None:
        for task in tasks[:3]:
            task["data"]["withheld"] = annotation_id(task["data"]["article_id"], simulated_project.ENGINE.key)
            for one in task["annotations"]:
                one["parent_prediction"] = None

    found = made(tmp_path, change)
    assert found.anchoring is not None
    assert found.anchoring.articles == {"blind": 3, "assisted": 4}
    assert found.anchoring.annotations == {"blind": 5, "assisted": 7}
    assert found.corrections is not None
    assert found.corrections.all.annotations == 7
    page = Path(found.output).read_text(encoding="utf-8")
    assert "3 articles were annotated blind, 4 with a pre-annotation in view." in page
    assert "Too few to conclude anything" in page


def test_deleted_users_and_strange_times(tmp_path: Path) -> None:
    def change(tasks: list[dict[str, Any]]) -> None:
        given = answers(tasks)
        given[0]["completed_by"] = None
        given[2]["completed_by"] = None  # of another article
        given[5]["lead_time"] = 0.0
        given[3]["lead_time"] = 3 * 24 * 3600.0
        given[4]["lead_time"] = None

    found = made(tmp_path, change)
    assert found.work.submitted == 12
    (gone,) = [one for one in found.work.people if one.key == "person:deleted account"]
    assert gone.submitted + gone.skipped == 2
    assert (found.work.zero_times, found.work.long_times, found.work.no_time) == (1, 1, 1)
    assert any(note.startswith("2 annotations of deleted accounts") for note in found.notes)
    assert any(note.startswith("2 times are not plausible (1 of zero seconds, 1 of more") for note in found.notes)
    assert all(one.seconds is None or one.seconds[2] < LONGEST for one in found.work.people)


def test_articles_nobody_may_open(tmp_path: Path) -> None:
    takedown = tmp_path / "takedown.txt"
    takedown.write_text("ins-0001-palvessa-missile-strike at the agency's wish\n", encoding="utf-8")
    fewer = json.dumps([str(path) for path in SAMPLE[:6]])
    project = simulated_project.make_project(tmp_path / "p", articles=FEW)
    settings = project.root / "curation.toml"
    lines = settings.read_text(encoding="utf-8").splitlines()
    kept = [f"articles = {fewer}" if line.startswith("articles") else line for line in lines]
    settings.write_text("\n".join([*kept, "[release]", f"takedown = {json.dumps(str(takedown))}"]), encoding="utf-8")
    found = report(Project.open(settings), checks=False)
    assert found.stages["gone"] == 3
    assert found.work.submitted == 12  # the work on them counts
    assert any(note.startswith("3 articles with a task are no longer in the project") for note in found.notes)
    assert any(note.startswith("1 article") and "takedown list" in note for note in found.notes)
    page = Path(found.output).read_text(encoding="utf-8")
    shown = {
        one["id"]: one["text"] for one in json.loads(page.split('id="data">')[1].split("</script>")[0])["articles"]
    }
    assert shown == {article.id: article.text for article in good_articles(SAMPLE[1:6])}


def test_different_schema_versions(tmp_path: Path) -> None:
    project = simulated_project.make_project(tmp_path, articles=FEW)
    (path,) = (project.work / "snapshots").glob("*/annotations.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    old = [line.replace("conflict-news@1.0.0", "conflict-news@0.9.0") for line in lines[:5]]
    path.write_text("\n".join([*old, *lines[5:]]) + "\n", encoding="utf-8")
    manifest = json.loads((path.parent / "snapshot.json").read_bytes())
    manifest["files"][path.name]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    del manifest["digest"]  # as earlier versions wrote it
    (path.parent / "snapshot.json").write_text(json.dumps(manifest), encoding="utf-8")
    found = report(project, checks=False)
    assert any("(5 with conflict-news@0.9.0, 8 with conflict-news@1.0.0)" in note for note in found.notes)
    assert found.work.submitted == 12
