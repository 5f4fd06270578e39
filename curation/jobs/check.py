"""Check: find likely mistakes in people's annotations, rank them, and remember the dismissed ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import nsmallest
from pathlib import Path
from typing import Annotated, Any

from curation.annotation import Annotation, Annotator
from curation.article import Article, Value
from curation.errors import BadInput, WrongUsage
from curation.files import read_jsonl
from curation.formats.gold_jsonl import is_neutral, read_neutral
from curation.jobs.inputs import inline_annotations, snapshot_folder, usable_articles
from curation.jobs.options import Argument, Counts, OnProgress, Option, silent
from curation.jobs.publish import reviewed
from curation.jobs.review_policy import policy
from curation.labelstudio import check_source, predictions, read_snapshot
from curation.metrics.label_mapping import mapping_to, translate, with_conventions
from curation.result import Block, Line, Result, Styled, TableResult
from curation.review.checks import KINDS, Checks, Document, Finding, Kind, read_dismissed, write_dismissed
from curation.review.pseudonyms import Pseudonyms
from curation.schema import LabelSchema
from curation.settings import Settings
from curation.store import AnnotationFile

MOST = 10_000
"""Findings in a report, those with the highest scores."""
WORTH = 0.1
"""Findings with this score or a higher one are worth a look."""
SHOWN = 20
"""Problems listed in a report; all are counted."""

Row = tuple[Article, Annotation, Annotation | None]
"""An article, its annotation, and an engine's annotation as second opinion."""
Source = Callable[[], Iterator[Row]]
"""Gives all rows. It is called twice: to learn, and to check."""


class Context(Value):
    """The text of a finding: before the span, the span, after it."""

    before: str
    text: str
    after: str


class CheckResult(TableResult):
    """`findings` in rank order, at most `limit`; `contexts` are their texts, in the same order.

    found, kinds    all findings, also those left out of `findings`, and by kind
    worth           findings with a score of at least `WORTH`
    dismissed       findings that people have dismissed so far
    unused          annotations that do not fit their article; `problems` lists the first ones
    second_opinion  key of the engine whose annotations were compared, or None
    missing         one sentence on checks that were left out because an extra is not installed, or None
    """

    checked: str
    articles: int
    findings: tuple[Finding, ...]
    contexts: tuple[Context, ...]
    kinds: dict[str, int]
    found: int
    worth: int
    dismissed: int
    second_opinion: str | None
    unused: int
    problems: tuple[str, ...] = ()
    missing: str | None = None

    def records(self) -> list[dict[str, Any]]:
        """A row for each finding."""
        return [
            {
                "id": finding.id,
                "score": finding.score,
                "kind": finding.kind,
                "article": finding.article_id,
                "start": finding.spans[0].start,
                "end": finding.spans[0].end,
                "annotator": finding.annotator,
                "text": context.text,
                "message": finding.message,
            }
            for finding, context in zip(self.findings, self.contexts, strict=True)
        ]

    def show(self) -> Iterator[Block]:
        """Each finding with the text round it, and the counts."""
        second = f", with {self.second_opinion} as second opinion" if self.second_opinion else ""
        yield f"{self.checked}: {self.articles} articles checked{second or ', without a second opinion'}"
        for finding, context in zip(self.findings, self.contexts, strict=True):
            place = f"{finding.article_id} {finding.spans[0].start}–{finding.spans[0].end} {finding.annotator}"
            yield ""
            yield Line(
                (Styled(f"{finding.score:.2f} ", "bold"), Styled(finding.kind, "cyan"), f"  {finding.id}  {place}")
            )
            before, text, after = map(_flat, (context.before, context.text, context.after))
            yield Line(("  …", before, Styled(f"[{text}]", "bold reverse"), after, "…"))
            yield f"  {finding.message}"
            yield from (Line(("  ", Styled(other.message, "dim"))) for other in finding.also)
        yield ""
        counts = ", ".join(f"{kind} {count}" for kind, count in self.kinds.items())
        yield (
            f"{self.found} findings, {self.worth} of them worth a look (a score of {WORTH} or more), "
            f"{len(self.findings)} shown; {self.dismissed} dismissed"
        )
        yield f"found: {counts or 'nothing'}"

    def messages(self) -> Iterator[str]:
        """Checks that could not be run, and annotations that could not be checked."""
        if self.missing:
            yield self.missing
        yield from self.problems
        if self.unused > len(self.problems):
            yield f"… and {self.unused - len(self.problems)} more like these"


class DismissResult(Result):
    """Findings that were dismissed, and how many of their ids are new."""

    dismissed: int
    recorded: int

    def show(self) -> Iterator[str]:
        """The count."""
        yield f"dismissed: {self.dismissed} findings"


