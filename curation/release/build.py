"""Build a release folder: every row checked, then Parquet, card, splits and manifest, whole or not at all.

The rows are read once and kept in an Arrow file beside the release, since only the last of them tells who is a
near-duplicate of whom, and so which split each one goes to. Then they are written out sorted by article id.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from importlib.metadata import version as installed
from itertools import combinations
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.article import Value
from curation.compare import Scores, compare
from curation.errors import ReleaseError
from curation.files import whole_file, write_jsonl
from curation.release import corrections, sentences
from curation.release.canonical import utc
from curation.release.card import About, SplitSize, card, changelog, licence_note
from curation.release.configs import CONFIGS, columns, more_sha256
from curation.release.corrections import correction_rows
from curation.release.counts import Counting
from curation.release.croissant import FILE as CROISSANT
from curation.release.croissant import croissant
from curation.release.documents import (
    ReviewedArticle,
    Row,
    annotation_of,
    decode,
    encode,
    problem,
    read_rows,
    row,
    row_sha256,
)
from curation.release.labels import Labels
from curation.release.manifest import (
    ARTICLES,
    CARD,
    CHANGES,
    DATA,
    LABELS,
    LICENCE,
    SCHEMA,
    SPLIT_TABLE,
    Agreement,
    Bump,
    Changes,
    FileFact,
    Known,
    LogicalHash,
    Manifest,
    Selection,
    SplitFacts,
    differing,
    file_fact,
    read_known,
    read_labels,
    read_schema,
    write_json,
)
from curation.release.plots import plots
from curation.release.sentences import LOSSES, sentence_rows
from curation.release.splits import (
    FRACTIONS,
    NEAR_DUPLICATE,
    SPLITS,
    Assignment,
    Edge,
    Place,
    SetAside,
    Sketches,
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

_ROWS, _CHARACTERS = 1000, 8_000_000
"""Most rows, and about the most characters of text, of one row group."""
_ITEMS = 10_000
"""About the most entities and events held in memory as Python objects."""
_READS = 32
"""Batches of rows (1 MB and more each) read before their memory is given back."""
_TOKENS = 8
"""Tokens that take about the memory of one of them."""
_MORE = {sentences.CONFIG: "_sentences", corrections.CONFIG: "_corrections"}
_LOST = "_lost"
"""Columns of the rows on disk, beside those of the documents."""
_PART, _LOCK = ".building.part", ".building.lock"
_SOFTWARE = ("curation", "datasets", "pyarrow", "rensa")


class ReleaseReport(Value):
    """What came of a build. `unchanged`: nothing differs from what stands in `folder`, which was left alone.

    `barred` counts the articles that the selection kept out: by `licence`, or `withdrawn`.
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


class _Hashes(NamedTuple):
    row_sha256: str
    more_sha256: str


class _Before(NamedTuple):
    """The release before: what this one is compared with and takes over."""

    folder: Path
    manifest: Manifest
    schema: LabelSchema
    labels: Labels
    table: dict[str, Place]
    known: dict[str, _Hashes]
    texts: dict[str, str]


