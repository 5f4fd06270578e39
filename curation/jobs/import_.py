"""Import: annotations from the files of trainers and other tools, written as JSON lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from curation.annotation import Annotator
from curation.errors import BadInput
from curation.files import whole_file
from curation.formats.article_lookup import ArticleLookup
from curation.formats.registry import ImportContext, read_as
from curation.formats.translation import Translation
from curation.jobs.inputs import usable_articles
from curation.jobs.options import Argument, FormatName, Option
from curation.result import Block, Result, Table
from curation.settings import Settings
from curation.validation import validate

SHOWN = 20
"""Problems that are named; all are counted."""
_KINDS = 1000
"""Kinds of violations that are counted separately: labels come from outside, so their number needs a bound."""


class ImportResult(Result):
    """The counts of an import.

    new_articles  articles that the project does not have, written to `articles_out`
    lost          content that annotations cannot hold, or that the mapping has no name for, by kind
    bad           documents that cannot be used and were left out; `bad_documents` names the first of them
    findings      items that do not fit the project's schema; they are written all the same
    misfits       the same by kind, most frequent first; `problems` names the first of them
    """

    format: str
    out: str
    articles_out: str | None
    annotations: int
    new_articles: int
    entities: int
    events: int
    arguments: int
    lost: dict[str, int]
    findings: int
    misfits: dict[str, int]
    problems: tuple[str, ...] = ()
    bad: int = 0
    bad_documents: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """3 if documents were left out."""
        return 3 if self.bad else 0

    def show(self) -> Iterator[Block]:
        """The counts, the files, and a table of what does not fit the schema."""
        yield (
            f"{self.annotations} annotations: {self.entities} entities, {self.events} events, "
            f"{self.arguments} arguments, in {self.out}"
        )
        if self.new_articles:
            yield f"{self.new_articles} articles that the project does not have, in {self.articles_out}"
        if self.misfits:
            rows = list(self.misfits.items())
            hidden = sum(count for _, count in rows[SHOWN:])
            rows = [*rows[:SHOWN], *([(f"{len(rows) - SHOWN} other kinds", hidden)] if hidden else [])]
            yield Table(("does not fit the schema", "count"), rows)

    def messages(self) -> Iterator[str]:
        """Documents and content that were left out."""
        yield from self.bad_documents
        if self.bad > len(self.bad_documents):
            yield f"… and {self.bad - len(self.bad_documents)} more like these"
        if self.bad:
            yield f"{self.bad} of {self.bad + self.annotations} documents cannot be used and were left out"
        if self.lost:
            yield "left out: " + ", ".join(f"{count} {kind}" for kind, count in self.lost.items())


def import_(
    project: Settings,
    source: Annotated[Path, Argument("The file to read; a folder for brat.")],
    *,
    format: FormatName,
    out: Annotated[Path, Option("Write the annotations there, as JSON lines.", metavar="FILE")],
    articles_out: Annotated[
        Path | None, Option("Articles that the project does not have; default: beside --out.", metavar="FILE")
    ] = None,
    mapping: Annotated[
        str | None, Option("The labels are those of this ontology, one of the schema's `elsewhere`.")
    ] = None,
    annotator: Annotated[str, Option("Who annotated: a pseudonym.")] = "import",
    skip_bad: Annotated[bool, Option("Leave out documents that cannot be used, and count them.")] = False,
) -> ImportResult:
    """Read `source`, a file or (brat) a folder in `format`, and write its annotations to `out`.

    Documents that are articles of the project, by id or by text, become annotations of those. All others are new
    articles, in `articles_out`.

    Args:
        articles_out: default: beside `out`, `<name>.articles.jsonl`.
        mapping: an ontology that the schema's `elsewhere` lists name; its labels become ours. Without it labels stay
            as they are.
        annotator: the name of the person or project that annotated, a pseudonym.
        skip_bad: leave out documents that cannot be used; without it nothing is written if there is one.

    Raises:
        BadInput: the source cannot be read, holds no document or a bad one, or the schema names nothing in `mapping`.
    """
    schema = project.load_schema()
    translate = Translation(mapping, schema) if mapping is not None else None
    known = {article.id: article for article in usable_articles(project)}
    context = ImportContext(format, schema, ArticleLookup(known.values()), Annotator(kind="person", name=annotator))
    articles_out = articles_out or out.with_name(f"{out.stem}.articles.jsonl")
    annotations = new = entities = events = arguments = findings = 0
    problems: list[str] = []
    misfits: Counter[str] = Counter()
    bad: list[BadInput] = []
    bad_count = 0

    def set_aside(error: BadInput) -> None:
        nonlocal bad_count
        bad_count += 1
        bad.append(error)
        del bad[SHOWN:]

    with ExitStack() as files:
        lines = files.enter_context(whole_file(out))
        texts = None
        for article, annotation in read_as(source, context, set_aside):
            annotations += 1
            if bad and not skip_bad:
                continue  # nothing will be written, but all are counted
            if translate is not None:
                annotation = translate(annotation, context.lost)
            if article.id not in known:
                texts = texts or files.enter_context(whole_file(articles_out))
                texts.write(article.to_json() + "\n")
                new += 1
            lines.write(annotation.to_json() + "\n")
            entities += len(annotation.entities)
            events += len(annotation.events)
            arguments += sum(len(event.arguments) for event in annotation.events)
            for violation in validate(annotation, article, schema):
                findings += 1
                kind = "a span of white space" if violation.code == "blank-span" else violation.message
                misfits[kind if kind in misfits or len(misfits) < _KINDS else "other kinds"] += 1
                problems.append(f"{article.id}: {violation.message}")
                del problems[SHOWN:]
        if bad and (not skip_bad or not annotations):
            raise _refused(bad[0], bad_count, bad_count + annotations)
        if not annotations:
            raise BadInput("holds no document", path=source, way_out=f"name a file in the format {format}")
    return ImportResult(
        format=format,
        out=str(out),
        articles_out=str(articles_out) if new else None,
        annotations=annotations,
        new_articles=new,
        entities=entities,
        events=events,
        arguments=arguments,
        lost=dict(context.lost.counts.most_common()),
        findings=findings,
        problems=tuple(problems),
        misfits=dict(misfits.most_common()),
        bad=bad_count,
        bad_documents=tuple(map(str, bad)),
    )


def _refused(first: BadInput, count: int, total: int) -> BadInput:
    """The error of an import with bad documents."""
    if total == 1:
        return first
    what = f"{first.what} ({count} of {total} documents cannot be used)"
    way_out = f"{first.way_out or 'correct it'}, or leave out such documents with --skip-bad"
    return BadInput(what, path=first.path, line=first.line, field=first.field, way_out=way_out)
