"""Pre-annotate: articles in, one engine annotation a line out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from curation.article import Article, Value
from curation.errors import BadInput
from curation.files import write_jsonl
from curation.formats.articles import read_articles
from curation.preannotate import Failure, load_engine
from curation.project import Project

SHOWN = 20
"""How many problems a report spells out; all are counted."""


class PreannotateReport(Value):
    """What the run did. `problems` spells out the first of the `refused` articles, one line each."""

    engine: str
    out: str
    articles: int
    annotated: int
    refused: int
    entities: int
    events: int
    arguments: int
    problems: tuple[str, ...] = ()


def preannotate(
    project: Project,
    *,
    articles: list[str] | None = None,
    engine: str | None = None,
    model: str | None = None,
    out: Path | None = None,
    on_progress: Callable[[int], None] = lambda count: None,
) -> PreannotateReport:
    """Annotate every article and write the annotations to `out` as one whole file.

    An article that cannot be used is counted and named, and the rest go on; `out` appears only at the end.

    Raises:
        EngineError: the engine or its model is not there.
        CurationError: no article could be used, or `out` cannot be written.
    """
    name = engine or project.engine.name
    annotate = load_engine(name, project.load_schema(), lexicon=project.lexicon, model=model or project.engine.model)
    out = out or project.preannotations.with_name(f"{name}.jsonl")
    counts = {"articles": 0, "annotated": 0, "refused": 0, "entities": 0, "events": 0, "arguments": 0}
    problems: list[str] = []

    def refuse(problem: str) -> None:
        counts["refused"] += 1
        if len(problems) < SHOWN:
            problems.append(problem)

    def usable() -> Iterator[Article]:
        for found in read_articles(articles or project.articles):
            counts["articles"] += 1
            if isinstance(found, BadInput):
                refuse(str(found))
            else:
                yield found

    def lines() -> Iterator[str]:
        for annotation in annotate.pipe(usable()):
            if isinstance(annotation, Failure):
                refuse(f"{annotation.article_id}: {annotation.reason}")
                continue
            counts["annotated"] += 1
            counts["entities"] += len(annotation.entities)
            counts["events"] += len(annotation.events)
            counts["arguments"] += sum(len(event.arguments) for event in annotation.events)
            on_progress(counts["annotated"])
            yield annotation.to_json()
        if not counts["annotated"]:
            raise BadInput("no article could be annotated" + (f": {problems[0]}" if problems else ""))

    write_jsonl(out, lines())
    return PreannotateReport(engine=annotate.annotator.key, out=str(out), **counts, problems=tuple(problems))
