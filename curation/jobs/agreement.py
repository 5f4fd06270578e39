"""Agreement: how far people agree on the articles they annotated, or several sets of annotations with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from curation.annotation import Annotation, Annotator, read_annotations
from curation.errors import BadInput, WrongUsage
from curation.formats.inline_markup import SUFFIX
from curation.jobs.inputs import inline_annotations, snapshot_folder, usable_articles
from curation.jobs.options import Argument, Counts, OnProgress, Option, SnapshotFolder, silent
from curation.labelstudio import UNKNOWN, Snapshot, check_source, read_snapshot
from curation.metrics.agreement import Agreement, Figures, SectionFigures
from curation.metrics.agreement import agreement as between
from curation.metrics.counts import Matrix
from curation.metrics.effort import defaults
from curation.metrics.gamma import Gamma, gamma_of
from curation.metrics.pairing import Gathering, LeftOut, Together
from curation.metrics.rounding import decimal, interval
from curation.result import Block, Table, TableResult
from curation.settings import Settings
from curation.store import AnnotationFile

SHOWN = 8
"""How many cells of a matrix and how many articles `show` names; `model_dump` has all."""


class AgreementResult(TableResult):
    """Agreement, and what could not be measured.

    agreement   None where no text was annotated twice
    source      the snapshot's folder, or the sets, comma-separated
    annotated   annotator → articles annotated; `compared`: those that another annotator annotated as well
    unfinished  drafts and skipped tasks of a snapshot, which are not compared
    left_out    annotations that were not compared, by annotator and reason
    undecided   items of a type that was split since and that no case of the migration fits: they keep their old type
    notes       remarks on the figures, one line each
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

    @property
    def exit_code(self) -> int:
        """1 where nothing could be measured."""
        return 1 if self.agreement is None else 0

    def records(self) -> list[dict[str, Any]]:
        """A row for each measure: its section, F1 with its interval, and the items of both sides."""
        if self.agreement is None:
            return []
        return [
            {
                "measure": name,
                "f1": figures.f1,
                "low": figures.interval[0] if figures.interval else None,
                "high": figures.interval[1] if figures.interval else None,
                "both": figures.both,
                "only_first": figures.only_first,
                "only_second": figures.only_second,
            }
            for name, figures in _measures(self.agreement)
        ]

    def show(
        self,
        *,
        everything: Annotated[bool, Option("Also by type and role, and who differs on what.", "--all")] = False,
    ) -> Iterator[Block]:
        """F1 of each section and pair, agreement beyond chance, the articles with most differences."""
        if self.agreement is not None:
            yield from _tables(self, self.agreement, everything)

    def messages(self) -> Iterator[str]:
        """The notes."""
        yield from self.notes


