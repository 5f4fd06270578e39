"""Export: annotated articles in the format of a trainer or another tool, with counts of what it cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

from curation.annotation import Annotation
from curation.article import Article
from curation.errors import BadInput
from curation.files import whole_path
from curation.formats.format_loss import OnLoss
from curation.formats.registry import Written, format_named, write_as
from curation.jobs.inputs import read_gold
from curation.jobs.options import Argument, FormatName, Option
from curation.jobs.review_policy import DECIDE
from curation.result import Result
from curation.schema import LabelSchema, parse_version
from curation.settings import Settings

MANIFEST = "manifest.json"
"""The file that every release folder has; defined here so that nothing heavy is imported to look for it."""

Pairs = Iterator[tuple[Article, Annotation]]


class ExportResult(Result):
    """What was written, and what the format could not hold, by kind (`curation.formats.format_loss.Kind`).

    `undecided`: articles of a release that were left out, since they wait: people differ on them, or what people
    submitted last is not valid, and the release has what the release before had. `invalid`: annotations that do not fit
    their article or the schema and were set aside; the log names them.
    """

    format: str
    out: str
    files: tuple[str, ...]
    articles: int
    entities: int
    events: int
    arguments: int
    lost: dict[str, int]
    unused: int
    undecided: int = 0
    invalid: int = 0
    problems: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """3 where annotations were set aside because they do not fit."""
        return 3 if self.invalid else 0

    def show(self) -> Iterator[str]:
        """The counts, the files, and what the format could not hold."""
        yield (
            f"{self.articles} articles: {self.entities} entities, {self.events} events, "
            f"{self.arguments} arguments, in {', '.join(self.files)}"
        )
        lost = ", ".join(f"{count} {kind}" for kind, count in self.lost.items())
        yield f"{self.format} could not hold: {lost}" if lost else f"{self.format} holds all of it"

    def messages(self) -> Iterator[str]:
        """The problems."""
        yield from self.problems


def export(
    project: Settings | None,
    source: Annotated[Path, Argument("A release folder, a .jsonl of annotations, or a folder of inline files.")],
    *,
    format: FormatName,
    out: Annotated[
        Path, Option("The file to write; a folder for brat, and for a release without --split.", metavar="PATH")
    ],
    split: Annotated[str | None, Option("Only this split of a release.")] = None,
    on_loss: Annotated[
        OnLoss, Option("What the format cannot hold: fail, drop it, or snap spans to its tokens first.")
    ] = "drop",
    triggers: Annotated[bool, Option("Formats without events: write triggers as spans of their event type.")] = False,
    limit: Annotated[int | None, Option("Only this many articles, the first.", min=1)] = None,
) -> ExportResult:
    """Write the annotated articles at `source` to `out` in `format`.

    A release without `split` becomes a folder with a file each split, named after it; anything else becomes `out`
    itself, a file or (brat) a folder.

    Args:
        source: a release folder, a .jsonl of annotations or of the neutral form, or a folder of inline files.
        project: whose articles and schema are meant; not needed for a release, which has its own.
        on_loss: what to do with what the format cannot hold.
        triggers: formats without events take triggers as spans of their event type.
        limit: only so many articles of each file, the first.

    Raises:
        BadInput: the source cannot be used, `on_loss` is `fail` and something would be lost, or something else than an
            export is at `out`.
        ReleaseError: a release that cannot be read.
    """
    suffix = format_named(format).suffix
    unused: list[str] = []
    invalid: list[str] = []
    undecided: list[str] = []
    if is_release(source):
        schema, splits = _release(source, split, undecided)
        types = _types(source)
    elif split is not None:
        raise BadInput("only a release has splits", path=source, field="split", way_out="leave --split out")
    elif project is None:
        raise BadInput("is no release", path=source, way_out="run this in a project, which has the articles")
    else:
        schema = project.load_schema()
        gold = read_gold(project, source)
        splits, unused, invalid = {"": gold.documents}, gold.unused, gold.invalid
        latest = _latest_release(project)
        types = _types(latest) if latest else ()
    if "" in splits or split is not None:
        (pairs,) = splits.values()
        written = [_write(format, pairs, out, schema, types, on_loss, triggers, limit)]
        files = [out]
    else:
        names = {f"{name}{suffix}" for name in ("train", "validation", "test")}
        with whole_path(
            out, folder=True, replaces=lambda folder: {path.name for path in folder.iterdir()} <= names
        ) as part:
            written = [
                _write(format, pairs, part / f"{name}{suffix}", schema, types, on_loss, triggers, limit)
                for name, pairs in splits.items()
            ]
        files = [out / f"{name}{suffix}" for name in splits]
    lost = sum((part.lost.counts for part in written[1:]), written[0].lost.counts.copy())
    return ExportResult(
        format=format,
        out=str(out),
        files=tuple(map(str, files)),
        articles=sum(part.articles for part in written),
        entities=sum(part.entities for part in written),
        events=sum(part.events for part in written),
        arguments=sum(part.arguments for part in written),
        lost=dict(lost.most_common()),
        unused=0 if limit else len(unused),
        undecided=len(undecided),
        invalid=len(invalid),
        problems=(*_undecided(undecided), *(() if limit else unused[:20])),
    )


def is_release(source: Path) -> bool:
    """Is `source` the folder of a release?"""
    return (source / MANIFEST).is_file()


def _write(
    format: str,
    pairs: Pairs,
    out: Path,
    schema: LabelSchema,
    types: tuple[str, ...],
    on_loss: OnLoss,
    triggers: bool,
    limit: int | None,
) -> Written:
    def limited() -> Pairs:
        empty = True
        for pair in islice(pairs, limit):
            empty = False
            yield pair
        if empty:
            raise BadInput("no annotated article to export", path=out, way_out="name a source that has some")

    return write_as(format, limited(), out, schema, on_loss=on_loss, triggers=triggers, types=types)


def _latest_release(project: Settings) -> Path | None:
    if not project.releases.is_dir():
        return None
    from curation.release import latest_release

    return latest_release(project.releases)


def _types(release: Path) -> tuple[str, ...]:
    """All entity and event types that a release knows, each schema version's new ones after those of earlier versions.

    Formats that number their labels use this order, so that a new type moves no number.
    """
    from curation.release.manifest import Manifest, read_labels

    known = Manifest.read(release).types
    versions = sorted(known, key=lambda ref: parse_version(ref.partition("@")[2]))
    labels = read_labels(release)
    names = [name for ref in versions for name in known[ref]]
    return tuple(dict.fromkeys((*names, *labels.entity_types, *labels.event_types)))


def _undecided(articles: list[str]) -> Iterator[str]:
    if articles:
        named = ", ".join(articles[:20]) + (" …" if len(articles) > 20 else "")
        yield f"undecided, left out: {len(articles)} ({named}); people differ on them, or their latest is not valid"


def _release(folder: Path, split: str | None, undecided: list[str]) -> tuple[LabelSchema, dict[str, Pairs]]:
    """The schema of a release, and its articles split by split, those without articles left out.

    Undecided articles, of which a release keeps what the one before had, are left out and added to `undecided`.
    """
    from curation.release.manifest import (
        LABELS,
        SCHEMA,
        Manifest,
        parquet_files,
        read_labels,
        read_schema,
        refuse_differing,
    )
    from curation.release.rows import DOCUMENTS, KEPT, annotation_of, kept_articles, read_rows

    manifest = Manifest.read(folder)
    refuse_differing(folder, manifest, (LABELS, SCHEMA, *parquet_files(DOCUMENTS)))
    labels = read_labels(folder).of_config(DOCUMENTS)
    splits = [name for name, count in manifest.counts.articles.items() if count]
    if split is not None and split not in splits:
        way_out = f"choose one of {', '.join(splits)}"
        raise BadInput(f"has no articles in {split}", path=folder, field="split", way_out=way_out)

    exported = []
    for name in [name for name in splits if split in (None, name)]:
        undecided_here = kept_articles(folder / DOCUMENTS / f"{name}.parquet")
        undecided += undecided_here
        if len(undecided_here) < manifest.counts.articles[name]:
            exported.append(name)
    if undecided and not exported:
        raise BadInput(next(_undecided(undecided)), path=folder, way_out=DECIDE)

    def pairs(name: str) -> Pairs:
        for row in read_rows(folder / DOCUMENTS / f"{name}.parquet", labels):
            if row.get("chosen") == KEPT:
                continue
            fields = {key: row[key] for key in ("id", "text", "title", "source", "published", "language", "licence")}
            yield Article.model_validate(fields), annotation_of(row)

    return read_schema(folder), {name: pairs(name) for name in exported}
