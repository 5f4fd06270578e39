"""Push: articles and their pre-annotations become tasks with predictions in Label Studio."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from curation.annotation import Annotation
from curation.article import Article
from curation.errors import BadInput
from curation.files import json_object
from curation.formats.articles import good_articles
from curation.jobs.connect import connect
from curation.labelstudio import PushReport
from curation.labelstudio import push as send
from curation.project import Project


def push(
    project: Project,
    *,
    articles: list[str] | None = None,
    annotations: Path | None = None,
    on_progress: Callable[[int], None] = lambda count: None,
) -> PushReport:
    """Send every article with its annotation from `annotations` (default: what `preannotate` wrote).

    Run again, it sends what is missing and nothing else.

    Raises:
        BadInput: an article or a line of annotations cannot be used; nothing was sent.
        LabelStudioError: see `curation.labelstudio.push`.
    """
    annotations = annotations or project.preannotations
    if not annotations.exists():
        raise BadInput("no annotations there", path=annotations, way_out="run `curation preannotate` first")
    for _ in good_articles(articles or project.articles):
        pass  # all of them are read once before anything is sent: one bad article must not leave half a push
    return send(
        connect(project),
        project.load_schema(),
        paired(good_articles(articles or project.articles), annotations),
        work=project.work,
        title=project.title,
        batch_size=project.batch_size,
        on_progress=on_progress,
    )


def paired(articles: Iterable[Article], annotations: Path) -> Iterator[tuple[Article, Annotation | None]]:
    """Each article with its annotation in the file, if one was made on this very text.

    Only places in the file are kept in memory, so the two may come in any order and any number.
    """
    places: dict[tuple[str, str], int] = {}
    position = 0
    with annotations.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if raw.strip():
                annotation = Annotation.from_record(
                    json_object(raw, path=annotations, line=number), path=annotations, line=number
                )
                places[annotation.article_id, annotation.text_sha256] = position
            position += len(raw)
        for article in articles:
            place = places.get((article.id, article.text_sha256))
            if place is None:
                yield article, None
                continue
            file.seek(place)
            yield article, Annotation.from_record(json_object(file.readline(), path=annotations), path=annotations)
