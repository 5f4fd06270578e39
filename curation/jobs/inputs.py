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
from curation.schema import LabelSchema
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
    unusable: list[BadInput] | None = None,
    keep_originals: bool = False,
) -> Iterator[Article]:
    """The articles that can be used; the others are set aside and named.

    Args:
        project: as for `article_reader`, like `sources` and `keep_originals`.
        too_long: gets a line for each article that is too long. Default: they are logged.
        unusable: gets the reason for each article that cannot be used otherwise. Default: the first are logged.
    """
    set_aside = 0
    for found in article_reader(project, sources, keep_originals=keep_originals)():
        if isinstance(found, Article):
            yield found
        elif isinstance(found, TooLong) and too_long is not None:
            too_long.append(str(found))
        elif not isinstance(found, TooLong) and unusable is not None:
            unusable.append(found)
        else:
            set_aside += 1
            if set_aside <= _LOGGED:
                _log.warning("refused: %s", found)
    if set_aside > _LOGGED:
        _log.warning("refused: %d articles in all; `curation status` names them", set_aside)


def snapshot_folder(
    project: Settings, snapshot: Path | None = None, *, way_out: str = "run `curation pull` first"
) -> Path:
    """The folder of a snapshot, by default the latest. `way_out` is the hint of the error.

    Raises:
        BadInput: there is none.
    """
    folder = snapshot or latest_snapshot(project.work)
    if folder is None:
        raise BadInput("no snapshot yet", path=project.work, way_out=way_out)
    return folder


_LOGGED = 20
"""Most articles or gold set aside that are logged one by one."""


@dataclass
class Gold:
    """Gold documents, read one by one.

    `unused` names gold without an article, `invalid` gold that does not fit its article or the schema and is left out;
    both are complete once all are read.
    """

    form: Literal["inline", "annotations", "neutral"]
    documents: Iterator[tuple[Article, Annotation]]
    unused: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)


def read_gold(project: Settings, place: Path) -> Gold:
    """The gold at `place`: a folder of inline files, a .jsonl of annotations, or one of the neutral form.

    The neutral form holds its own texts; for the others the articles are the project's.

    Raises:
        BadInput: there is nothing there; while documents are read: one of them cannot be used.
    """
    unused: list[str] = []
    invalid: list[str] = []
    if place.is_dir():
        return Gold("inline", _inline(project, place, unused, invalid), unused, invalid)
    if not place.is_file():
        way_out = "name a .jsonl file or a folder of inline files"
        raise BadInput("no gold there", path=place, way_out=way_out)
    check_source(place)
    first = next(read_jsonl(place), None)
    if first is None:
        raise BadInput("holds no gold", path=place, way_out="give one annotation or one document a line")
    if is_neutral(first[1]):
        return Gold("neutral", read_neutral(place), unused)
    return Gold("annotations", _annotations(project, place, unused, invalid), unused, invalid)


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


def _inline(
    project: Settings, folder: Path, unused: list[str], invalid: list[str]
) -> Iterator[tuple[Article, Annotation]]:
    schema = project.load_schema()
    annotator = Annotator(kind="person", name=folder.name)
    left = {path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}")}
    for article in usable_articles(project):
        try:
            annotations = list(read_folder(folder, [article], schema, annotator))
        except BadInput as error:
            left.discard(article.id)
            _set_aside(str(error), invalid)
            continue
        for annotation in annotations:
            left.discard(article.id)
            yield article, annotation
    unused += [f"{name}: no such article in the project" for name in sorted(left)]


def _annotations(
    project: Settings, path: Path, unused: list[str], invalid: list[str]
) -> Iterator[tuple[Article, Annotation]]:
    schema = project.load_schema()
    file = AnnotationFile(path)
    left = file.articles
    for article in usable_articles(project):
        if article.id in left:
            left.discard(article.id)
            annotation = file.of(article)
            if isinstance(annotation, str):
                unused.append(f"{article.id}: {annotation}")
                continue
            if findings := validate(annotation, article, schema):
                reasons = "; ".join(f"{finding.item or 'annotation'}: {finding.message}" for finding in findings)
                _set_aside(f"{path}: {article.id}: {reasons}", invalid)
                continue
            yield article, annotation
    unused += [f"{name}: no such article in the project" for name in sorted(left)]


def _set_aside(what: str, invalid: list[str]) -> None:
    """Count gold that does not fit, and log the first of it."""
    invalid.append(what)
    if len(invalid) <= _LOGGED:
        _log.warning("gold set aside: %s", what)


def inline_annotations(
    folder: Path, article: Article, schema: LabelSchema, annotator: Annotator
) -> Iterator[Annotation]:
    """The annotation in the inline file of an article, if there is one; a file that cannot be used is logged."""
    try:
        yield from list(read_folder(folder, [article], schema, annotator))
    except BadInput as error:
        _log.warning("set aside: %s", error)
