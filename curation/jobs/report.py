"""Report: how the annotation stands, as figures and as one HTML page. Read from disk; no server is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from datetime import date
from heapq import nsmallest
from pathlib import Path
from typing import Annotated, NamedTuple

from curation.annotation import Annotation
from curation.article import Article
from curation.errors import BadInput
from curation.files import ensure_writable, whole_file
from curation.formats.articles import read_articles
from curation.jobs.agreement import agreement as measure_agreement
from curation.jobs.check import WORTH, find
from curation.jobs.corrections import corrections as measure_corrections
from curation.jobs.inputs import read_gold
from curation.jobs.options import Counts, OnProgress, Option, silent
from curation.jobs.provenance import anchoring as audit
from curation.jobs.review_policy import policy
from curation.jobs.status import BRIEF, Brief, StatusResult
from curation.jobs.status import status as where
from curation.labelstudio import (
    ANNOTATE,
    ANNOTATIONS,
    UNKNOWN,
    Predictions,
    Snapshot,
    latest_snapshot,
    predictions,
    read_snapshot,
)
from curation.metrics.agreement import Agreement
from curation.metrics.anchoring import Anchoring
from curation.metrics.corrections import Corrections
from curation.release import read_takedown
from curation.report.charts import kept
from curation.report.figures import Checked, Contested, Report, ReportedFinding, Shown
from curation.report.forecast import forecast
from curation.report.label_counts import LabelCounter
from curation.report.project_page import project_page
from curation.report.reader_data import ARTICLES, GOLD, Highlight, Reader
from curation.report.throughput import Work, WorkCounter, latest
from curation.result import Result
from curation.review.pseudonyms import Pseudonyms
from curation.schema_migration import migrate
from curation.settings import Settings
from curation.store import AnnotationFile

OUTPUT = "report.html"
"""Where the page goes in the work folder, unless told otherwise."""
DONE = ("submitted", "skipped", "released")
LEFT = ("new", "pre-annotated", "open", "draft")
FINDINGS, STRONGEST, DOUBTS = 10_000, 30, 40
"""Findings of the checks: how many are looked at, how many are listed, how many of one article are in the reader."""
LIKELY = 0.5
"""The score from which a finding is likely a mistake."""
NOBODY = f"person:{UNKNOWN}"
"""Who made what an account that was deleted since left behind, as a snapshot has it."""
DELETED = "deleted account"


class ReportResult(Report, Result):
    """The figures, the file the page was written to, and its size in bytes."""

    output: str
    bytes: int

    def show(self) -> Iterator[str]:
        """How far the work is, and the page."""
        yield f"{self.done} of {self.done + self.left} articles answered. {self.forecast.words}"
        yield f"page: {self.output} ({self.bytes / 1e6:.1f} MB, {self.reader.articles} articles in its reader)"

    def messages(self) -> Iterator[str]:
        """The notes."""
        yield from self.notes


class _Checked(NamedTuple):
    """What the page says of the checks, and the findings that are worth a look, for the reader."""

    report: Checked
    findings: list[ReportedFinding]


class Said(NamedTuple):
    """One article of the snapshot: its revisions by hash, and what each person said last, in today's labels.

    `reviewed` is what was said in tasks made to look again at what people said before.
    """

    article_id: str
    texts: dict[str, Article]
    people: list[Annotation]
    reviewed: list[Annotation]


def report(
    project: Settings,
    *,
    output: Annotated[
        Path | None,
        Option(
            "Write the page there; default: report.html in the work folder.",
            name="--out",
            metavar="FILE",
            old=("--output",),
        ),
    ] = None,
    articles: Annotated[
        int,
        Option(
            "Articles in the reader, the most doubtful.", name="--reader-articles", min=0, max=5000, old=("--articles",)
        ),
    ] = ARTICLES,
    checks: Annotated[bool, Option("Look for likely mistakes, which takes most of the time.")] = True,
    on_progress: Annotated[OnProgress, Counts("articles counted")] = silent,
) -> ReportResult:
    """Write the page to `output` (default: `report.html` in the work folder), with so many `articles` in its reader.

    Without `checks` it takes less time, and says nothing of likely mistakes. The same work folder gives the same
    page, byte for byte.

    Raises:
        BadInput: a file that the jobs wrote cannot be read.
        ReleaseError: the takedown list cannot be read.
        CurationError: the page cannot be written; what stood there before still does.
    """
    output = output or project.work / OUTPUT
    ensure_writable(output)
    stands = where(project)
    withdrawn = set(read_takedown(project.takedown)) if project.takedown else set()
    readable = {name for name, stage in stands.articles.items() if stage != "gone" and name not in withdrawn}
    folder = latest_snapshot(project.work)
    snapshot = read_snapshot(folder) if folder else None
    work, labels = WorkCounter(), LabelCounter()
    with predictions(project.work, snapshot) if snapshot else nullcontext() as sent:
        sources = _Sources(project, snapshot, sent)
        for count, said in enumerate(sources.said(), start=1):
            work.add(said.people, said.reviewed)
            _count_labels(labels, said, sources)
            on_progress(count)
        agreement, agreement_notes = sources.agreement()
        differ = (
            {one.article_id: one.entities + one.triggers + one.arguments for one in agreement.disagreements}
            if agreement
            else {}
        )
        corrections, correction_notes = sources.corrections()
        found = sources.checked(readable) if checks else None
        doubts: dict[str, list[ReportedFinding]] = {}
        for one in found.findings if found else ():
            doubts.setdefault(one.article_id, []).append(one)
        doubtful = {name: sum(one.score for one in of) + differ.get(name, 0) for name, of in doubts.items()}
        chosen = nsmallest(
            max(articles, 0), readable, key=lambda name: (-doubtful.get(name, differ.get(name, 0)), name)
        )
        reader = _reader(sources, chosen, stands, differ, doubts)
        for article in sources.articles():
            labels.article(article.text)
    worked = work.result()
    left = sum(stands.counts[stage] for stage in LEFT)
    figures = Report(
        project=project.title,
        schema_ref=sources.schema.ref,
        time=snapshot.manifest.time if snapshot else None,
        stages=stands.counts,
        done=sum(stands.counts[stage] for stage in DONE),
        left=left,
        undecided=tuple(
            Contested(article_id=one.article_id, url=one.url, submitted=one.submitted, skipped=one.skipped)
            for one in stands.undecided
            if one.article_id not in withdrawn
        ),
        annotators=sources.annotators(worked),
        work=worked,
        forecast=forecast(worked.answered, left, snapshot.manifest.time.date() if snapshot else date.min),
        labels=labels.result(),
        agreement=agreement.model_copy(update={"disagreements": ()}) if agreement else None,
        agreement_notes=agreement_notes,
        corrections=corrections,
        correction_notes=correction_notes,
        anchoring=sources.anchoring(),
        checks=found.report if found else None,
        notes=(*_notes(stands, worked, withdrawn & stands.articles.keys()), *sources.notes()),
        reader=Shown(articles=reader.articles, of=len(readable)),
    )
    html = project_page(figures, reader)
    with whole_file(output) as file:
        file.write(html)
    if folder is not None:
        with whole_file(project.work / BRIEF) as file:
            file.write(_brief(folder.name, figures).model_dump_json() + "\n")
    return ReportResult(**dict(figures), output=str(output), bytes=len(html.encode()))


class _Sources:
    """Everything the report is made from, and what was strange about it."""

    def __init__(self, project: Settings, snapshot: Snapshot | None, sent: Predictions | None) -> None:
        self.project, self.snapshot, self.schema = project, snapshot, project.load_schema()
        self._sent = sent
        self._file = AnnotationFile(project.preannotations) if project.preannotations.exists() else None
        self._pseudonyms = Pseudonyms.of(project.work)
        self._schemas: Counter[str] = Counter()
        self._deleted = 0
        self._policy, self._counting = policy(project), set[str]()
        tasks = snapshot.tasks() if snapshot else ()
        self._apart = {name for task in tasks if task.purpose != ANNOTATE for name in task.annotations}
        self._gold: str | None = None

    def said(self) -> Iterator[Said]:
        """What people said, article by article, by id."""
        if self.snapshot is None:
            return
        for texts, made in self.snapshot.by_article():
            for one in made:
                self._deleted += one.annotator.key == NOBODY
                self._schemas[one.schema_ref] += 1
            if made:
                yield Said(made[0].article_id, texts, *self._latest(made))

    def people(self, wanted: Collection[str]) -> dict[str, list[Annotation]]:
        """What people said last of these articles, what was said in review first. The others are not read in."""
        if self.snapshot is None:
            return {}
        made: dict[str, list[Annotation]] = {}
        for number, record in self.snapshot.annotation_records():
            if record.get("article_id") in wanted:
                one = Annotation.from_record(record, path=self.snapshot.path / ANNOTATIONS, line=number)
                made.setdefault(one.article_id, []).append(one)
        told: dict[str, list[Annotation]] = {}
        for name, of in made.items():
            first, second = self._latest(of)
            told[name] = [*second, *first]
        return told

    def _latest(self, made: list[Annotation]) -> tuple[list[Annotation], list[Annotation]]:
        """Of each person the last, on annotating and in review; under pseudonyms and in today's labels."""
        first: list[Annotation] = []
        second: list[Annotation] = []
        for one in made:
            name = DELETED if one.annotator.key == NOBODY else self._pseudonyms.key(one.annotator.key)
            if one.annotator.key != NOBODY and self._policy.counts(one.annotator):
                self._counting.add(self._pseudonyms.key(one.annotator.key))
            annotator = one.annotator.model_copy(update={"name": name.removeprefix("person:")})
            carried = migrate(one, self.schema)[0].model_copy(update={"annotator": annotator})
            (second if one.id in self._apart else first).append(carried)
        return latest(first), latest(second)

    def annotators(self, work: Work) -> int:
        """People who count in review and submitted something; a deleted account is none of them."""
        return sum(person.submitted > 0 and person.key in self._counting for person in work.people)

    def articles(self) -> Iterator[Article]:
        """The project's articles that can be read."""
        return (found for found in read_articles(self.project.articles) if isinstance(found, Article))

    def prediction(self, article: Article) -> Annotation | None:
        """What an engine said of the article: as it was sent, else as it would be."""
        found = self._sent.of(article) if self._sent is not None else None
        if found is None and self._file is not None and isinstance(read := self._file.of(article), Annotation):
            found = read
        return migrate(found, self.schema)[0] if found is not None else None

    def gold(self, wanted: Collection[str]) -> dict[str, Annotation]:
        """The gold of these articles, if the project has any that can be used."""
        if self.project.gold is None:
            return {}
        try:
            documents = read_gold(self.project, self.project.gold).documents
            return {article.id: gold for article, gold in documents if article.id in wanted}
        except BadInput as error:
            self._gold = error.what
            return {}

    def agreement(self) -> tuple[Agreement | None, tuple[str, ...]]:
        """How far people agree, and what is to be known of the figures."""
        if self.snapshot is None:
            return None, ()
        found = measure_agreement(self.project, snapshot=self.snapshot.path)
        measured = self._pseudonyms.value(found.agreement) if found.agreement else None
        return measured, tuple(self._pseudonyms.text(note) for note in found.notes)

    def corrections(self) -> tuple[Corrections | None, tuple[str, ...]]:
        """What people made of pre-annotations, and what is to be known of the figures."""
        if self.snapshot is None:
            return None, ()
        found = measure_corrections(self.project, snapshot=self.snapshot.path)
        measured = self._pseudonyms.value(found.corrections) if found.corrections else None
        return measured, tuple(self._pseudonyms.text(note) for note in found.notes)

    def anchoring(self) -> Anchoring | None:
        """Blind work beside assisted work, where there is any."""
        return audit(self.project, snapshot=self.snapshot.path) if self.snapshot else None

    def checked(self, readable: Collection[str]) -> _Checked | None:
        """What the checks find, told where the article may be read; None where there is nothing to look at."""
        try:
            found = find(self.project, limit=FINDINGS)
        except BadInput:
            return None
        findings = [
            ReportedFinding(
                article_id=one.article_id,
                start=one.spans[0].start,
                end=one.spans[0].end,
                kind=one.kind,
                score=one.score,
                annotator=self._pseudonyms.key(one.annotator),
                message=one.message,
                before=text.before,
                text=text.text,
                after=text.after,
            )
            for one, text in zip(found.findings, found.contexts, strict=True)
            if one.article_id in readable
        ]
        worth = [one for one in findings if one.score >= WORTH]
        report = Checked(
            articles=found.articles,
            found=found.found,
            worth=len(worth),
            likely=sum(one.score >= LIKELY for one in worth),
            kinds=dict(Counter(one.kind for one in worth).most_common()),
            strongest=tuple(worth[:STRONGEST]),
            dismissed=found.dismissed,
        )
        return _Checked(report, worth)

    def notes(self) -> Iterator[str]:
        """What was strange, in plain sentences."""
        if self._deleted:
            yield (
                f"{_many(self._deleted, 'annotation')} of accounts that were deleted since: nobody can say how many "
                f"people that was, so they count as one, named “{DELETED}”, and once an article."
            )
        if self._schemas and set(self._schemas) != {self.schema.ref}:
            told = ", ".join(f"{count:,} with {ref}" for ref, count in sorted(self._schemas.items()))
            yield (
                f"Annotations were made with different versions of the label schema ({told}). They are shown in the "
                f"labels of {self.schema.ref} as far as its migrations lead there."
            )
        if self._gold:
            yield f"The gold cannot be used and is left out: {self._gold}."


