"""Agreement: how far people agree on the articles they annotated, or several sets of annotations with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from curation.annotation import Annotation, Annotator, read_annotations
from curation.article import Article, Value
from curation.errors import BadInput
from curation.formats.articles import good_articles, read_articles
from curation.formats.inline_markup import SUFFIX, read_folder
from curation.labelstudio import Snapshot, check_source, latest_snapshot, read_snapshot
from curation.labelstudio.names import ANNOTATE, UNKNOWN
from curation.review.agreement import Agreement
from curation.review.agreement import agreement as between
from curation.review.effort import defaults
from curation.review.gamma import Gamma, gamma_of
from curation.review.gather import Gathering, LeftOut, Together
from curation.settings import Settings
from curation.store import AnnotationFile


class AgreementReport(Value):
    """What was measured, and what could not be.

    agreement   None where no two annotated the same text
    source      the snapshot's folder, or the sets, comma-separated
    annotated   annotator → articles annotated; `compared`: those where another's annotation stands beside it
    unfinished  drafts and skipped tasks of a snapshot, which are not compared
    left_out    annotations that were compared with nobody's, by annotator and reason
    undecided   items of a type that was split since and that no case of the migration fits: they keep their old type
    notes       in words, one line each, what a reader of the figures should know
    """

    agreement: Agreement | None
    gamma: dict[str, Gamma] | None = None
    source: str
    annotated: dict[str, int]
    compared: dict[str, int]
    unfinished: dict[str, int]
    left_out: tuple[LeftOut, ...]
    undecided: int
    notes: tuple[str, ...]


def agreement(
    project: Settings,
    *sets: Path,
    snapshot: Path | None = None,
    gamma_seconds: float = 0.0,
    on_progress: Callable[[int], None] = lambda count: None,
) -> AgreementReport:
    """Agreement between the people of a snapshot (default: the latest), or between `sets`.

    A snapshot gives each person's latest submitted annotation of every article revision. A set is a .jsonl of
    annotations or a folder of inline files, by one annotator, who is called by the set's name.

    Args:
        gamma_seconds: measure gamma as well, for at most so many seconds; 0: do not.
        on_progress: told how many articles were compared.

    Raises:
        BadInput: there is no snapshot, only one set, a file cannot be used, or sets have no article in common.
        CurationError: gamma is asked for and pygamma-agreement is not installed.
    """
    schema = project.load_schema()
    gathering, unfinished = Gathering(schema), Counter[str]()
    if sets:
        found = _of_sets(project, sets, gathering)
        source = ", ".join(str(place) for place in sets)
    else:
        folder = snapshot or latest_snapshot(project.work)
        if folder is None:
            raise BadInput("no snapshot yet", path=project.work, way_out="run `curation pull` first")
        found = _of_snapshot(read_snapshot(folder), gathering, unfinished)
        source = str(folder)
    measured = between(_watched(found, on_progress), defaults(schema))
    if sets and measured is None:
        way_out = "name sets of the same texts"
        raise BadInput("annotate no article in common", path=", ".join(map(str, sets)), way_out=way_out)
    gamma = None
    if gamma_seconds and measured is not None:
        again = (
            _of_sets(project, sets, Gathering(schema))
            if sets
            else _of_snapshot(read_snapshot(Path(source)), Gathering(schema), Counter())
        )
        gamma = gamma_of(again, seconds=gamma_seconds)
    left_out = gathering.left_out()
    return AgreementReport(
        agreement=measured,
        gamma=gamma,
        source=source,
        annotated=dict(sorted(gathering.annotated.items())),
        compared=dict(sorted(gathering.compared.items())),
        unfinished=dict(unfinished),
        left_out=left_out,
        undecided=gathering.undecided,
        notes=tuple(_notes(measured, gathering, unfinished, left_out)),
    )


def read_set(project: Settings, place: Path) -> Iterator[Annotation]:
    """The annotations at `place`: a .jsonl file, or a folder of inline files of the project's articles.

    Raises:
        BadInput: there is nothing there, or it cannot be used.
    """
    if place.is_dir():
        annotator = Annotator(kind="person", name=place.name)
        yield from read_folder(place, good_articles(project.articles), project.load_schema(), annotator)
    elif place.is_file():
        check_source(place)
        yield from read_annotations(place)
    else:
        raise _nothing(place)


def _of_snapshot(snapshot: Snapshot, gathering: Gathering, unfinished: Counter[str]) -> Iterator[Together]:
    """What two people or more submitted, article by article.

    Tasks that are not for annotating an article (those in which someone decides between others) do not count.
    """
    apart = {name for task in snapshot.tasks() if task.purpose != ANNOTATE for name in task.annotations}
    for texts, made in snapshot.by_article():
        said = []
        for annotation in made:
            name = annotation.annotator.key
            if annotation.id in apart:
                continue
            if annotation.state != "submitted":
                unfinished[annotation.state] += 1
            elif annotation.annotator.name == UNKNOWN:
                gathering.leave_out(name, "nobody known", annotation.article_id)
            else:
                said.append((name, annotation))
        yield from gathering.add(said, {name: len(article.text) for name, article in texts.items()})


def _of_sets(project: Settings, sets: tuple[Path, ...], gathering: Gathering) -> Iterator[Together]:
    """What two sets or more say, article by article: the project's articles first, then those it does not have."""
    if len(sets) < 2:
        raise BadInput("is one set", path=sets[0], way_out="name another one to compare it with")
    schema = project.load_schema()
    files = {place: _file(place) for place in sets if not place.is_dir()}
    names = _names(sets)
    left = {article_id for file in files.values() for article_id in file.articles}
    # articles that cannot be read are for `curation preannotate` to complain about
    for article in (found for found in read_articles(project.articles) if isinstance(found, Article)):
        said = []
        for place, name in zip(sets, names, strict=True):
            if place in files:
                if article.id in files[place].articles:
                    said.append((name, files[place].get(article.id)))
            elif (place / f"{article.id}{SUFFIX}").exists():
                annotator = Annotator(kind="person", name=name)
                said += [(name, one) for one in read_folder(place, [article], schema, annotator)]
        left.discard(article.id)
        yield from gathering.add(said, {article.text_sha256: len(article.text)})
    for article_id in sorted(left):
        said = [
            (name, files[place].get(article_id))
            for place, name in zip(sets, names, strict=True)
            if place in files and article_id in files[place].articles
        ]
        yield from gathering.add(said, {})