def find(
    project: Settings,
    place: Path | None = None,
    *,
    kinds: Iterable[str] = (),
    preannotations: Path | None = None,
    mapping: str | None = None,
    limit: int = MOST,
    on_progress: OnProgress = silent,
) -> CheckResult:
    """Find likely mistakes, the most probable first. By default in the annotations that publish would release now.

    Writes nothing. The same input gives the same findings, with the same ids.

    Args:
        place: check a folder of inline files, a .jsonl of annotations, or a gold .jsonl instead of the latest snapshot.
        kinds: only these kinds of findings.
        preannotations: an engine's .jsonl as second opinion; default: the predictions that were sent, else the
            project's pre-annotations.
        mapping: the ontology of the labels in a gold .jsonl; pre-annotations are translated to it.
        limit: number of findings to return.
        on_progress: called with the number of articles read, in both passes.

    Raises:
        BadInput: there is nothing to check, or the input, a kind or the mapping cannot be used.
    """
    wanted = [_kind(kind) for kind in kinds]
    dismissed = read_dismissed(project.work)
    source, schema, checked = _source(project, place, preannotations, mapping)
    checks = Checks(schema, kinds=wanted, dismissed=dismissed)
    done = articles = unused = 0
    problems: list[str] = []
    opinion: set[str] = set()
    for article, annotation, engine in source():
        if problem := _misfit(article, annotation):
            unused += 1
            problems = [*problems, problem][:SHOWN]
            continue
        if engine is not None:
            opinion.add(engine.annotator.key)
        checks.learn(Document(article, annotation, _fitting(article, engine)))
        articles, done = articles + 1, done + 1
        on_progress(done)
    if not articles:
        reason = f": {problems[0]}" if problems else ""
        way_out = "name annotations of the project's articles, or pull some: curation pull"
        raise BadInput(f"no annotation to check{reason}", path=checked, way_out=way_out)
    counts: Counter[str] = Counter()
    worth = 0

    def findings() -> Iterator[tuple[Finding, Context]]:
        nonlocal done, worth
        for article, annotation, engine in source():
            if _misfit(article, annotation):
                continue
            for finding in checks.findings(Document(article, annotation, _fitting(article, engine))):
                counts[finding.kind] += 1
                worth += finding.score >= WORTH
                yield finding, _context(article, finding)
            done += 1
            on_progress(done)

    # with 0, nsmallest would not read the findings, and none would be counted
    best = nsmallest(max(limit, 1), findings(), key=lambda found: (-found[0].score, found[0].id))[:limit]
    return CheckResult(
        checked=checked,
        articles=articles,
        findings=tuple(finding for finding, _ in best),
        contexts=tuple(context for _, context in best),
        kinds=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        found=counts.total(),
        worth=worth,
        dismissed=len(dismissed),
        second_opinion=", ".join(sorted(opinion)) or None,
        unused=unused,
        problems=tuple(problems),
        missing=checks.missing,
    )


def dismiss(project: Settings, ids: Sequence[str], why: str = "", by: str = "") -> int:
    """Record that the findings with these ids are no mistakes; `find` leaves them out from then on.

    `finding.ids` are the ids of all hints on one span.

    Returns:
        The number of ids that were not dismissed before.

    Raises:
        BadInput: an id is not the id of a finding.
    """
    return write_dismissed(project.work, ids, why, by)


def check_command(
    project: Settings,
    place: Annotated[
        Path | None,
        Argument(
            "A .jsonl of annotations or of the neutral form, or a folder of inline files; "
            "default: the annotations that count in the latest snapshot.",
            metavar="FILE|FOLDER",
        ),
    ] = None,
    *,
    kinds: Annotated[Sequence[str], Option("Only findings of this kind; may be repeated.", name="--kind")] = (),
    top: Annotated[int, Option("How many to show, the likeliest first.", min=1, max=MOST)] = 50,
    preannotations: Annotated[
        Path | None, Option("A .jsonl of an engine as second opinion; default: the predictions that were sent.")
    ] = None,
    mapping: Annotated[
        str | None, Option("The neutral file is in the labels of this ontology, one of `elsewhere`.")
    ] = None,
    dismissed: Annotated[
        Sequence[str], Option("This finding is no mistake; may be repeated.", name="--dismiss", metavar="ID")
    ] = (),
    why: Annotated[str, Option("Why the dismissed annotation is right.")] = "",
    by: Annotated[str, Option("Who dismisses it.")] = "",
    on_progress: Annotated[OnProgress, Counts("articles read")] = silent,
) -> CheckResult | DismissResult:
    """`curation check`: `find`, or with `dismissed` `dismiss`, with all findings on the same span."""
    if (why or by) and not dismissed:
        raise WrongUsage("--why and --by go with --dismiss")
    limit = MOST if dismissed else top
    found = find(
        project,
        place,
        kinds=kinds,
        preannotations=preannotations,
        mapping=mapping,
        limit=limit,
        on_progress=on_progress,
    )
    if not dismissed:
        return found
    by_id = {name: finding for finding in found.findings for name in finding.ids}
    for name in dismissed:
        if name not in by_id:
            way_out = "take an id that `curation check` prints for the same file or folder"
            raise BadInput(f"{name} is no finding here, or was dismissed before", field="dismiss", way_out=way_out)
    new = dismiss(project, [name for wanted in dismissed for name in by_id[wanted].ids], why, by)
    return DismissResult(dismissed=len(set(dismissed)), recorded=new)


