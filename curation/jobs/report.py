"""Report: the state of the annotation work, as figures and as one HTML page. Everything is read from disk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import nullcontext
from datetime import date
from heapq import nsmallest
from operator import attrgetter
from pathlib import Path
from typing import Annotated, NamedTuple

from curation.annotation import Annotation
from curation.article import Article
from curation.errors import BadInput
from curation.files import ensure_writable, whole_file
from curation.jobs.agreement import agreement as measure_agreement
from curation.jobs.check import WORTH, find
from curation.jobs.corrections import corrections as measure_corrections
from curation.jobs.inputs import read_gold, usable_articles
from curation.jobs.options import Counts, OnProgress, Option, silent
from curation.jobs.provenance import anchoring as audit
from curation.jobs.review_policy import policy
from curation.jobs.status import BRIEF, Brief, StatusResult, status
from curation.labelstudio import (
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
"""Default file of the page, in the work folder."""
DONE = ("submitted", "skipped", "released")
LEFT = ("new", "pre-annotated", "open", "draft")
FINDINGS, STRONGEST, HIGHLIGHTS = 10_000, 30, 40
"""Findings of the checks: most that are read, that are listed, and that the reader shows of one article."""
LIKELY = 0.5
"""Findings with this score or a higher one are likely mistakes."""
NOBODY = f"person:{UNKNOWN}"
"""The annotator of annotations of deleted accounts, in snapshots."""
DELETED = "deleted account"
_HIGHLIGHT = attrgetter("start", "end", "kind", "message")


class ReportResult(Report, Result):
    """The figures, the file the page was written to, and its size in bytes."""

    output: str
    bytes: int

    def show(self) -> Iterator[str]:
        """Progress, and the file of the page."""
        yield f"{self.done} of {self.done + self.left} articles answered. {self.forecast.words}"
        yield f"page: {self.output} ({self.bytes / 1e6:.1f} MB, {self.reader.articles} articles in its reader)"

    def messages(self) -> Iterator[str]:
        """The notes."""
        yield from self.notes


class _Checked(NamedTuple):
    """The section on the checks, and all findings worth a look, for the reader."""

    report: Checked
    findings: list[ReportedFinding]


class _Answers(NamedTuple):
    """One article of the snapshot: its revisions by hash, and each person's last annotation, in the current labels.

    `reviewed` holds the annotations of review tasks.
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
            "Articles in the reader, those with most findings and differences.",
            name="--reader-articles",
            min=0,
            max=5000,
            old=("--articles",),
        ),
    ] = ARTICLES,
    checks: Annotated[bool, Option("Look for likely mistakes, which takes most of the time.")] = True,
    on_progress: Annotated[OnProgress, Counts("articles counted")] = silent,
) -> ReportResult:
    """Write the report page. The same work folder gives the same page, byte for byte.

    Args:
        output: file of the page; default: `report.html` in the work folder.
        articles: number of articles in the reader.
        checks: run the checks for likely mistakes, which takes most of the time.
        on_progress: called with the number of articles read.

    Raises:
        BadInput: a file that the jobs wrote cannot be read.
        ReleaseError: the takedown list cannot be read.
        CurationError: the page cannot be written; an older page stays as it is.
    """
    output = output or project.work / OUTPUT
    ensure_writable(output)
    state = status(project)
    withdrawn = set(read_takedown(project.takedown)) if project.takedown else set()
    readable = {name for name, stage in state.articles.items() if stage != "gone" and name not in withdrawn}
    folder = latest_snapshot(project.work)
    snapshot = read_snapshot(folder) if folder else None
    work, labels = WorkCounter(), LabelCounter()
    with predictions(project.work, snapshot) if snapshot else nullcontext() as sent:
        sources = _Sources(project, snapshot, sent)
        for count, answers in enumerate(sources.answers(), start=1):
            work.add(answers.people, answers.reviewed)
            _count_labels(labels, answers, sources)
            on_progress(count)
        agreement, agreement_notes = sources.agreement()
        differ = (
            {found.article_id: found.entities + found.triggers + found.arguments for found in agreement.disagreements}
            if agreement
            else {}
        )
        corrections, correction_notes = sources.corrections()
        found = sources.checked(readable) if checks else None
        findings: dict[str, list[ReportedFinding]] = defaultdict(list)
        for finding in found.findings if found else ():
            findings[finding.article_id].append(finding)
        weight = Counter(differ)
        weight.update({name: sum(finding.score for finding in of) for name, of in findings.items()})
        chosen = nsmallest(max(articles, 0), readable, key=lambda name: (-weight[name], name))
        reader = _reader(sources, chosen, state, differ, findings)
        for article in sources.articles():
            labels.article(article.text)
    worked = work.result()
    left = sum(state.counts[stage] for stage in LEFT)
    figures = Report(
        project=project.title,
        schema_ref=sources.schema.ref,
        time=snapshot.manifest.time if snapshot else None,
        stages=state.counts,
        done=sum(state.counts[stage] for stage in DONE),
        left=left,
        undecided=tuple(
            Contested(article_id=each.article_id, url=each.url, submitted=each.submitted, skipped=each.skipped)
            for each in state.undecided
            if each.article_id not in withdrawn
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
        notes=(*_notes(state, worked, withdrawn & state.articles.keys()), *sources.notes()),
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
    """The input of the report, and notes about it."""

    def __init__(self, project: Settings, snapshot: Snapshot | None, sent: Predictions | None) -> None:
        self.project, self.snapshot, self.schema = project, snapshot, project.load_schema()
        self._sent = sent
        self._file = AnnotationFile(project.preannotations) if project.preannotations.exists() else None
        self._pseudonyms = Pseudonyms.of(project.work)
        self._schemas: Counter[str] = Counter()
        self._deleted = 0
        self._policy, self._counting = policy(project), set[str]()
        self._of_review = snapshot.review_annotations() if snapshot else set[str]()
        self._gold: str | None = None

    def answers(self) -> Iterator[_Answers]:
        """The annotations of people, article by article, in the order of ids."""
        if self.snapshot is None:
            return
        for texts, made in self.snapshot.by_article():
            for annotation in made:
                self._deleted += annotation.annotator.key == NOBODY
                self._schemas[annotation.schema_ref] += 1
            if made:
                yield _Answers(made[0].article_id, texts, *self._latest(made))

    def people(self, wanted: Collection[str]) -> dict[str, list[Annotation]]:
        """Each person's last annotation of these articles, those of review tasks first. Reads no other articles."""
        if self.snapshot is None:
            return {}
        made: dict[str, list[Annotation]] = {}
        for number, record in self.snapshot.annotation_records():
            if record.get("article_id") in wanted:
                annotation = Annotation.from_record(record, path=self.snapshot.path / ANNOTATIONS, line=number)
                made.setdefault(annotation.article_id, []).append(annotation)
        found: dict[str, list[Annotation]] = {}
        for article_id, of_article in made.items():
            annotated, reviewed = self._latest(of_article)
            found[article_id] = [*reviewed, *annotated]
        return found

    def _latest(self, made: list[Annotation]) -> tuple[list[Annotation], list[Annotation]]:
        """Each person's last annotation, and the last of review tasks; with pseudonyms and in the current labels."""
        annotated: list[Annotation] = []
        reviewed: list[Annotation] = []
        for annotation in made:
            name = DELETED if annotation.annotator.key == NOBODY else self._pseudonyms.key(annotation.annotator.key)
            if annotation.annotator.key != NOBODY and self._policy.counts(annotation.annotator):
                self._counting.add(self._pseudonyms.key(annotation.annotator.key))
            annotator = annotation.annotator.model_copy(update={"name": name.removeprefix("person:")})
            carried = migrate(annotation, self.schema)[0].model_copy(update={"annotator": annotator})
            (reviewed if annotation.id in self._of_review else annotated).append(carried)
        return latest(annotated), latest(reviewed)

    def annotators(self, work: Work) -> int:
        """People who count in review and submitted something; a deleted account is none of them."""
        return sum(person.submitted > 0 and person.key in self._counting for person in work.people)

    def articles(self) -> Iterator[Article]:
        """The project's articles that can be read."""
        return usable_articles(self.project)

    def prediction(self, article: Article) -> Annotation | None:
        """The prediction that was sent for the article, else the pre-annotation."""
        found = self._sent.of(article) if self._sent is not None else None
        if found is None and self._file is not None and isinstance(read := self._file.of(article), Annotation):
            found = read
        return migrate(found, self.schema)[0] if found is not None else None

    def gold(self, wanted: Collection[str]) -> dict[str, Annotation]:
        """The gold of these articles, if the project has valid gold."""
        if self.project.gold is None:
            return {}
        try:
            documents = read_gold(self.project, self.project.gold).documents
            return {article.id: gold for article, gold in documents if article.id in wanted}
        except BadInput as error:
            self._gold = error.what
            return {}

    def agreement(self) -> tuple[Agreement | None, tuple[str, ...]]:
        """Agreement between people, and notes on the figures."""
        if self.snapshot is None:
            return None, ()
        found = measure_agreement(self.project, snapshot=self.snapshot.path)
        measured = self._pseudonyms.value(found.agreement) if found.agreement else None
        return measured, tuple(self._pseudonyms.text(note) for note in found.notes)

    def corrections(self) -> tuple[Corrections | None, tuple[str, ...]]:
        """Corrections of pre-annotations, and notes on the figures."""
        if self.snapshot is None:
            return None, ()
        found = measure_corrections(self.project, snapshot=self.snapshot.path)
        measured = self._pseudonyms.value(found.corrections) if found.corrections else None
        return measured, tuple(self._pseudonyms.text(note) for note in found.notes)

    def anchoring(self) -> Anchoring | None:
        """Blind work compared with assisted work; None without blind work."""
        return audit(self.project, snapshot=self.snapshot.path) if self.snapshot else None

    def checked(self, readable: Collection[str]) -> _Checked | None:
        """The findings in articles that may be shown; None if there is nothing to check."""
        try:
            found = find(self.project, limit=FINDINGS)
        except BadInput:
            return None
        findings = [
            ReportedFinding(
                article_id=finding.article_id,
                start=finding.spans[0].start,
                end=finding.spans[0].end,
                kind=finding.kind,
                score=finding.score,
                annotator=self._pseudonyms.key(finding.annotator),
                message=finding.message,
                before=text.before,
                text=text.text,
                after=text.after,
            )
            for finding, text in zip(found.findings, found.contexts, strict=True)
            if finding.article_id in readable
        ]
        worth = [finding for finding in findings if finding.score >= WORTH]
        report = Checked(
            articles=found.articles,
            found=found.found,
            worth=len(worth),
            likely=sum(finding.score >= LIKELY for finding in worth),
            kinds=dict(Counter(finding.kind for finding in worth).most_common()),
            strongest=tuple(worth[:STRONGEST]),
            dismissed=found.dismissed,
        )
        return _Checked(report, worth)

    def notes(self) -> Iterator[str]:
        """Notes on the input, one sentence each."""
        if self._deleted:
            yield (
                f"{_many(self._deleted, 'annotation')} of deleted accounts: the number of people is unknown, so "
                f"they count as one person, “{DELETED}”, and once for each article."
            )
        if self._schemas and set(self._schemas) != {self.schema.ref}:
            versions = ", ".join(f"{count:,} with {ref}" for ref, count in sorted(self._schemas.items()))
            yield (
                f"Annotations were made with different versions of the label schema ({versions}). They are shown in "
                f"the labels of {self.schema.ref}, as far as its migrations allow."
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


def _count_labels(labels: LabelCounter, answers: _Answers, sources: _Sources) -> None:
    """Count the labels of people's submissions, and of the engine's annotations of the same articles."""
    texts: dict[str, Article] = {}
    for annotation in answers.people:
        if annotation.state == "submitted":
            article = answers.texts.get(annotation.text_sha256)
            labels.add(annotation, article.text if article else None)
            texts |= {article.text_sha256: article} if article else {}
    for article in texts.values():
        if (engine := sources.prediction(article)) is not None:
            labels.add(engine)


def _reader(
    sources: _Sources,
    chosen: list[str],
    state: StatusResult,
    differ: dict[str, int],
    findings: Mapping[str, list[ReportedFinding]],
) -> Reader:
    """The chosen articles with all their annotations, in this order."""
    wanted = set(chosen)
    articles = {article.id: article for article in sources.articles() if article.id in wanted}
    people = sources.people(wanted)
    gold = sources.gold(wanted)
    reader = Reader(sources.schema)
    for name in chosen:
        if (article := articles.get(name)) is None:
            continue
        found = [(each.annotator.key, each) for each in people.get(name, ()) if each.state != "skipped"]
        if (engine := sources.prediction(article)) is not None:
            found.append((engine.annotator.key, engine))
        if name in gold:
            found.append((GOLD, gold[name]))
        current = [(key, each) for key, each in found if each.text_sha256 == article.text_sha256]
        highlights = [Highlight(*found) for found in map(_HIGHLIGHT, findings.get(name, ())[:HIGHLIGHTS])]
        stage, different = state.articles[name], differ.get(name, 0)
        if not reader.add(article, current, stage=stage, differ=different, highlights=highlights):
            break
    return reader


def _notes(state: StatusResult, work: Work, withdrawn: Collection[str]) -> Iterator[str]:
    if state.empty and not state.articles:
        yield "The project has no articles yet."
    people = [person for person in work.people if person.submitted]
    if not people:
        yield "Nobody has submitted an article yet: there are no figures on people's work."
    elif len(people) == 1:
        yield "Only one person has submitted articles: agreement between people cannot be measured."
    if count := state.counts["unusable"]:
        yield f"{_many(count, 'article')} cannot be read and are not counted; `curation status` lists the reasons."
    if count := state.counts["deleted"]:
        yield (
            f"{_many(count, 'article')} lost their task in Label Studio: it was deleted with its annotations. "
            "They count neither as answered nor as left."
        )
    if count := state.counts["gone"]:
        yield (
            f"{_many(count, 'article')} with a task are no longer in the project: the work on them counts, "
            "their texts are not shown."
        )
    if withdrawn:
        yield (
            f"{_many(len(withdrawn), 'article')} are on the takedown list: the work on them counts, "
            "their texts are not shown."
        )
    if work.undated:
        yield f"{_many(work.undated, 'submission')} without a time: they count, but not on any day."
    if strange := work.zero_times + work.long_times:
        yield (
            f"{_many(strange, 'time')} are not plausible ({work.zero_times:,} of zero seconds, "
            f"{work.long_times:,} of more than four hours) and are left out of the times."
        )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
