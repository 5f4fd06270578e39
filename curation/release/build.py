"""Build a release folder: every article validated, then Parquet, card, splits and manifest, whole or not at all.

Articles are read once. Their rows wait in an Arrow file beside the release, because only the last article decides who
is a near-duplicate of whom, and so which split each of them goes to. Then they are written sorted by article id.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow.parquet as pq

from curation.article import Value
from curation.errors import InvalidArticles, NothingToRelease, ReleaseError
from curation.files import whole_file
from curation.locks import exclusive
from curation.release.card import About, card, changelog, licence_note, plots
from curation.release.croissant import FILE as CROISSANT
from curation.release.croissant import croissant
from curation.release.diff import differing_rows
from curation.release.features import columns, features
from curation.release.hashing import LogicalHash
from curation.release.intake import Intake
from curation.release.manifest import (
    ARTICLES,
    CARD,
    CHANGES,
    CHECKSUMS,
    LABELS,
    LICENCE,
    SCHEMA,
    SPLIT_TABLE,
    Agreement,
    Bump,
    Changes,
    Counts,
    FileFact,
    Hashes,
    Manifest,
    Selection,
    SplitFacts,
    differing,
    file_fact,
    parquet_files,
    read_hashes,
    read_labels,
    read_schema,
    refuse_differing,
    write_json,
)
from curation.release.parquet import Sizes, Totals, write_rows
from curation.release.prepare import ArticleInput, Rules, ShardedArticles, batches, table_schema
from curation.release.rows import CONFIGS, CORRECTIONS, InvalidArticle, Labels
from curation.release.splits import (
    FRACTIONS,
    NEAR_DUPLICATE,
    SPLITS,
    Assignment,
    Edge,
    Place,
    SetAside,
    assign,
    cuts_of,
    read_splits,
    split_at,
    split_of,
    write_splits,
)
from curation.release.versions import (
    ChangeCount,
    Proposal,
    Reason,
    article_reasons,
    exists,
    propose,
    published,
    schema_reasons,
    shape_reasons,
)
from curation.schema import LabelSchema

_MAY_GO = 0.05
"""Share of the articles, or of those with corrections, beyond which leaving them out must be allowed."""
_NAMED = 10
"""Most articles that an error names."""
_SOFTWARE = ("curation", "datasets", "pyarrow", "rensa")
_PART, _LOCK = ".building.part", ".building.lock"
Cuts = tuple[datetime, datetime]


class ReleaseReport(Value):
    """The result of a build. `unchanged`: the content is that of the release in `folder`, which was left alone.

    barred               articles that the selection excluded: by `licence`, or `withdrawn`
    invalid              articles that were set aside because they are not valid
    left_out             ids of articles of the release before that this one does not have, without those in `barred`
    without_corrections  ids of articles in both that have rows in `corrections` there and none here
    """

    folder: Path
    version: str
    unchanged: bool
    bump: Bump
    reasons: tuple[str, ...]
    logical_sha256: str
    articles: int
    entities: int
    events: int
    arguments: int
    splits: dict[str, int]
    set_aside: tuple[SetAside, ...]
    barred: dict[str, int]
    leakage: float | None
    largest_cluster: int
    changes: Changes | None
    invalid: tuple[InvalidArticle, ...] = ()
    left_out: tuple[str, ...] = ()
    without_corrections: tuple[str, ...] = ()


class Before(NamedTuple):
    """The release before: what the next one continues and is compared with."""

    folder: Path
    manifest: Manifest
    schema: LabelSchema
    labels: Labels
    table: dict[str, Place]
    hashes: dict[str, Hashes]


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """Options of a build: see `build_release`. Raises ReleaseError: a number is out of its range."""

    about: About
    version: str | None
    force: bool
    split_fractions: tuple[float, float, float]
    near_duplicate: float
    split_by: Literal["hash", "time"] | None
    selection: Selection
    allow_shrink: bool
    strict: bool

    def __post_init__(self) -> None:
        shares = self.split_fractions
        if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
            raise ReleaseError(f"split fractions {shares}: give three shares that add up to 1")
        if not 0 < self.near_duplicate <= 1:
            raise ReleaseError(f"near-duplicate similarity {self.near_duplicate}: give a number above 0, at most 1")


class Inputs(NamedTuple):
    """What a build works with, besides the articles."""

    before: Before | None
    rules: Rules
    options: BuildOptions


class Placement(NamedTuple):
    """The articles of the release and their splits.

    order     numbers of the articles in the release (see `Intake`), sorted by article id
    ids       their ids
    table     the split table, articles of earlier releases included
    facts     how the splits were made
    left_out  ids of articles of the release before that are missing, without those that were excluded on purpose
    """

    order: list[int]
    ids: set[str]
    table: dict[str, Place]
    facts: SplitFacts
    left_out: tuple[str, ...]


class Data(NamedTuple):
    """Sizes and counts of the data files that were written."""

    sizes: Sizes
    counts: Counts
    agreement: Agreement | None


def build_release(
    articles: Iterable[ArticleInput] | ShardedArticles,
    schema: LabelSchema,
    out: Path,
    *,
    version: str | None = None,
    previous: Path | None = None,
    about: About,
    force: bool = False,
    split_fractions: tuple[float, float, float] = FRACTIONS,
    near_duplicate: float = NEAR_DUPLICATE,
    split_by: Literal["hash", "time"] | None = None,
    selection: Selection | None = None,
    allow_shrink: bool = False,
    strict: bool = True,
) -> ReleaseReport:
    """Build `out/vX.Y.Z/` from reviewed articles. Nothing appears there before it is complete.

    The same articles give the same bytes, in whatever order they come. If the content is that of the release before,
    nothing is written and the report says `unchanged`.

    Args:
        articles: each article once; best sorted by id. Read once, not kept in memory.
        schema: has every label of the annotations.
        out: the folder of releases.
        version: `X.Y.Z`; None: the least that the differences from `previous` require, 0.1.0 for the first.
        previous: the folder of the release before, whose splits, label lists and history are continued.
        about: what the card says besides.
        force: allow a `version` lower than the differences require.
        split_fractions: shares of train, validation and test, for new articles.
        near_duplicate: Jaccard similarity of five-word shingles from which two articles belong together.
        split_by: what decides on the split of a new cluster: a hash, or when its first article was published, cut
            where the first release cut; None: as in `previous`, else by hash.
        selection: which articles may be in; default: all that a person annotated.
        allow_shrink: leave out more than 5 % of the articles of `previous` (those that `selection` excludes do not
            count), or have no corrections any more for more than 5 % of those that had some.
        strict: build nothing if an article is not valid; False: set such articles aside (`ReleaseReport.invalid`), each
            as its `fallback` has it, if that is valid.

    Raises:
        InvalidArticles: articles are not valid, with `strict`. All findings are in `details`.
        ReleaseError: an article comes twice, there is none, the version does not fit or
            exists with other content, `previous` cannot be used, the release would shrink, or the disk is full.
    """
    options = BuildOptions(
        about=about,
        version=version,
        force=force,
        split_fractions=split_fractions,
        near_duplicate=near_duplicate,
        split_by=split_by,
        selection=selection or Selection(),
        allow_shrink=allow_shrink,
        strict=strict,
    )
    with _workplace(out) as work:
        part = work / "release"
        part.mkdir()
        before = _read_before(previous)
        rules = _rules(schema, before, options)
        inputs = Inputs(before, rules, options)
        with Intake(work, rules.arrow) as intake:
            _collect(articles, inputs, intake)
            placement = _place(inputs, intake)
            logical_sha256 = _logical_sha256(rules, intake, placement)
            same = before is not None and logical_sha256 == before.manifest.logical_sha256
            # The version depends on changes, which are counted from the written rows. If the content is the same, rows
            # are written only for another version than the one before.
            data = None if same else _write_data(rules, intake, placement, part)
            changes = None if before is None else Changes() if same else _changes(before.folder, part)
            reasons = _reasons(inputs, intake, placement, changes)
            proposal = _decide_version(inputs, reasons, out, changed=not same)
            target = out / f"v{proposal.version}"
            if target.exists():
                report = _existing(target, logical_sha256, proposal, intake.excluded)
                return report.model_copy(update={"invalid": tuple(intake.invalid)})
            data = data or _write_data(rules, intake, placement, part)
            without_corrections = _without_corrections(inputs, placement, part)
        manifest = _manifest(inputs, intake, placement, data, proposal, changes, logical_sha256)
        manifest = _write_documents(inputs, placement, data, intake.invalid, manifest, part)
        _settle(part, target)
    report = _report(target, manifest, intake.excluded, unchanged=False)
    return report.model_copy(
        update={
            "invalid": tuple(intake.invalid),
            "left_out": placement.left_out,
            "without_corrections": without_corrections,
        }
    )


def _rules(schema: LabelSchema, before: Before | None, options: BuildOptions) -> Rules:
    """What decides how rows are made."""
    labels = Labels.of(schema, before.labels if before else None)
    types = (before.manifest.types if before else {}) | {schema.ref: (*schema.entity_names, *schema.event_names)}
    arrow = {config: features(config, labels).arrow_schema for config in CONFIGS}
    dated = _splits_by(options.split_by, before) == "time"
    return Rules(schema, labels, types, options.selection, dated, table_schema(arrow))


def _collect(articles: Iterable[ArticleInput] | ShardedArticles, inputs: Inputs, intake: Intake) -> None:
    """Read and validate all articles. Raises InvalidArticles: some are not valid, with `strict`."""
    for batch in batches(articles, inputs.rules):
        intake.add(batch)
    intake.finish()
    if inputs.options.strict and intake.invalid:
        raise _not_valid(intake.invalid)


def _place(inputs: Inputs, intake: Intake) -> Placement:
    """Assign splits, and set aside articles that would leak. Raises ReleaseError: too few articles remain."""
    before, rules, options = inputs
    cuts = _cuts(intake, before, options.split_fractions) if rules.dated else None
    edges = list(intake.sketches.similar(intake.ids, intake.text, options.near_duplicate))
    assigned = _assign(intake, before, edges, options.split_fractions, options.near_duplicate, cuts)
    set_aside = {article.article_id for article in assigned.set_aside}
    order = [number for number in intake.order if intake.ids[number] not in set_aside]
    if not order:
        raise _nothing(intake.invalid)
    ids = {intake.ids[number] for number in order}
    left_out: tuple[str, ...] = ()
    if before:
        excluded = intake.excluded_ids | options.selection.withdrawn.keys()
        left_out = tuple(name for name in before.hashes if name not in ids and name not in excluded)
        if not options.allow_shrink:
            hint = "pull again, or use the snapshot that has them"
            _refuse_shrink("articles of", left_out, len(before.hashes), before.manifest.version, hint)
    facts = _split_facts(ids, assigned, edges, options.split_fractions, options.near_duplicate, cuts)
    return Placement(order, ids, assigned.table, facts, left_out)


def _logical_sha256(rules: Rules, intake: Intake, placement: Placement) -> str:
    logical = LogicalHash(rules.labels, rules.schema)
    for number in placement.order:
        article_id, hashes = intake.ids[number], intake.hashes[number]
        logical.article(article_id, placement.table[article_id].split, hashes.row, hashes.derived)
    return logical.finish(placement.table)


def _write_data(rules: Rules, intake: Intake, placement: Placement, part: Path) -> Data:
    """Write `labels.json`, the Parquet files and `articles.jsonl`."""
    write_json(part / LABELS, rules.labels.model_dump(mode="json"))
    totals = Totals(rules.labels)
    arrow = {config: features(config, rules.labels).arrow_schema for config in CONFIGS}
    sizes = write_rows(intake, placement.order, placement.table, totals, part, arrow)
    return Data(sizes, totals.counts(), totals.agreement())


def _decide_version(inputs: Inputs, reasons: Sequence[Reason], out: Path, *, changed: bool) -> Proposal:
    """The version of the release. Raises ReleaseError: the version that was asked for does not fit."""
    return propose(
        inputs.before.manifest if inputs.before else None,
        reasons,
        changed=changed,
        wanted=inputs.options.version,
        force=inputs.options.force,
        taken=published(out),
    )


def _without_corrections(inputs: Inputs, placement: Placement, part: Path) -> tuple[str, ...]:
    """Articles in both releases that had corrections and have none now. Raises ReleaseError: they are too many."""
    before = inputs.before
    if before is None:
        return ()
    had = _corrected(before.folder) & placement.ids
    missing = tuple(sorted(had - _corrected(part)))
    if not inputs.options.allow_shrink:
        hint = "look whether work/labelstudio/sent.jsonl is whole"
        _refuse_shrink("articles with corrections in", missing, len(had), before.manifest.version, hint)
    return missing


def _manifest(
    inputs: Inputs,
    intake: Intake,
    placement: Placement,
    data: Data,
    proposal: Proposal,
    changes: Changes | None,
    logical_sha256: str,
) -> Manifest:
    """The manifest without the hashes of files, some of which are made from it."""
    before, rules, options = inputs
    about, selection = options.about, options.selection
    return Manifest(
        name=about.name,
        version=proposal.version,
        schema_ref=rules.schema.ref,
        logical_sha256=logical_sha256,
        bump=proposal.bump,
        reasons=proposal.reasons,
        previous=before.manifest.as_earlier if before else None,
        history=(*before.manifest.history, before.manifest.as_earlier) if before else (),
        columns=columns(rules.labels),
        types=dict(rules.types_in_force),
        counts=data.counts,
        splits=placement.facts,
        selection=selection.model_copy(update={"withdrawn": _withdrawn(selection, before)}),
        changes=changes,
        agreement=data.agreement,
        snapshots=tuple(sorted({*about.snapshots, *intake.snapshots})),
        software={package: installed(package) for package in _SOFTWARE},
        checksums=CHECKSUMS,
        files={},
    )


def _write_documents(
    inputs: Inputs,
    placement: Placement,
    data: Data,
    invalid: Sequence[InvalidArticle],
    manifest: Manifest,
    part: Path,
) -> Manifest:
    """Write all other files. Returns the complete manifest, which is written last."""
    before, rules, options = inputs
    write_splits(part / SPLIT_TABLE, placement.table, manifest.version)
    write_json(part / SCHEMA, rules.schema.model_dump(mode="json"))
    for name, drawn in plots(manifest.counts).items():
        _write(part / name, drawn)
    _write(part / CARD, card(manifest, rules.schema, rules.labels, options.about, data.sizes, invalid))
    _write(part / LICENCE, licence_note(manifest, options.about))
    earlier = (before.folder / CHANGES).read_text(encoding="utf-8") if before else None
    known = before.manifest.selection.withdrawn if before else {}
    _write(part / CHANGES, changelog(manifest, earlier, known))
    parquet = _facts(part, [name for config in CONFIGS for name in parquet_files(config)])
    write_json(part / CROISSANT, croissant(manifest, rules.labels, options.about, parquet))
    names = {path.relative_to(part).as_posix() for path in part.rglob("*") if path.is_file()}
    files = parquet | _facts(part, names - parquet.keys())
    complete = manifest.model_copy(update={"files": dict(sorted(files.items()))})
    complete.write(part)
    return complete


def _not_valid(invalid: Sequence[InvalidArticle]) -> InvalidArticles:
    first = invalid[0]
    more = f" and {len(invalid) - 1} more articles are not valid" if len(invalid) > 1 else ""
    error = InvalidArticles(f"article {first.article_id}: {first.problems[0]}{more}; fix it, nothing was built")
    if len(invalid) > 1 or len(first.problems) > 1:
        error.details = tuple(f"{one.article_id}: {problem}" for one in invalid for problem in one.problems)
    return error


def _nothing(invalid: Sequence[InvalidArticle]) -> NothingToRelease:
    if not invalid:
        return NothingToRelease(
            "no article has a reviewed annotation, so there is nothing to release; review some first"
        )
    named = "; ".join(f"{one.article_id}: {one.problems[0]}" for one in invalid[:3])
    error = NothingToRelease(
        f"there is nothing to release: {len(invalid)} reviewed articles are not valid ({named}); correct them"
    )
    error.details = tuple(f"{one.article_id}: {problem}" for one in invalid for problem in one.problems)
    return error


def _read_before(folder: Path | None) -> Before | None:
    """Read the release that the new one continues. Raises ReleaseError: a file differs from its manifest."""
    if folder is None:
        return None
    manifest = Manifest.read(folder)
    rows = [name for config in CONFIGS for name in parquet_files(config)]
    refuse_differing(folder, manifest, (LABELS, SCHEMA, SPLIT_TABLE, ARTICLES, *rows))
    table = read_splits(folder / SPLIT_TABLE)
    return Before(folder, manifest, read_schema(folder), read_labels(folder), table, read_hashes(folder))


def _splits_by(wanted: Literal["hash", "time"] | None, before: Before | None) -> Literal["hash", "time"]:
    """What decides on splits: what decided in the first release."""
    if before is None:
        return wanted or "hash"
    by = before.manifest.splits.by
    if wanted not in (None, by):
        raise ReleaseError(
            f"version {before.manifest.version} was split by {by}, and an article never changes its split; "
            f"split by {by}, or begin a new dataset in another work folder"
        )
    return by


def _cuts(intake: Intake, before: Before | None, fractions: tuple[float, float, float]) -> Cuts | None:
    """Where time is cut: where the first release cut it. None without any article."""
    if before is not None:
        return before.manifest.splits.cuts
    return cuts_of(intake.published, fractions) if intake.published else None


def _assign(
    intake: Intake,
    before: Before | None,
    edges: Sequence[Edge],
    fractions: tuple[float, float, float],
    near_duplicate: float,
    cuts: Cuts | None,
) -> Assignment:
    """The split of every article."""
    near = {article_id for edge in edges for article_id in edge[:2]}
    numbers = {article_id: number for number, article_id in enumerate(intake.ids)} if cuts else {}

    def fresh(members: Sequence[str]) -> str:
        if cuts is None:
            return split_of(min(members), fractions)
        return split_at(min(intake.published[numbers[member]] for member in members), cuts)

    settled = set()
    if before and near:
        for article_id, hashes in zip(intake.ids, intake.hashes, strict=True):
            known = before.hashes.get(article_id) if article_id in near else None
            if known is not None and known.text == hashes.text:
                settled.add(article_id)
    return assign(
        intake.ids,
        [edge for edge in edges if edge.similarity >= near_duplicate],
        table=before.table if before else None,
        settled=settled,
        fresh=fresh,
    )


def _split_facts(
    placed: Collection[str],
    assigned: Assignment,
    edges: Sequence[Edge],
    fractions: tuple[float, float, float],
    near_duplicate: float,
    cuts: Cuts | None,
) -> SplitFacts:
    sizes = Counter(assigned.table[article_id].cluster for article_id in placed)
    across = [
        edge.similarity
        for edge in edges
        if edge.one in placed
        and edge.two in placed
        and assigned.table[edge.one].split != assigned.table[edge.two].split
    ]
    return SplitFacts(
        by="hash" if cuts is None else "time",
        cuts=cuts,
        fractions=fractions,
        near_duplicate=near_duplicate,
        clusters=sum(size > 1 for size in sizes.values()),
        largest_cluster=max(sizes.values(), default=1),
        leakage=round(max(across), 6) if across else None,
        leakage_floor=near_duplicate / 2,
        set_aside=assigned.set_aside,
    )


def _changes(before: Path, now: Path) -> Changes:
    count = ChangeCount()
    for rows in differing_rows(before, now):
        count.article(*rows)
    return count.changes()


def _reasons(inputs: Inputs, intake: Intake, placement: Placement, changes: Changes | None) -> list[Reason]:
    """Why the next version must be what it is; none for the first release."""
    before, rules, _ = inputs
    if before is None or changes is None:
        return []
    derived_only = 0
    for number in placement.order:
        known, now = before.hashes.get(intake.ids[number]), intake.hashes[number]
        derived_only += known is not None and known.row == now.row and known.derived != now.derived
    return [
        *schema_reasons(before.schema, rules.schema),
        *shape_reasons(before.labels, rules.labels, before.manifest.columns, columns(rules.labels)),
        *article_reasons(changes, derived_only),
    ]


def _refuse_shrink(what: str, missing: Sequence[str], count: int, version: str, hint: str) -> None:
    """Raise ReleaseError: more of `count` are missing than may be without being allowed."""
    if len(missing) > _MAY_GO * count:
        named = ", ".join(missing[:_NAMED]) + (" …" if len(missing) > _NAMED else "")
        raise ReleaseError(
            f"{len(missing)} of {count} {what} v{version} would be missing, more than {_MAY_GO:.0%}: {named}; {hint}, "
            "or allow it with --allow-shrink"
        )


def _corrected(release: Path) -> set[str]:
    """Ids of the articles that have rows in `corrections`."""
    files = [release / name for name in parquet_files(CORRECTIONS)]
    found = (pq.read_table(file, columns=["id"])["id"].unique().to_pylist() for file in files if file.is_file())
    return {article_id for ids in found for article_id in ids}


def _withdrawn(selection: Selection, before: Before | None) -> dict[str, str | None]:
    """The withdrawn articles that were in an earlier release. Ids that were never released are not disclosed."""
    return {name: why for name, why in sorted(selection.withdrawn.items()) if before and name in before.table}


def _existing(target: Path, logical_sha256: str, proposal: Proposal, excluded: Counter[str]) -> ReleaseReport:
    """The report of a release that is there already. Raises ReleaseError: its content is another."""
    manifest = Manifest.read(target)
    if manifest.logical_sha256 != logical_sha256:
        raise exists(proposal.version, proposal.needed, published(target.parent))
    if problems := differing(target, manifest):
        raise ReleaseError(f"{target}: {problems[0]}; move that folder away and run again to build it anew")
    return _report(target, manifest, excluded, unchanged=True)


def _facts(folder: Path, names: Collection[str]) -> dict[str, FileFact]:
    return {name: file_fact(folder / name) for name in sorted(names)}


def _write(path: Path, text: str) -> None:
    with whole_file(path) as file:
        file.write(text)


def _report(folder: Path, manifest: Manifest, excluded: Counter[str], *, unchanged: bool) -> ReleaseReport:
    counts = manifest.counts
    return ReleaseReport(
        folder=folder,
        version=manifest.version,
        unchanged=unchanged,
        bump=manifest.bump,
        reasons=manifest.reasons,
        logical_sha256=manifest.logical_sha256,
        articles=counts.total("articles"),
        entities=counts.total("entities"),
        events=counts.total("events"),
        arguments=counts.total("arguments"),
        splits={split: counts.articles.get(split, 0) for split in SPLITS},
        set_aside=manifest.splits.set_aside,
        barred=dict(sorted(excluded.items())),
        leakage=manifest.splits.leakage,
        largest_cluster=manifest.splits.largest_cluster,
        changes=manifest.changes,
    )


@contextmanager
def _workplace(out: Path) -> Iterator[Path]:
    """An empty hidden folder in `out`, removed afterwards; what a killed build left is removed first.

    Raises:
        ReleaseError: another build is at work in `out`, or it cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        part = out / _PART
        with exclusive(out / _LOCK, "build", hint="pick another place"):
            shutil.rmtree(part, ignore_errors=True)
            for inputs in out.glob(".v*.inputs"):  # notes of earlier versions of this software, of no use now
                inputs.unlink()
            part.mkdir()
            try:
                yield part
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        if isinstance(error.filename, str) and not Path(error.filename).is_relative_to(out):
            raise  # an input
        raise ReleaseError(
            f"{error.filename or out}: cannot be written: {error.strerror or error}; free space or pick another place "
            "and run again, no release was left half-written"
        ) from error


def _settle(part: Path, target: Path) -> None:
    """Wait until everything is on disk, then give the folder its name."""
    for path in (*part.rglob("*"), part):
        _sync(path)
    part.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