def _flat(text: str) -> str:
    """On one line, as long as it was: each white space becomes a blank."""
    return "".join(" " if char.isspace() else char for char in text)


def _kind(name: str) -> Kind:
    for kind in KINDS:
        if kind == name:
            return kind
    raise BadInput(f"no kind of finding is called {name}", field="kind", way_out=f"choose among {', '.join(KINDS)}")


def _source(
    project: Settings, place: Path | None, preannotations: Path | None, mapping: str | None
) -> tuple[Source, LabelSchema | None, str]:
    """The rows to check, the schema of their labels (None for another ontology), and the name of the source."""
    schema = project.load_schema()
    file = preannotations or project.preannotations
    engine = AnnotationFile(file) if preannotations or file.is_file() else None

    def second(article: Article) -> Annotation | None:
        found = engine.of(article) if engine else None
        return found if isinstance(found, Annotation) else None

    if place is None:
        folder = snapshot_folder(project, way_out="run `curation pull` first, or name a file or folder to check")
        return lambda: _snapshot(project, folder, second, bool(preannotations)), schema, str(folder)
    if place.is_dir():
        return lambda: _inline(project, place, schema, second), schema, str(place)
    if not place.is_file():
        raise BadInput("no annotations there", path=place, way_out="name a .jsonl file or a folder of inline files")
    check_source(place)
    first = next(read_jsonl(place), None)
    if first is not None and is_neutral(first[1]):
        there = mapping_to(mapping, schema, project.schema_path.parent) if mapping else None

        def neutral() -> Iterator[Row]:
            for article, annotation in read_neutral(place):
                found = second(article) if there else None
                if found and there:
                    found = translate(with_conventions(found, article.text, there), annotation, there)
                yield article, annotation, found

        return neutral, None, str(place)
    if mapping and first is not None:
        what = f"these annotations are in the project's own labels, not in those of {mapping}"
        raise BadInput(what, field="mapping", way_out="leave --mapping out")
    annotations = AnnotationFile(place)

    def lines() -> Iterator[Row]:
        for article in usable_articles(project):
            if article.id in annotations.articles:
                found = annotations.of(article)
                if isinstance(found, Annotation):
                    yield article, found, second(article)

    return lines, schema, str(place)


def _snapshot(
    project: Settings, folder: Path, second: Callable[[Article], Annotation | None], named: bool
) -> Iterator[Row]:
    """The annotations that publish would release. Sent predictions are the second opinion, unless a file is given."""
    snapshot = read_snapshot(folder)
    with predictions(project.work, snapshot) as sent:
        # An undecided article is checked, too, by its latest submission.
        rules = policy(project)._replace(undecided="latest")
        for one in reviewed(snapshot, sent, Pseudonyms.of(project.work), policy=rules):
            engine = second(one.article) if named else one.prediction or sent.of(one.article) or second(one.article)
            yield one.article, one.annotation, engine


def _inline(
    project: Settings, folder: Path, schema: LabelSchema, second: Callable[[Article], Annotation | None]
) -> Iterator[Row]:
    annotator = Annotator(kind="person", name=folder.name)
    for article in usable_articles(project):
        for annotation in inline_annotations(folder, article, schema, annotator):
            yield article, annotation, second(article)


def _misfit(article: Article, annotation: Annotation) -> str | None:
    """Why an annotation does not fit its article; None if it does."""
    if annotation.text_sha256 != article.text_sha256:
        return f"{article.id}: the annotation is of another revision of the text"
    for item in annotation.items():
        if item.end > len(article.text):
            return f"{article.id}: {item.id} ends at {item.end}, the text at {len(article.text)}"
    return None


def _fitting(article: Article, engine: Annotation | None) -> Annotation | None:
    return engine if engine is not None and _misfit(article, engine) is None else None


def _context(article: Article, finding: Finding, width: int = 60) -> Context:
    start, end = finding.spans[0].start, finding.spans[0].end
    return Context(
        before=article.text[max(0, start - width) : start],
        text=article.text[start : min(end, start + 4 * width)],
        after=article.text[end : end + width],
    )
