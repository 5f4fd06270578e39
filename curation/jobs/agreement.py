"""Agreement: how far two passes over the project's articles agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from curation.annotation import Annotation, Annotator, read_annotations
from curation.article import Value
from curation.errors import BadInput
from curation.formats.articles import good_articles
from curation.formats.inline import read_folder
from curation.project import Project
from curation.review.agreement import agreement as between


class AgreementReport(Value):
    """`scores`: what was scored → precision, recall, f1 and counts, the first set taken as the reference."""

    articles: int
    scores: dict[str, dict[str, float | int]]
    by_type: dict[str, dict[str, float | int]]


def agreement(project: Project, first: Path, second: Path) -> AgreementReport:
    """Score `second` against `first` (each a .jsonl of annotations or a folder of inline files).

    Raises:
        BadInput: a file cannot be used, or no article is in both.
    """
    found = between(read_set(project, first), read_set(project, second))
    if not found.articles:
        raise BadInput("annotate no article in common", path=f"{first}, {second}", way_out="name two sets of the same")
    scores = found.scores
    named = {
        "entities": scores.entities,
        "entity spans": scores.entity_spans,
        "triggers": scores.triggers,
        "trigger spans": scores.trigger_spans,
        "arguments": scores.arguments,
    }
    return AgreementReport(
        articles=found.articles,
        scores={name: counts.to_dict() for name, counts in named.items()},
        by_type={name: counts.to_dict() for name, counts in sorted(scores.by_type.items())},
    )


def read_set(project: Project, place: Path) -> Iterator[Annotation]:
    """The annotations at `place`: a .jsonl file, or a folder of inline files of the project's articles.

    Raises:
        BadInput: there is nothing there, or it cannot be used.
    """
    if place.is_dir():
        annotator = Annotator(kind="person", name=place.name)
        yield from read_folder(place, good_articles(project.articles), project.load_schema(), annotator)
    elif place.is_file():
        yield from read_annotations(place)
    else:
        raise BadInput("no annotations there", path=place, way_out="name a .jsonl file or a folder of inline files")