def build_release(
    rows: Iterable[ReviewedArticle],
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
) -> ReleaseReport:
    """Build `out/vX.Y.Z/` from reviewed articles, one row each. Nothing appears there before it is whole.

    The same rows give the same bytes, in whatever order they come. Where the content is that of the version which
    stands there, nothing is written and the report says `unchanged`.

    Args:
        rows: each article once, the revision that counts; best sorted by article id. Read once, not kept in memory.
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

    Raises:
        ReleaseError: a row does not fit its schema, there is none, an article comes twice, the version does not fit
            or is there with other content, `previous` cannot be used, or the disk is full.
    """
    if len(split_fractions) != 3 or min(split_fractions) < 0 or abs(sum(split_fractions) - 1) > 1e-9:
        raise ReleaseError(f"split fractions {split_fractions}: give three shares that add up to 1")
    if not 0 < near_duplicate <= 1:
        raise ReleaseError(f"near-duplicate similarity {near_duplicate}: give a number above 0, at most 1")
    with _workplace(out) as part:
        before = _read_before(previous)
        by = _split_by(split_by, before)
        selection = selection or Selection()
        labels = Labels.of(schema, before.labels if before else None)
        types = (before.manifest.types if before else {}) | {schema.ref: (*schema.entity_names, *schema.event_names)}
        with _Spool(part, labels) as spool:
            snapshots = spool.fill(rows, schema, types, selection, dated=by == "time")
            cuts = _cuts(spool, before, split_fractions) if by == "time" else None
            assignment, edges = _place(spool, before, split_fractions, near_duplicate, cuts)
            table = assignment.table
            order = _order(spool, assignment)
            logical = LogicalHash(labels, schema)
            for n in order:
                logical.article(spool.ids[n], table[spool.ids[n]].split, *spool.hashes[n])
            logical_sha256 = logical.finish(table)

            changes = _changes(spool, order, labels, before) if before else None
            proposal = propose(
                before.manifest if before else None,
                _reasons(before, schema, labels, changes, _beside(spool, order, before)) if before and changes else [],
                changed=before is None or logical_sha256 != before.manifest.logical_sha256,
                wanted=version,
                force=force,
                taken=published(out),
            )
            target = out / f"v{proposal.version}"
            if target.exists():
                return _standing(target, logical_sha256, proposal, spool.barred)

            counting = Counting(labels)
            sizes: dict[str, dict[str, SplitSize]] = {config: {} for config in CONFIGS}
            for split in SPLITS:
                numbers = [n for n in order if table[spool.ids[n]].split == split]
                for config, size in _write_split(spool, numbers, split, counting, part).items():
                    sizes[config][split] = size
            write_jsonl(part / ARTICLES, _known(spool, order, table))
        write_splits(part / SPLIT_TABLE, table, proposal.version)
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
            splits=_split_facts(
                [spool.ids[n] for n in order], assignment, edges, split_fractions, near_duplicate, cuts
            ),
            selection=selection.model_copy(update={"withdrawn": _withdrawn(selection, before)}),
            changes=changes,
            agreement=spool.agreement(),
            snapshots=tuple(sorted({*about.snapshots, *snapshots})),
            software={package: installed(package) for package in _SOFTWARE},
            files={},
        )
        for name, drawn in plots(manifest.counts).items():
            _write(part / name, drawn)
        _write(part / CARD, card(manifest, schema, labels, about, sizes))
        _write(part / LICENCE, licence_note(manifest, about))
        earlier = (before.folder / CHANGES).read_text(encoding="utf-8") if before else None
        told = before.manifest.selection.withdrawn if before else {}
        _write(part / CHANGES, changelog(manifest, earlier, told))
        write_json(part / CROISSANT, croissant(manifest, labels, about, _facts(part, "*/*.parquet")))
        files = _facts(part, "**/*")
        manifest = manifest.model_copy(update={"files": files})
        manifest.write(part)
        _settle(part, target)
    return _report(target, manifest, spool.barred, unchanged=False)


