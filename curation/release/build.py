"""Build a release folder: every row checked, then Parquet, card, splits and manifest, whole or not at all.

The rows are read once and kept in an Arrow file beside the release, since only the last of them tells who is a
near-duplicate of whom, and so which split each one goes to. Then they are written out sorted by article id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version as installed
from pathlib import Path
from typing import Literal

import pyarrow as pa

from curation.article import Value
from curation.errors import ReleaseError
from curation.files import whole_file, write_jsonl
from curation.release.before import Before, inputs_of, read_before, recipe
from curation.release.card import About, card, changelog, licence_note
from curation.release.configs import columns
from curation.release.counts import Counting
from curation.release.croissant import FILE as CROISSANT
from curation.release.croissant import croissant
from curation.release.documents import ReviewedArticle, Unread
from curation.release.intake import Intake
from curation.release.labels import Labels
from curation.release.manifest import (
    ARTICLES,
    CARD,
    CHANGES,
    CHECKSUMS,
    LABELS,
    LICENCE,
    SCHEMA,
    SPLIT_TABLE,
    Bump,
    Changes,
    FileFact,
    LogicalHash,
    Manifest,
    Selection,
    differing,
    file_fact,
    write_json,
)
from curation.release.place import cuts_now, place, split_facts, splits_by
from curation.release.plots import plots
from curation.release.shrink import left_out, refuse, without_corrections
from curation.release.since import ChangesSince, beside, reasons
from curation.release.splits import FRACTIONS, NEAR_DUPLICATE, SPLITS, SetAside
from curation.release.table import write_splits
from curation.release.versions import Proposal, exists, propose, published
from curation.release.workplace import settle, workplace
from curation.release.writing import add_logical, known_lines, write_rows
from curation.schema import LabelSchema

_SOFTWARE = ("curation", "datasets", "pyarrow", "rensa")


class ReleaseReport(Value):
    """What came of a build. `unchanged`: nothing differs from what stands in `folder`, which was left alone.

    `barred` counts the articles that the selection kept out: by `licence`, or `withdrawn`. `left_out` are ids of
    articles that the release before had and this one has not, without those. `without_corrections` are ids of articles
    in both that had rows in `corrections` there and have none here.
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
    left_out: tuple[str, ...] = ()
    without_corrections: tuple[str, ...] = ()


