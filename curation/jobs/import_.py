"""Import: annotations from the files of trainers and other tools, written as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from curation.annotation import Annotator
from curation.article import Article
from curation.errors import BadInput
from curation.files import whole_file
from curation.formats.article_lookup import ArticleLookup
from curation.formats.articles import read_articles
from curation.formats.mapping import Translation
from curation.formats.registry import ImportContext, read_as
from curation.jobs.options import Argument, FormatName, Option
from curation.result import Result
from curation.settings import Settings
from curation.validation import validate

SHOWN = 20
"""Findings that are named; all are counted."""


class ImportResult(Result):
    """The counts of an import. `lost` counts content that annotations cannot hold, or that the mapping has no name for.

    `new_articles` are those that the project does not have, written to `articles_out`. `findings` counts items that do
    not fit the project's schema; `problems` names the first of them.
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
    problems: tuple[str, ...] = ()

    def show(self) -> Iterator[str]:
        """The counts, and the files."""
        yield (
            f"{self.annotations} annotations: {self.entities} entities, {self.events} events, "
            f"{self.arguments} arguments, in {self.out}"
        )
        if self.new_articles:
            yield f"{self.new_articles} articles that the project does not have, in {self.articles_out}"

    def messages(self) -> Iterator[str]:
        """Items that do not fit, and content that was left out."""
        yield from self.problems
        if self.findings > len(self.problems):
            yield f"… and {self.findings - len(self.problems)} more like these"
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
) -> ImportResult:
    """Read `source`, a file or (brat) a folder in `format`, and write its annotations to `out`.

    Documents that are articles of the project, by id or by text, become annotations of those. All others are new
    articles, in `articles_out`.

    Args:
        articles_out: default: beside `out`, `<name>.articles.jsonl`.
        mapping: an ontology that the schema's `elsewhere` lists name; its labels become ours. Without it labels stay
            as they are.
        annotator: the name of the person or project that annotated, a pseudonym.

    Raises:
        BadInput: the source cannot be read, holds no document or does not hold together, or the schema names nothing in
            `mapping`.
    """
    schema = project.load_schema()
    translate = Translation(mapping, schema) if mapping is not None else None
    known = {article.id: article for article in _articles(project)}
    context = ImportContext(format, schema, ArticleLookup(known.values()), Annotator(kind="person", name=annotator))
    articles_out = articles_out or out.with_name(f"{out.stem}.articles.jsonl")
    annotations = new = entities = events = arguments = findings = 0
    problems: list[str] = []
    with ExitStack() as files:
        said = files.enter_context(whole_file(out))
        texts = None
        for article, annotation in read_as(source, context):
            if translate is not None:
                annotation = translate(annotation, context.lost)
            if article.id not in known:
                texts = texts or files.enter_context(whole_file(articles_out))
                texts.write(article.to_json() + "\n")
                new += 1
            said.write(annotation.to_json() + "\n")
            annotations += 1
            entities += len(annotation.entities)
            events += len(annotation.events)
            arguments += sum(len(event.arguments) for event in annotation.events)
            for finding in validate(annotation, article, schema):
                findings += 1
                problems.append(f"{article.id}: {finding.message}")
                del problems[SHOWN:]
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
    )


def _articles(project: Settings) -> Iterator[Article]:
    """The project's articles; one that cannot be used is none of those that a file may mean."""
    return (found for found in read_articles(project.articles) if isinstance(found, Article))