class _Spool:
    """The rows on disk as Arrow, and of each row what must be at hand: id, hashes, place."""

    def __init__(self, folder: Path, labels: Labels) -> None:
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.hashes: list[_Hashes] = []
        self.snapshots: list[str | None] = []
        self.lengths: list[int] = []
        self.published: list[datetime | None] = []
        self.barred: Counter[str] = Counter()
        self.sketches = Sketches(folder)
        self._places: list[tuple[int, int]] = []
        self._path = folder / "rows.arrow"
        self.labels = labels
        self.arrow = {config: columns_of(labels).arrow_schema for config, columns_of in CONFIGS.items()}
        self._scores, self._doubly = Scores(), 0
        more = [pa.field(_MORE[config], pa.list_(pa.struct(list(self.arrow[config])))) for config in _MORE]
        losses = pa.field(_LOST, pa.struct([(name, pa.int64()) for name in LOSSES]))
        self._schema = pa.schema([*self.arrow[DATA], *more, losses])
        self._reader: pa.ipc.RecordBatchFileReader | None = None
        self._reads = 0

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.sketches.close()
        self._path.unlink(missing_ok=True)

    def fill(
        self,
        rows: Iterable[ReviewedArticle],
        schema: LabelSchema,
        types: dict[str, tuple[str, ...]],
        selection: Selection,
        *,
        dated: bool,
    ) -> set[str]:
        """Check and keep every row that the selection admits; if `dated`, each must say when it was published.

        Returns the snapshots they name. Raises ReleaseError at the first finding.
        """
        seen: set[str] = set()
        with pa.OSFile(str(self._path), "wb") as sink, pa.ipc.new_file(sink, self._schema) as writer:
            held: list[Row] = []
            characters = items = batches = 0
            for reviewed in rows:
                article = reviewed.article
                if article.id in seen:
                    raise ReleaseError(f"article {article.id} comes twice; give the one revision that counts")
                seen.add(article.id)
                if barred := selection.bars(article):
                    self.barred[barred] += 1
                    continue
                if dated and article.published is None:
                    raise ReleaseError(
                        f"article {article.id}: does not say when it was published, which a split by time goes by; "
                        "add the date, or split by hash"
                    )
                if found := problem(reviewed, schema, engine_only=selection.engine_only):
                    raise ReleaseError(f"article {article.id}: {found}; mend the annotation, nothing was built")
                made = row(reviewed, schema, types)
                split, lost = sentence_rows(made, reviewed.sentences)
                corrected = _corrected(reviewed, schema)
                try:
                    self.hashes.append(_Hashes(row_sha256(made), more_sha256(split, corrected)))
                except UnicodeEncodeError as error:
                    raise ReleaseError(
                        f"article {article.id}: holds {error.object[error.start : error.end]!r}, which is half a "
                        "character; mend the article, nothing was built"
                    ) from error
                self.ids.append(article.id)
                self.texts.append(article.text_sha256)
                self.snapshots.append(reviewed.snapshot)
                self.lengths.append(len(article.text))
                self.published.append(utc(article.published))
                self._places.append((batches, len(held)))
                self.sketches.add(article.text)
                self._agree(reviewed)
                held.append(
                    encode(made, self.labels)
                    | {
                        _MORE[sentences.CONFIG]: [sentences.encode(one, self.labels) for one in split],
                        _MORE[corrections.CONFIG]: corrected,
                        _LOST: {name: lost[name] for name in LOSSES},
                    }
                )
                characters += len(article.text)
                items += len(made["entities"]) + len(made["events"]) + len(corrected) + 1
                items += sum(len(tokens) for _, _, tokens in reviewed.sentences) // _TOKENS
                if items >= _ITEMS or characters >= _CHARACTERS:
                    writer.write_batch(pa.RecordBatch.from_pylist(held, schema=self._schema))
                    held, characters, items, batches = [], 0, 0, batches + 1
            if held:
                writer.write_batch(pa.RecordBatch.from_pylist(held, schema=self._schema))
        return {one for one in self.snapshots if one}

    def agreement(self) -> Agreement | None:
        """How far people agreed where several annotated an article; None where none did."""
        if not self._doubly:
            return None
        f1 = (round(one.f1, 4) for one in (self._scores.entities, self._scores.triggers, self._scores.arguments))
        return Agreement(articles=self._doubly, **dict(zip(("entities", "triggers", "arguments"), f1, strict=True)))

    def _agree(self, reviewed: ReviewedArticle) -> None:
        # What was adjudicated stands on what the others said, so it agrees with nobody by itself.
        own = () if reviewed.chosen == "adjudicated" else (reviewed.annotation,)
        pairs = list(combinations((*own, *reviewed.others), 2))
        for one, other in pairs:
            self._scores.add(compare(one, other))
        self._doubly += bool(pairs)

    def text_of(self, number: int) -> str:
        """The text of the n-th row."""
        batch, place = self._places[number]
        text: str = self._batch(batch)["text"][place].as_py()
        return text

    def tables(self, numbers: Sequence[int], names: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows of these numbers in their order, a bounded piece at a time; of all columns, or of `names`."""
        start = 0
        while start < len(numbers):
            end, characters = start, 0
            while end < len(numbers) and end - start < _ROWS and characters < _CHARACTERS:
                characters += self.lengths[numbers[end]]
                end += 1
            yield self._gather(numbers[start:end], names)
            start = end

    def _batch(self, number: int) -> pa.RecordBatch:
        """A batch of the file, mapped into memory; mapped anew now and then, so that what was read can go."""
        if self._reader is None or self._reads >= _READS:
            self._reader, self._reads = pa.ipc.open_file(pa.memory_map(str(self._path))), 0
        self._reads += 1
        return self._reader.get_batch(number)

    def _gather(self, numbers: Sequence[int], names: Sequence[str] | None) -> pa.Table:
        pieces = []
        start = 0
        while start < len(numbers):
            batch = self._places[numbers[start]][0]
            end = start
            while end < len(numbers) and self._places[numbers[end]][0] == batch:
                end += 1
            held = self._batch(batch)
            held = held if names is None else held.select(names)
            pieces.append(held.take(pa.array([self._places[n][1] for n in numbers[start:end]])))
            start = end
        return pa.Table.from_batches(pieces).combine_chunks()


def _read_before(folder: Path | None) -> _Before | None:
    """The release in `folder`, after a look whether what this one stands on is what its manifest says."""
    if folder is None:
        return None
    manifest = Manifest.read(folder)
    if wrong := differing(folder, manifest, (LABELS, SCHEMA, SPLIT_TABLE, ARTICLES)):
        raise ReleaseError(f"{folder}: {wrong[0]}; take that release again from where it was published")
    known, texts = {}, {}
    for one in read_known(folder):
        known[one.id], texts[one.id] = _Hashes(one.row_sha256, one.more_sha256), one.text_sha256
    table = read_splits(folder / SPLIT_TABLE)
    return _Before(folder, manifest, read_schema(folder), read_labels(folder), table, known, texts)


def _changes(spool: _Spool, order: Sequence[int], labels: Labels, before: _Before) -> Changes:
    """What differs from the release before; only the articles whose hash differs are looked at."""
    count = ChangeCount()
    kept = {spool.ids[n]: n for n in order}
    known = {one: hashes.row_sha256 for one, hashes in before.known.items()}
    differs = {one: n for one, n in kept.items() if known.get(one) != spool.hashes[n].row_sha256}

    def now(number: int) -> Row:
        names = spool.arrow[DATA].names
        return decode(next(spool.tables([number], names)).to_pylist()[0], labels)

    for one, number in differs.items():
        if one not in known:
            count.article(None, annotation_of(now(number)))
    for old in _rows_before(before, lambda one: one in differs or one not in kept):
        number = differs.get(old["id"], -1)
        count.article(annotation_of(old), annotation_of(now(number)) if number >= 0 else None)
    return count.changes()


def _split_by(wanted: Literal["hash", "time"] | None, before: _Before | None) -> Literal["hash", "time"]:
    if before is None:
        return wanted or "hash"
    then = before.manifest.splits.by
    if wanted not in (None, then):
        raise ReleaseError(
            f"version {before.manifest.version} was split by {then}, and an article never changes its split; "
            f"split by {then}, or begin a new dataset in another work folder"
        )
    return then


def _cuts(
    spool: _Spool, before: _Before | None, fractions: tuple[float, float, float]
) -> tuple[datetime, datetime] | None:
    """Where time is cut: where it ever was, else so that the shares come out. None without any article."""
    if before is not None:
        return before.manifest.splits.cuts
    times = [time for time in spool.published if time]
    return cuts_of(times, fractions) if times else None


def _withdrawn(selection: Selection, before: _Before | None) -> dict[str, str | None]:
    """Those of the takedown list that were in an earlier release; others are nobody's business."""
    return {one: why for one, why in sorted(selection.withdrawn.items()) if before and one in before.table}


def _place(
    spool: _Spool,
    before: _Before | None,
    fractions: tuple[float, float, float],
    near_duplicate: float,
    cuts: tuple[datetime, datetime] | None,
) -> tuple[Assignment, list[Edge]]:
    """The split of every row, and the pairs of articles that were found to resemble each other."""
    settled = {
        one
        for one, text_sha256 in zip(spool.ids, spool.texts, strict=True)
        if before and before.texts.get(one) == text_sha256
    }
    published = dict(zip(spool.ids, spool.published, strict=True))

    def fresh(members: Sequence[str]) -> str:
        if cuts is None:
            return split_of(min(members), fractions)
        return split_at(min(time for one in members if (time := published[one])), cuts)

    edges = list(spool.sketches.similar(spool.ids, spool.text_of, near_duplicate))
    assignment = assign(
        spool.ids,
        [edge for edge in edges if edge.similarity >= near_duplicate],
        table=before.table if before else None,
        settled=settled,
        fresh=fresh,
    )
    return assignment, edges


def _order(spool: _Spool, assignment: Assignment) -> list[int]:
    """The numbers of the rows that go out, sorted by article id."""
    aside = {one.article_id for one in assignment.set_aside}
    order = sorted((n for n, one in enumerate(spool.ids) if one not in aside), key=spool.ids.__getitem__)
    if not order:
        raise ReleaseError("no article has a reviewed annotation, so there is nothing to release; review some first")
    return order


def _beside(spool: _Spool, order: Sequence[int], before: _Before) -> int:
    """How many articles have the same document as before, but other sentences or corrections."""
    return sum(
        (then := before.known.get(spool.ids[n])) is not None
        and then.row_sha256 == spool.hashes[n].row_sha256
        and then != spool.hashes[n]
        for n in order
    )


def _rows_before(before: _Before, wanted: Callable[[str], bool]) -> Iterator[Row]:
    for split in SPLITS:
        yield from read_rows(before.folder / DATA / f"{split}.parquet", before.labels, wanted)


def _reasons(before: _Before, schema: LabelSchema, labels: Labels, changes: Changes, beside: int) -> list[Reason]:
    return [
        *schema_reasons(before.schema, schema),
        *shape_reasons(before.labels, labels, before.manifest.columns, columns(labels)),
        *article_reasons(changes, beside),
    ]


def _standing(target: Path, logical_sha256: str, proposal: Proposal, barred: Counter[str]) -> ReleaseReport:
    """The report of a release that is there already. Raises ReleaseError where its content is another."""
    manifest = Manifest.read(target)
    if manifest.logical_sha256 != logical_sha256:
        raise exists(proposal.version, proposal.needed, published(target.parent))
    if wrong := differing(target, manifest):
        raise ReleaseError(f"{target}: {wrong[0]}; move that folder away and run again to build it anew")
    return _report(target, manifest, barred, unchanged=True)


def _write_split(
    spool: _Spool, numbers: Sequence[int], split: str, counting: Counting, part: Path
) -> dict[str, SplitSize]:
    """Write the rows of these numbers as one split of every config. Returns the sizes, config by config."""
    paths = {config: part / config / f"{split}.parquet" for config in spool.arrow}
    with ExitStack() as stack:
        writers = {}
        for config, path in paths.items():
            path.parent.mkdir(exist_ok=True)
            writers[config] = stack.enter_context(pq.ParquetWriter(path, spool.arrow[config], compression="zstd"))
        for piece in spool.tables(numbers):
            documents = piece.select(spool.arrow[DATA].names).cast(spool.arrow[DATA])
            counting.add(documents, split)
            counting.lost(piece[_LOST])
            writers[DATA].write_table(documents, row_group_size=documents.num_rows)
            for config, column in _MORE.items():
                rows = _flat(piece[column], spool.arrow[config])
                counting.more(config, rows, split)
                if rows.num_rows:
                    writers[config].write_table(rows, row_group_size=rows.num_rows)
    return {config: _size(path) for config, path in paths.items()}


def _flat(lists: pa.ChunkedArray, schema: pa.Schema) -> pa.Table:
    """The structs in a column of lists as the rows of a table."""
    structs = pc.list_flatten(lists).combine_chunks()
    structs = structs.chunk(0) if isinstance(structs, pa.ChunkedArray) else structs
    return pa.Table.from_batches([pa.RecordBatch.from_struct_array(structs)]).cast(schema)


def _size(path: Path) -> SplitSize:
    groups = pq.read_metadata(path)
    # Bytes as Parquet has them before compression: an Arrow table's own size depends on how it came about.
    size = sum(groups.row_group(n).total_byte_size for n in range(groups.num_row_groups))
    return SplitSize(rows=groups.num_rows, bytes=size, download=path.stat().st_size)


def _corrected(reviewed: ReviewedArticle, schema: LabelSchema) -> list[Row]:
    """The corrections of one article; none where it is not known what its annotation started from."""
    article, annotation, prediction = reviewed.article, reviewed.annotation, reviewed.prediction
    if prediction is None or annotation.annotator.kind == "engine" or prediction.text_sha256 != article.text_sha256:
        return []
    return correction_rows(article.text, annotation, prediction, schema)


def _known(spool: _Spool, order: Sequence[int], table: dict[str, Place]) -> Iterator[str]:
    """The lines of articles.jsonl."""
    done = 0
    for piece in spool.tables(order, ["id", "schema", "annotator", "state", "annotation_id", "parent"]):
        for line in piece.to_pylist():
            n = order[done]
            done += 1
            yield Known(
                id=line["id"],
                split=table[line["id"]].split,
                text_sha256=spool.texts[n],
                **spool.hashes[n]._asdict(),
                annotation=line["annotation_id"],
                annotator=line["annotator"],
                parent=line["parent"],
                state=line["state"],
                schema_ref=line["schema"],
                snapshot=spool.snapshots[n],
            ).model_dump_json(by_alias=True)


def _split_facts(
    placed: Sequence[str],
    assignment: Assignment,
    edges: Sequence[Edge],
    fractions: tuple[float, float, float],
    near_duplicate: float,
    cuts: tuple[datetime, datetime] | None,
) -> SplitFacts:
    clusters = Counter(assignment.table[one].cluster for one in placed)
    split = {one: assignment.table[one].split for one in placed}
    across = [
        edge.similarity
        for edge in edges
        if edge.one in split and edge.two in split and split[edge.one] != split[edge.two]
    ]
    return SplitFacts(
        by="hash" if cuts is None else "time",
        cuts=cuts,
        fractions=fractions,
        near_duplicate=near_duplicate,
        clusters=sum(count > 1 for count in clusters.values()),
        largest_cluster=max(clusters.values()),
        leakage=round(max(across), 6) if across else None,
        leakage_floor=near_duplicate / 2,
        set_aside=assignment.set_aside,
    )


def _facts(folder: Path, pattern: str) -> dict[str, FileFact]:
    """Name → hash and size of the files that match."""
    paths = sorted(path for path in folder.glob(pattern) if path.is_file())
    return {path.relative_to(folder).as_posix(): file_fact(path) for path in paths}


def _write(path: Path, text: str) -> None:
    with whole_file(path) as file:
        file.write(text)


@contextmanager
def _workplace(out: Path) -> Iterator[Path]:
    """An empty hidden folder in `out`, gone afterwards; what a killed build left of it is swept away first."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        part = out / _PART
        with (out / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ReleaseError(f"{out}: another build is at work here; wait until it is done") from error
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            try:
                yield part
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
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