def _brief(snapshot: str, figures: Report) -> Brief:
    agreement, corrections = figures.agreement, figures.corrections
    return Brief(
        snapshot=snapshot,
        agreement=agreement.entities.exact.f1 if agreement else None,
        twice=agreement.articles if agreement else 0,
        kept=kept(corrections.all) if corrections else None,
        findings=figures.checks.worth if figures.checks else None,
    )


def _count_labels(labels: LabelCounter, said: Said, sources: _Sources) -> None:
    """What people submitted, and beside it what the engine says of the same articles."""
    texts: dict[str, Article] = {}
    for one in said.people:
        if one.state == "submitted":
            article = said.texts.get(one.text_sha256)
            labels.add(one, article.text if article else None)
            texts |= {article.text_sha256: article} if article else {}
    for article in texts.values():
        if (engine := sources.prediction(article)) is not None:
            labels.add(engine)


def _reader(
    sources: _Sources,
    chosen: list[str],
    stands: StatusResult,
    differ: dict[str, int],
    doubts: dict[str, list[ReportedFinding]],
) -> Reader:
    """The chosen articles with all that was said of them, in the order of choice."""
    wanted = set(chosen)
    articles = {article.id: article for article in sources.articles() if article.id in wanted}
    people = sources.people(wanted)
    gold = sources.gold(wanted)
    reader = Reader(sources.schema)
    for name in chosen:
        if (article := articles.get(name)) is None:
            continue
        said = [(one.annotator.key, one) for one in people.get(name, ()) if one.state != "skipped"]
        if (engine := sources.prediction(article)) is not None:
            said.append((engine.annotator.key, engine))
        if name in gold:
            said.append((GOLD, gold[name]))
        here = [(key, one) for key, one in said if one.text_sha256 == article.text_sha256]
        doubtful = [Highlight(one.start, one.end, one.kind, one.message) for one in doubts.get(name, ())[:DOUBTS]]
        if not reader.add(article, here, stage=stands.articles[name], differ=differ.get(name, 0), doubts=doubtful):
            break
    return reader