def build_release(
    rows: Iterable[ReviewedArticle | Unread | bytes],
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
    also: str = "",
    allow_shrink: bool = False,
) -> ReleaseReport:
    """Build `out/vX.Y.Z/` from reviewed articles, one row each. Nothing appears there before it is whole.

    The same rows give the same bytes, in whatever order they come. Where the content is that of the version which
    stands there, nothing is written and the report says `unchanged`.

    Args:
        rows: each article once, the revision that counts; best sorted by article id. Read once, not kept in memory.
            Bytes are a row of `documents` as a line of JSON, names in it. What is bytes or `Unread`, and was the same
            for `previous`, is copied from there and not validated again.
        schema: every label of the rows is in it.
        out: the folder of releases.
        version: `X.Y.Z`; None takes the least that the differences from `previous` call for, 0.1.0 for the first.
        previous: the folder of the release before, from which splits, label lists and history are taken over.
        about: what the card says besides.
        force: allow a `version` lower than the differences call for.
        split_fractions: shares of train, validation and test, for articles that come new.
        near_duplicate: Jaccard similarity of five-word shingles from which two articles belong together.
        split_by: what decides on the split of a new cluster: a hash, or when its first article was published, cut
            where the first release cut; None: as in `previous`, else by hash.
        selection: which articles may be in; default: all that a person annotated.
        allow_shrink: leave out more than 5 % of the articles of `previous` (those that `selection` bars do not count),
            or have no corrections any more for more than 5 % of those that had some.
        also: what else the rows of an `Unread` depend on beside its key, such as the names that annotators go by.

    Raises:
        ReleaseError: a row does not fit its schema, there is none, an article comes twice, the version does not fit
            or is there with other content, `previous` cannot be used, the release would shrink, or the disk is
            full.
    """
    if len(split_fractions) != 3 or min(split_fractions) < 0 or abs(sum(split_fractions) - 1) > 1e-9:
        raise ReleaseError(f"split fractions {split_fractions}: give three shares that add up to 1")
    if not 0 < near_duplicate <= 1:
        raise ReleaseError(f"near-duplicate similarity {near_duplicate}: give a number above 0, at most 1")
    with workplace(out) as work:
        part = work / "release"
        part.mkdir()
        selection = selection or Selection()
        how = recipe(schema, selection, also)
        before = read_before(previous, how)
        by = splits_by(split_by, before)
        labels = Labels.of(schema, before.labels if before else None)
        types = (before.manifest.types if before else {}) | {schema.ref: (*schema.entity_names, *schema.event_names)}
        with Intake(work, schema, labels, types, selection, before, dated=by == "time") as intake:
            intake.fill(rows)
            cut = cuts_now(intake, before, split_fractions) if by == "time" else None
            placement = place(intake, before, split_fractions, near_duplicate, cut)
            placed = intake.ids.take(pa.array(placement.order))
            missing: tuple[str, ...] = ()
            if before:
                missing = left_out(before.known.ids, placed, {*intake.barred_ids, *selection.withdrawn})
                if not allow_shrink:
                    hint = "pull again, or use the snapshot that has them"
                    refuse("articles of", missing, len(before.known), before.manifest.version, hint)
            logical = LogicalHash(labels, schema)
            add_logical(logical, intake, placement)
            logical_sha256 = logical.finish(placement.table)

            counting = Counting(labels)
            same = before is not None and logical_sha256 == before.manifest.logical_sha256
            since = ChangesSince(before, intake, placement, labels) if before else None
            # Written first: the changes are told from what is read of the release before on the way.
            write = partial(write_rows, intake, placement, counting, part, since.go_on if since else lambda: None)
            sizes = None if same else write()
            changes = since.changes() if since else None
            proposal = propose(
                before.manifest if before else None,
                reasons(before, schema, labels, changes, beside(before, intake, placement))
                if before and changes
                else [],
                changed=not same,
                wanted=version,
                force=force,
                taken=published(out),
            )
            target = out / f"v{proposal.version}"
            if target.exists():
                standing = _standing(target, logical_sha256, proposal, intake.barred)
                if intake.inputs.stat().st_size:
                    intake.inputs.replace(inputs_of(target, logical_sha256, how))
                return standing

            sizes = sizes or write()
            uncorrected: tuple[str, ...] = ()
            if before:
                uncorrected, corrected = without_corrections(before.folder, part, placed)
                if not allow_shrink:
                    hint = "look whether work/labelstudio/sent.jsonl is whole"
                    what = "articles with corrections in"
                    refuse(what, uncorrected, corrected, before.manifest.version, hint)
            write_jsonl(part / ARTICLES, known_lines(intake, placement))
        write_splits(part / SPLIT_TABLE, placement.table, proposal.version)
        write_json(part / LABELS, labels.model_dump(mode="json"))
        write_json(part / SCHEMA, schema.model_dump(mode="json"))
        manifest = Manifest(
            name=about.name,
            version=proposal.version,
            schema_ref=schema.ref,
            logical_sha256=logical_sha256,
            bump=proposal.bump,
            reasons=proposal.reasons,
            previous=before.manifest.as_was if before else None,
            history=(*before.manifest.history, before.manifest.as_was) if before else (),
            columns=columns(labels),
            types=types,
            counts=counting.counts(),
            splits=split_facts(intake, placement, split_fractions, near_duplicate, cut),
            selection=selection.model_copy(update={"withdrawn": _withdrawn(selection, before)}),
            changes=changes,
            agreement=intake.agreement(),
            snapshots=tuple(sorted({*about.snapshots, *intake.snapshots().to_pylist()})),
            software={package: installed(package) for package in _SOFTWARE},
            checksums=CHECKSUMS,
            files={},
        )
        for name, drawn in plots(manifest.counts).items():
            _write(part / name, drawn)
        _write(part / CARD, card(manifest, schema, labels, about, sizes))
        _write(part / LICENCE, licence_note(manifest, about))
        earlier = (before.folder / CHANGES).read_text(encoding="utf-8") if before else None
        told = before.manifest.selection.withdrawn if before else {}
        _write(part / CHANGES, changelog(manifest, earlier, told))
        parquet = _facts(part, "*/*.parquet", {})
        write_json(part / CROISSANT, croissant(manifest, labels, about, parquet))
        files = _facts(part, "**/*", parquet)
        manifest = manifest.model_copy(update={"files": files})
        manifest.write(part)
        settle(part, target)
        if intake.inputs.stat().st_size:
            intake.inputs.replace(inputs_of(target, logical_sha256, how))
    report = _report(target, manifest, intake.barred, unchanged=False)
    return report.model_copy(update={"left_out": missing, "without_corrections": uncorrected})


def _withdrawn(selection: Selection, before: Before | None) -> dict[str, str | None]:
    """Those of the takedown list that were in an earlier release; others are nobody's business."""
    return {one: why for one, why in sorted(selection.withdrawn.items()) if before and one in before.table}


def _standing(target: Path, logical_sha256: str, proposal: Proposal, barred: Counter[str]) -> ReleaseReport:
    """The report of a release that is there already. Raises ReleaseError where its content is another."""
    manifest = Manifest.read(target)
    if manifest.logical_sha256 != logical_sha256:
        raise exists(proposal.version, proposal.needed, published(target.parent))
    if wrong := differing(target, manifest):
        raise ReleaseError(f"{target}: {wrong[0]}; move that folder away and run again to build it anew")
    return _report(target, manifest, barred, unchanged=True)


def _facts(folder: Path, pattern: str, known: Mapping[str, FileFact]) -> dict[str, FileFact]:
    """Name → hash and size of the files that match; those `known` are not read again."""
    paths = sorted(path for path in folder.glob(pattern) if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    with ThreadPoolExecutor() as pool:
        facts = pool.map(lambda name: known.get(name) or file_fact(folder / name), names)
        return dict(zip(names, facts, strict=True))


def _write(path: Path, text: str) -> None:
    with whole_file(path) as file:
        file.write(text)


def _report(folder: Path, manifest: Manifest, barred: Counter[str], *, unchanged: bool) -> ReleaseReport:
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
        barred=dict(sorted(barred.items())),
        leakage=manifest.splits.leakage,
        largest_cluster=manifest.splits.largest_cluster,
        changes=manifest.changes,
    )
