"""Inputs of jobs: an engine, a snapshot, gold (inline files, annotations in JSON lines, or the neutral form)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.engines import Recipe
from curation.errors import BadInput
from curation.files import read_jsonl
from curation.formats.articles import TooLong, read_articles
from curation.formats.gold_jsonl import is_neutral, read_neutral
from curation.formats.inline_markup import SUFFIX, read_folder
from curation.labelstudio import check_source, latest_snapshot
from curation.settings import Settings
from curation.store import AnnotationFile
from curation.validation import validate

_log = logging.getLogger("curation")


def engine_recipe(
    project: Settings,
    engine: str | None = None,
    model: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Recipe:
    """The recipe of the project's engine, or of another one.

    Args:
        project: whose schema, lexicon and settings are used; model and options belong to the project's engine only.
        engine: name of the engine instead of the project's.
        model: its model instead of the project's.
        options: its options, each instead of the project's of the same name.

    Raises:
        SchemaError: the schema cannot be used.
    """
    name = engine or project.engine.name
    own = name == project.engine.name
    return Recipe(
        name,
        project.load_schema(),
        project.lexicon,
        model or (project.engine.model if own else None),
        project.cache,
        {**(project.engine.options if own else {}), **(options or {})},
    )


def article_reader(
    project: Settings, sources: Sequence[str | Path] | None = None, *, keep_originals: bool = False
) -> Callable[[], Iterator[Article | BadInput]]:
    """A function that reads the articles by the project's settings; it can be sent to another machine.

    Args:
        project: its limit and cleaning apply.
        sources: files, folders or globs instead of the project's.
        keep_originals: keep texts that were cleaned, in the folder `originals` of the work folder.
    """
    originals = project.originals if keep_originals else None
    return partial(
        read_articles,
        tuple(sources or project.articles),
        max_characters=project.max_characters,
        clean=project.clean,
        originals=originals,
    )


def project_articles(project: Settings, sources: Sequence[str | Path] | None = None) -> Iterator[Article | BadInput]:
    """The articles, read by the project's settings, and the reason for each that cannot be used."""
    return article_reader(project, sources)()


def usable_articles(
    project: Settings,
    sources: Sequence[str | Path] | None = None,
    *,
    too_long: list[str] | None = None,
    keep_originals: bool = False,
) -> Iterator[Article]:
    """As `project_articles`, for jobs to which one bad article is an error. One that is too long is set aside.

    Args:
        project: as for `article_reader`, like `sources` and `keep_originals`.
        too_long: gets a line for each article that is too long. Default: they are logged.

    Raises:
        BadInput: an article cannot be used for another reason.
    """
    for found in article_reader(project, sources, keep_originals=keep_originals)():
        if isinstance(found, Article):
            yield found
        elif not isinstance(found, TooLong):
            raise found
        elif too_long is None:
            _log.warning("refused: %s", found)
        else:
            too_long.append(str(found))


def readable_articles(project: Settings) -> Iterator[Article]:
    """The project's articles that can be used; `curation preannotate` and `doctor` report the others."""
    return (found for found in project_articles(project) if isinstance(found, Article))


def snapshot_folder(project: Settings, snapshot: Path | None = None) -> Path:
    """The folder of a snapshot, by default the latest.

    Raises:
        BadInput: there is none.
    """
    folder = snapshot or latest_snapshot(project.work)
    if folder is None:
        raise BadInput("no snapshot yet", path=project.work, way_out="run `curation pull` first")
    return folder


@dataclass
class Gold:
    """`documents` are read one by one; `unused` names gold without an article, complete once all are read."""

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
    """Gold in the project's own labels (default: the project's), and its path. `why` explains a refusal of other gold.

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
    for article in readable_articles(project):
        for annotation in read_folder(folder, [article], schema, annotator):
            left.discard(article.id)
            yield article, annotation
    unused += [f"{name}: no such article in the project" for name in sorted(left)]


def _annotations(project: Settings, path: Path, unused: list[str]) -> Iterator[tuple[Article, Annotation]]:
    schema = project.load_schema()
    file = AnnotationFile(path)
    left = file.articles
    for article in readable_articles(project):
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
