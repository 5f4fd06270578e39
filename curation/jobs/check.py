"""Check: find likely mistakes in people's annotations, rank them, and remember which were dismissed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappush, heappushpop
from pathlib import Path
from typing import Annotated, Any

from curation.annotation import Annotation, Annotator
from curation.article import Article, Value
from curation.errors import BadInput, WrongUsage
from curation.files import read_jsonl
from curation.formats.articles import good_articles
from curation.formats.gold_jsonl import is_neutral, read_neutral
from curation.formats.inline_markup import read_folder
from curation.jobs.options import Argument, Counts, OnProgress, Option, silent
from curation.jobs.publish import reviewed
from curation.jobs.review_policy import policy
from curation.labelstudio import check_source, latest_snapshot, predictions, read_snapshot
from curation.metrics.label_mapping import mapping_to, translate, with_conventions
from curation.result import Block, Line, Result, Styled, TableResult
from curation.review.checks import KINDS, Checks, Document, Doubt, Kind
from curation.review.checks.dismissed import read_dismissed, write_dismissed
from curation.review.pseudonyms import Pseudonyms
from curation.schema import LabelSchema
from curation.settings import Settings
from curation.store import AnnotationFile

MOST = 10_000
"""How many findings a report holds, the strongest."""
WORTH = 0.1
"""The score from which a finding is worth a look."""
SHOWN = 20
"""How many problems a report spells out; all are counted."""

Source = Callable[[], Iterator[tuple[Article, Annotation, Annotation | None]]]
"""Gives every article, what was said of it and what an engine says; may be called again for a second pass."""


class Context(Value):
    """The text round a finding: before, the span in doubt, after."""

    before: str
    text: str
    after: str


class CheckResult(TableResult):
    """`findings` in rank order, at most `limit`; `contexts` are the texts round them, in the same order.

    `kinds` counts all that was found (`found`), also what `findings` leaves out; `worth` those with a score of at least
    `WORTH`. `dismissed` counts what people have dismissed so far. `unused` annotations do not fit their article, as
    `problems` says of the first ones. `second_opinion` is the key of the engine whose pre-annotations were set beside,
    if there were any.
    """

    checked: str
    articles: int
    findings: tuple[Doubt, ...]
    contexts: tuple[Context, ...]
    kinds: dict[str, int]
    found: int
    worth: int
    dismissed: int
    second_opinion: str | None
    unused: int
    problems: tuple[str, ...] = ()

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
        """Annotations that could not be checked."""
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
    """Likely mistakes, the likeliest first, in what counts now: in the latest snapshot, as publish would take it.

    Nothing is written. The same input gives the same findings, with the same ids.

    Args:
        place: check this instead: a folder of inline files, a .jsonl of annotations, or one of the neutral form.
        kinds: only these kinds of findings.
        preannotations: an engine's .jsonl as second opinion; default: what was sent, else the project's.
        mapping: the ontology whose names a file of the neutral form uses, so that pre-annotations can be read in them.
        limit: how many findings to give.
        on_progress: told how many articles are done, of both passes.

    Raises:
        BadInput: there is nothing to check, or it, a kind or the mapping cannot be used.
    """
    wanted = [_kind(kind) for kind in kinds]
    dismissed = read_dismissed(project.work)
    source, schema, checked = _source(project, place, preannotations, mapping)
    checks = Checks(schema, kinds=wanted, dismissed=dismissed)
    done = articles = unused = 0
    problems: list[str] = []
    opinion: set[str] = set()
    for article, said, engine in source():
        if problem := _misfit(article, said):
            unused += 1
            problems = [*problems, problem][:SHOWN]
            continue
        if engine is not None:
            opinion.add(engine.annotator.key)
        checks.learn(Document(article, said, _fitting(article, engine)))
        articles, done = articles + 1, done + 1
        on_progress(done)
    if not articles:
        reason = f": {problems[0]}" if problems else ""
        way_out = "name annotations of the project's articles, or pull some: curation pull"
        raise BadInput(f"no annotation to check{reason}", path=checked, way_out=way_out)
    counts: Counter[str] = Counter()
    worth = 0
    best: list[tuple[tuple[float, tuple[int, ...]], str, Doubt, Context]] = []
    for article, said, engine in source():
        if _misfit(article, said):
            continue
        for doubt in checks.doubts(Document(article, said, _fitting(article, engine))):
            counts[doubt.kind] += 1
            worth += doubt.score >= WORTH
            entry = ((doubt.score, tuple(-ord(char) for char in doubt.id)), doubt.id, doubt, _context(article, doubt))
            if len(best) < limit:
                heappush(best, entry)
            elif best:
                heappushpop(best, entry)
        done += 1
        on_progress(done)
    best.sort(reverse=True)
    return CheckResult(
        checked=checked,
        articles=articles,
        findings=tuple(entry[2] for entry in best),
        contexts=tuple(entry[3] for entry in best),
        kinds=dict(sorted(counts.items(), key=lambda one: (-one[1], one[0]))),
        found=counts.total(),
        worth=worth,
        dismissed=len(dismissed),
        second_opinion=", ".join(sorted(opinion)) or None,
        unused=unused,
        problems=tuple(problems),
    )


def dismiss(project: Settings, ids: Sequence[str], why: str = "", by: str = "") -> int:
    """Record that the findings with these ids are no mistakes: `find` lists them no more. Returns how many are new.

    To dismiss all findings on a span, give `finding.ids`.

    Raises:
        BadInput: an id is no id of a finding.
    """
    return write_dismissed(project.work, ids, why, by)


def check_command(
    project: Settings,
    place: Annotated[
        Path | None,
        Argument(
            "A .jsonl of annotations or of the neutral form, or a folder of inline files; "
            "default: the annotations that count in the latest snapshot.",
            metavar="[FILE|FOLDER]",
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
    """What is to be checked, by which schema, and its name for people."""
    schema = project.load_schema()
    file = preannotations or project.preannotations
    engine = AnnotationFile(file) if preannotations or file.is_file() else None

    def second(article: Article) -> Annotation | None:
        found = engine.of(article) if engine else None
        return found if isinstance(found, Annotation) else None

    if place is None:
        folder = latest_snapshot(project.work)
        if folder is None:
            way_out = "run `curation pull` first, or name a file or folder to check"
            raise BadInput("no snapshot yet", path=project.work, way_out=way_out)
        return lambda: _snapshot(project, folder, second, bool(preannotations)), schema, str(folder)
    if place.is_dir():
        return lambda: _inline(project, place, schema, second), schema, str(place)
    if not place.is_file():
        raise BadInput("no annotations there", path=place, way_out="name a .jsonl file or a folder of inline files")
    check_source(place)
    first = next(read_jsonl(place), None)
    if first is not None and is_neutral(first[1]):
        there = mapping_to(mapping, schema, project.schema_path.parent) if mapping else None

        def neutral() -> Iterator[tuple[Article, Annotation, Annotation | None]]:
            for article, said in read_neutral(place):
                found = second(article) if there else None
                if found and there:
                    found = translate(with_conventions(found, article.text, there), said, there)
                yield article, said, found

        return neutral, None, str(place)
    if mapping and first is not None:
        what = f"these annotations are in the project's own labels, not in those of {mapping}"
        raise BadInput(what, field="mapping", way_out="leave --mapping out")
    said = AnnotationFile(place)

    def lines() -> Iterator[tuple[Article, Annotation, Annotation | None]]:
        for article in good_articles(project.articles):
            if article.id in said.articles:
                found = said.of(article)
                if isinstance(found, Annotation):
                    yield article, found, second(article)

    return lines, schema, str(place)


def _snapshot(
    project: Settings, folder: Path, second: Callable[[Article], Annotation | None], named: bool
) -> Iterator[tuple[Article, Annotation, Annotation | None]]:
    """The annotations that count. What was sent is the second opinion, unless a file was named."""
    snapshot = read_snapshot(folder)
    with predictions(project.work, snapshot) as sent:
        # An undecided article is checked, too, by its latest submission.
        rules = policy(project)._replace(undecided="latest")
        for one in reviewed(snapshot, sent, Pseudonyms.of(project.work), policy=rules):
            engine = second(one.article) if named else one.prediction or sent.of(one.article) or second(one.article)
            yield one.article, one.annotation, engine


def _inline(
    project: Settings, folder: Path, schema: LabelSchema, second: Callable[[Article], Annotation | None]
) -> Iterator[tuple[Article, Annotation, Annotation | None]]:
    annotator = Annotator(kind="person", name=folder.name)
    for article in good_articles(project.articles):
        for annotation in read_folder(folder, [article], schema, annotator):
            yield article, annotation, second(article)


def _misfit(article: Article, annotation: Annotation) -> str | None:
    """Why an annotation cannot be read with its article, if so."""
    if annotation.text_sha256 != article.text_sha256:
        return f"{article.id}: was annotated on another revision of its text"
    for item in annotation.items():
        if item.end > len(article.text):
            return f"{article.id}: {item.id} ends at {item.end}, the text at {len(article.text)}"
    return None


def _fitting(article: Article, engine: Annotation | None) -> Annotation | None:
    return engine if engine is not None and _misfit(article, engine) is None else None


def _context(article: Article, doubt: Doubt, width: int = 60) -> Context:
    start, end = doubt.spans[0].start, doubt.spans[0].end
    return Context(
        before=article.text[max(0, start - width) : start],
        text=article.text[start : min(end, start + 4 * width)],
        after=article.text[end : end + width],
    )