def _notes(stands: StatusResult, work: Work, withdrawn: Collection[str]) -> Iterator[str]:
    if stands.empty and not stands.articles:
        yield "The project has no articles yet."
    people = [person for person in work.people if person.submitted]
    if not people:
        yield "Nobody has submitted an article yet: the figures on people's work begin with the first."
    elif len(people) == 1:
        yield "Only one person has submitted articles: nothing can be said of agreement between people."
    if count := stands.counts["unusable"]:
        yield f"{_many(count, 'article')} cannot be read and count nowhere; `curation status` says which and why."
    if count := stands.counts["deleted"]:
        yield (
            f"{_many(count, 'article')} had the task deleted in Label Studio: what stood in it is gone, and they count "
            "neither as answered nor as left."
        )
    if count := stands.counts["gone"]:
        yield (
            f"{_many(count, 'article')} with a task are no longer in the project: the work on them counts, "
            "their texts are not shown."
        )
    if withdrawn:
        yield (
            f"{_many(len(withdrawn), 'article')} were withdrawn (the takedown list): the work on them counts, "
            "their texts are not shown."
        )
    if work.undated:
        yield f"{_many(work.undated, 'submission')} without a time: they count, but stand on no day."
    if strange := work.zero_times + work.long_times:
        yield (
            f"{_many(strange, 'time')} cannot be believed ({work.zero_times:,} of zero seconds, "
            f"{work.long_times:,} of more than four hours) and are left out of the times."
        )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
