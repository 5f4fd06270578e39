"""Gold, each annotation with its article: inline files, annotations in JSON lines, or the neutral form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.errors import BadInput
from curation.files import read_jsonl
from curation.formats.articles import read_articles
from curation.formats.gold_jsonl import is_neutral, read_neutral
from curation.formats.inline_markup import SUFFIX, read_folder
from curation.labelstudio import check_source
from curation.settings import Settings
from curation.store import AnnotationFile
from curation.validation import validate


@dataclass
class Gold:
    """`documents` come one at a time; `unused` names gold that has no article, complete once all were read."""

    form: Literal["inline", "annotations", "neutral"]
    documents: Iterator[tuple[Article, Annotation]]
    unused: list[str] = field(default_factory=list)


def read_gold(project: Settings, place: Path) -> Gold:
    """The gold at `place`: a folder of inline files, a .jsonl of annotations, or one of the neutral form.

    The neutral form holds its own texts; for the others the articles are the project's.

    Raises:
        BadInput: there is nothing there; while documents are read: one of them cannot be used.
    """
    unused: list[str] = []
    if place.is_dir():
        return Gold("inline", _inline(project, place, unused), unused)
    if not place.is_file():
        way_out = "name a .jsonl file or a folder of inline files"
        raise BadInput("no gold there", path=place, way_out=way_out)
    check_source(place)
    first = next(read_jsonl(place), None)
    if first is None:
        raise BadInput("holds no gold", path=place, way_out="give one annotation or one document a line")
    if is_neutral(first[1]):
        return Gold("neutral", read_neutral(place), unused)
    return Gold("annotations", _annotations(project, place, unused), unused)


def read_corrected(project: Settings, place: Path | None, *, why: str) -> tuple[Path, Gold]:
    """Gold in the project's own labels (default: the project's), and where it is; `why` is told who names other gold.

    Raises:
        BadInput: as `read_gold`; none is named, or it is of the neutral form.
    """
    place = place or project.gold
    if place is None:
        raise BadInput("no gold given", way_out="name it with --gold, or in curation.toml as project.gold")
    found = read_gold(project, place)
    if found.form == "neutral":
        way_out = "give corrected articles: a folder of inline files or a .jsonl of annotations"
        raise BadInput(why, path=place, way_out=way_out)
    return place, found


def _inline(project: Settings, folder: Path, unused: list[str]) -> Iterator[tuple[Article, Annotation]]:
    schema = project.load_schema()
    annotator = Annotator(kind="person", name=folder.name)
    left = {path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}")}
    for article in _articles(project):
        for annotation in read_folder(folder, [article], schema, annotator):
            left.discard(article.id)
            yield article, annotation
    unused += [f"{name}: no such article in the project" for name in sorted(left)]


def _annotations(project: Settings, path: Path, unused: list[str]) -> Iterator[tuple[Article, Annotation]]:
    schema = project.load_schema()
    file = AnnotationFile(path)
    left = file.articles
    for article in _articles(project):
        if article.id in left:
            left.discard(article.id)
            annotation = file.of(article)
            if isinstance(annotation, str):
                unused.append(f"{article.id}: {annotation}")
                continue
            for finding in validate(annotation, article, schema):
                what = f"{article.id}: {finding.item or 'annotation'}: {finding.message}"
                raise BadInput(what, path=path, way_out="correct the gold, or measure with the schema it was made for")
            yield article, annotation
    unused += [f"{name}: no such article in the project" for name in sorted(left)]


def _articles(project: Settings) -> Iterator[Article]:
    """The project's articles that can be read; the others are for `curation preannotate` to complain about."""
    for found in read_articles(project.articles):
        if isinstance(found, Article):
            yield found