def _file(place: Path) -> AnnotationFile:
    if not place.is_file():
        raise _nothing(place)
    check_source(place)
    return AnnotationFile(place)


def _nothing(place: Path) -> BadInput:
    return BadInput("no annotations there", path=place, way_out="name a .jsonl file or a folder of inline files")


def _names(sets: tuple[Path, ...]) -> list[str]:
    """What the sets are called: by their last part, or by all of it where that is not enough."""
    short = [place.resolve().name.removesuffix(".jsonl") for place in sets]
    names = short if len(set(short)) == len(sets) else [str(place) for place in sets]
    if len(set(names)) < len(sets):
        raise BadInput("is named twice", path=max(names, key=names.count), way_out="name different sets")
    return names


def _watched(groups: Iterator[Together], on_progress: Callable[[int], None]) -> Iterator[Together]:
    for count, group in enumerate(groups, start=1):
        yield group
        on_progress(count)


def _notes(
    measured: Agreement | None, gathering: Gathering, unfinished: Counter[str], left_out: tuple[LeftOut, ...]
) -> Iterator[str]:
    told = ", ".join(f"{count} {state}" for state, count in sorted(unfinished.items()))
    people = sorted(gathering.annotated)
    if not people:
        yield f"nobody has submitted anything that can be compared{f' ({told})' if told else ''}"
    elif len(people) == 1:
        yield (
            f"only {people[0]} has submitted anything ({gathering.annotated[people[0]]} articles): "
            "agreement needs a second person on the same articles"
        )
    elif measured is None:
        yield f"no article was annotated by two people: {', '.join(people)} each worked on others"
    elif measured.articles == 1:
        yield "one article only: no intervals"
    yield from (str(one) for one in left_out if measured is not None or one.reason != "alone")
    if gathering.undecided:
        yield (
            f"items of a type that was split since, where no case of the migration fits: {gathering.undecided}, "
            "compared by their old type"
        )