def agreement(
    project: Settings,
    *sets: Annotated[
        Path,
        Argument(
            "Sets to compare, instead of the people of a snapshot: .jsonl of annotations or folders of inline files.",
            metavar="SET",
        ),
    ],
    snapshot: SnapshotFolder = None,
    gamma: Annotated[bool, Option("Measure gamma as well, on a sample (extra `gamma`).")] = False,
    gamma_seconds: Annotated[float, Option("Most seconds for gamma.", min=1)] = 60.0,
    on_progress: Annotated[OnProgress, Counts("articles compared")] = silent,
) -> AgreementResult:
    """Agreement between the people of a snapshot (default: the latest), or between `sets`.

    A snapshot gives each person's latest submitted annotation of every article revision. A set is a .jsonl of
    annotations or a folder of inline files, by one annotator, named after the set.

    Args:
        snapshot: folder of a snapshot; default: the latest.
        gamma: measure gamma as well.
        gamma_seconds: for at most this many seconds.
        on_progress: progress callback.

    Raises:
        WrongUsage: one set only, or both sets and a snapshot.
        BadInput: there is no snapshot, a file cannot be used, or sets have no article in common.
        CurationError: gamma is asked for and pygamma-agreement is not installed.
    """
    if sets and snapshot:
        raise WrongUsage("give sets or --snapshot, not both")
    if len(sets) == 1:
        raise WrongUsage("give two sets or more; none: the people of the latest snapshot")
    schema = project.load_schema()
    gathering, unfinished = Gathering(schema), Counter[str]()
    if sets:
        found = _of_sets(project, sets, gathering)
        source = ", ".join(str(place) for place in sets)
    else:
        folder = snapshot_folder(project, snapshot)
        found = _of_snapshot(read_snapshot(folder), gathering, unfinished)
        source = str(folder)
    measured = between(_watched(found, on_progress), defaults(schema))
    if sets and measured is None:
        way_out = "name sets of the same texts"
        raise BadInput("annotate no article in common", path=", ".join(map(str, sets)), way_out=way_out)
    found_gamma = None
    if gamma and measured is not None:
        again = (
            _of_sets(project, sets, Gathering(schema))
            if sets
            else _of_snapshot(read_snapshot(Path(source)), Gathering(schema), Counter())
        )
        found_gamma = gamma_of(again, seconds=gamma_seconds)
    left_out = gathering.left_out()
    return AgreementResult(
        agreement=measured,
        gamma=found_gamma,
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
        schema = project.load_schema()
        for article in usable_articles(project):
            yield from inline_annotations(place, article, schema, annotator)
    elif place.is_file():
        check_source(place)
        yield from read_annotations(place)
    else:
        raise _nothing(place)


def _of_snapshot(snapshot: Snapshot, gathering: Gathering, unfinished: Counter[str]) -> Iterator[Together]:
    """The annotations of articles that several people submitted, article by article.

    Tasks that are not for annotating an article (those in which someone decides between others) do not count.
    """
    of_review = snapshot.review_annotations()
    for texts, made in snapshot.by_article():
        annotations = []
        for annotation in made:
            name = annotation.annotator.key
            if annotation.id in of_review:
                continue
            if annotation.state != "submitted":
                unfinished[annotation.state] += 1
            elif annotation.annotator.name == UNKNOWN:
                gathering.leave_out(name, "nobody known", annotation.article_id)
            else:
                annotations.append((name, annotation))
        yield from gathering.add(annotations, {name: len(article.text) for name, article in texts.items()})


def _of_sets(project: Settings, sets: tuple[Path, ...], gathering: Gathering) -> Iterator[Together]:
    """The annotations of the sets, article by article: the project's articles first, then other ones."""
    schema = project.load_schema()
    files = {place: _file(place) for place in sets if not place.is_dir()}
    names = _names(sets)
    left = {article_id for file in files.values() for article_id in file.articles}
    for article in usable_articles(project):
        annotations = []
        for place, name in zip(sets, names, strict=True):
            if place in files:
                if article.id in files[place].articles:
                    annotations.append((name, files[place].get(article.id)))
            elif (place / f"{article.id}{SUFFIX}").exists():
                annotator = Annotator(kind="person", name=name)
                annotations += [(name, one) for one in inline_annotations(place, article, schema, annotator)]
        left.discard(article.id)
        yield from gathering.add(annotations, {article.text_sha256: len(article.text)})
    for article_id in sorted(left):
        annotations = [
            (name, files[place].get(article_id))
            for place, name in zip(sets, names, strict=True)
            if place in files and article_id in files[place].articles
        ]
        yield from gathering.add(annotations, {})


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


def _watched(groups: Iterator[Together], on_progress: OnProgress) -> Iterator[Together]:
    for count, group in enumerate(groups, start=1):
        yield group
        on_progress(count)


def _notes(
    measured: Agreement | None, gathering: Gathering, unfinished: Counter[str], left_out: tuple[LeftOut, ...]
) -> Iterator[str]:
    counts = ", ".join(f"{count} {state}" for state, count in sorted(unfinished.items()))
    people = sorted(gathering.annotated)
    if not people:
        yield f"nobody has submitted anything that can be compared{f' ({counts})' if counts else ''}"
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


def _tables(result: AgreementResult, found: Agreement, everything: bool) -> Iterator[Block]:
    single_pair = len(found.pairs) == 1
    both = "both" if single_pair else "all pairs"
    sides = (
        (f"only {found.pairs[0].first}", f"only {found.pairs[0].second}")
        if single_pair
        else ("only first", "only second")
    )
    yield Table(
        ("", "F1", "95 %", f"in {both}", *sides),
        [[name, *_figures(figures)] for name, figures in _measures(found)],
        title=f"{found.articles} articles by two or more of {', '.join(found.annotators)}",
    )
    if not single_pair:
        pairs: list[list[str | int]] = [
            [
                f"{pair.first} – {pair.second}",
                pair.articles,
                *(decimal(section.exact.f1) for section in (pair.entities, pair.triggers, pair.arguments)),
            ]
            for pair in found.pairs
        ]
        means = [
            decimal(section.mean_of_pairs.f1 if section.mean_of_pairs else None)
            for section in _sections(found).values()
        ]
        columns = ("pair by pair, exact F1", "articles", *_sections(found))
        yield Table(columns, [*pairs, ["mean of the pairs", "", *means]])
    yield Table(("beyond chance", "", "95 %", "measured on"), list(_chance(result, found)), left=("measured on",))
    differences = {one.article_id: one.entities + one.triggers + one.arguments for one in found.disagreements}
    worst = sorted((name for name in differences if differences[name]), key=lambda name: -differences[name])[:SHOWN]
    if worst:
        yield f"most differences: {', '.join(f'{name} {differences[name]}' for name in worst)}"
    if not everything:
        yield "by type and role, and who differs from whom on what: --all"
        return
    for name, section in _sections(found).items():
        by = "role" if name == "arguments" else "type"
        rows = [[label, *_figures(figures)] for label, figures in section.by_type.items()]
        yield Table((f"{name} by {by}, exact", "F1", "95 %", f"in {both}", *sides), rows)
        source = getattr(found.pairs[0], name) if single_pair else section
        who = " / ".join(found.annotators) if single_pair else "first / second"
        if cells := _cells(source.matrix, single_pair):
            yield f"{name}, labels of {who}: {cells}"
        for label, values in source.attributes.items():
            cells = _cells(values.matrix, single_pair)
            yield f"{label} of {name} in {both}: the same in {values.same} of {values.items}{cells and f'; {cells}'}"


def _cells(matrix: Matrix, single_pair: bool) -> str:
    cells = [cell for cell in matrix.cells() if single_pair or cell[1] <= cell[2]][:SHOWN]
    return ", ".join(f"{first} / {second} {count}" for count, first, second in cells)


def _sections(found: Agreement) -> dict[str, SectionFigures]:
    return {"entities": found.entities, "triggers": found.triggers, "arguments": found.arguments}


def _measures(found: Agreement) -> Iterator[tuple[str, Figures]]:
    for name, section in _sections(found).items():
        given = " of events in both" if name == "arguments" else ""
        if section.end_to_end is not None:
            yield name, section.end_to_end
        yield f"{name}{given}", section.exact
        yield f"{name}{given}, any {'role' if given else 'type'}", section.span
        yield f"{name}{given}, any overlap", section.overlap
        yield f"{name}{given}, partial", section.partial


def _chance(result: AgreementResult, found: Agreement) -> Iterator[list[str]]:
    for name in ("entities", "triggers"):
        alpha = _sections(found)[name].alpha
        if alpha is not None and alpha.characters:
            measured_on = f"{alpha.characters:,} characters of {alpha.articles} articles"
            yield [f"{name}, Krippendorff's alpha", decimal(alpha.alpha), interval(alpha.interval), measured_on]
    for name, gamma in (result.gamma or {}).items():
        skipped = f", {gamma.not_reached} articles skipped (time limit)" if gamma.not_reached else ""
        yield [f"{name}, gamma", decimal(gamma.gamma), interval(gamma.interval), f"{gamma.articles} articles{skipped}"]


def _figures(figures: Figures) -> list[str]:
    counts = (figures.both, figures.only_first, figures.only_second)
    return [decimal(figures.f1), interval(figures.interval), *(f"{count:g}" for count in counts)]
