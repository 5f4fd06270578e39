"""`manifest.json`: what a release is made of, and the hash that names its logical content.

The logical hash is the SHA-256 of these lines of canonical JSON (sorted keys, no spaces, UTF-8, each ended by LF):
the format, the labels, the label schema; then `[id, split, row_sha256, more_sha256]` of each article, sorted by id;
then `[id, cluster, split]` of each line of the split table, sorted by id. `row_sha256` is of the article's row in
`documents`, `more_sha256` of its rows in `sentences` and `corrections`, with label names in place of integers. So
neither order, process, codec nor library version changes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ConfigDict, Field, model_validator

from curation.article import Sha256, V, Value, build
from curation.errors import BadInput, ReleaseError, one_line
from curation.files import json_object, read_jsonl, whole_file
from curation.release.arrays import chunk, joined
from curation.release.canonical import canonical, list_lines
from curation.release.labels import Labels
from curation.release.splits import SPLITS, SetAside
from curation.release.table import COLUMNS, SplitTable
from curation.schema import LabelSchema

MANIFEST, LABELS, SCHEMA, SPLIT_TABLE = "manifest.json", "labels.json", "schema.json", "splits.csv"
ARTICLES, CARD, CHANGES, LICENCE = "articles.jsonl", "README.md", "CHANGELOG.md", "LICENSE"
DATA = "documents"
CHECKSUMS: Literal["SHA256SUMS"] = "SHA256SUMS"
"""SHA-256 of every file of a release, the manifest included, as `sha256sum -c` reads them."""
FORMAT: Literal[1] = 1
TAKE_AGAIN = "take the release again from where it was published"
"""The way out where a release is not what was written."""

Bump = Literal["first", "none", "patch", "minor", "major"]
Version = Field(pattern=r"^\d+\.\d+\.\d+$")


class FileFact(Value):
    """Hash and size of one file."""

    sha256: Sha256
    bytes: int


class Was(Value):
    """One version of this dataset, as later ones remember it."""

    version: str = Version
    logical_sha256: Sha256
    articles: int
    bump: Bump


class Selection(Value):
    """Which articles may be in a release.

    licences      only articles under these (whatever the case of letters); empty: under any
    engine_only   also articles that an engine alone annotated
    withdrawn     article id → why it was taken out for good; both are public
    """

    licences: tuple[str, ...] = ()
    engine_only: bool = False
    withdrawn: dict[str, str | None] = Field(default_factory=dict)

    def bars(self, article_id: str, licence: str | None) -> Literal["licence", "withdrawn"] | None:
        """Why an article may not be in, or None where it may."""
        if article_id in self.withdrawn:
            return "withdrawn"
        wanted = {one.casefold() for one in self.licences}
        return "licence" if wanted and (licence or "").casefold() not in wanted else None


class Counts(Value):
    """What a release holds. Keys are labels, annotator keys, licences and so on; "" stands for "not stated".

    `rows` are those of each config and split, `lost` what `sentences` cannot hold (see `sentences.LOSSES`),
    `corrections` what people did with pre-annotations: kind of item → change → how often. `lengths` are articles by
    characters in steps of 500, `timeline` by month of publication.
    """

    articles: dict[str, int] = Field(default_factory=dict)
    characters: dict[str, int] = Field(default_factory=dict)
    entities: dict[str, dict[str, int]] = Field(default_factory=dict)
    events: dict[str, dict[str, int]] = Field(default_factory=dict)
    arguments: dict[str, dict[str, int]] = Field(default_factory=dict)
    origins: dict[str, dict[str, int]] = Field(default_factory=dict)
    annotators: dict[str, int] = Field(default_factory=dict)
    states: dict[str, int] = Field(default_factory=dict)
    chosen: dict[str, int] = Field(default_factory=dict)
    schemas: dict[str, int] = Field(default_factory=dict)
    licences: dict[str, int] = Field(default_factory=dict)
    sources: dict[str, int] = Field(default_factory=dict)
    languages: dict[str, int] = Field(default_factory=dict)
    rows: dict[str, dict[str, int]] = Field(default_factory=dict)
    lost: dict[str, int] = Field(default_factory=dict)
    corrections: dict[str, dict[str, int]] = Field(default_factory=dict)
    lengths: dict[str, int] = Field(default_factory=dict)
    timeline: dict[str, int] = Field(default_factory=dict)
    preannotated: int = 0
    first_published: str | None = None
    last_published: str | None = None

    def total(self, of: Literal["articles", "entities", "events", "arguments"]) -> int:
        """How many in all splits together."""
        held = getattr(self, of)
        return sum(held.values()) if of == "articles" else sum(sum(one.values()) for one in held.values())


class Agreement(Value):
    """How far people agree who annotated the same article: F1 over all pairs of them, exact span and type."""

    articles: int
    entities: float
    triggers: float
    arguments: float


class SplitFacts(Value):
    """How the splits were made, and how far they leak.

    `by` a hash or the time of publication: then `cuts` are the times from which on an article is for validation and
    for test.
    `near_duplicate` is the Jaccard similarity of five-word shingles from which articles form a cluster, `clusters`
    how many have more than one article. `leakage` is the highest similarity found between articles of different
    splits, None where all pairs that were found are within one; nothing below `leakage_floor` was looked for.
    """

    by: Literal["hash", "time"] = "hash"
    cuts: tuple[datetime, datetime] | None = None
    fractions: tuple[float, float, float]
    near_duplicate: float
    clusters: int
    largest_cluster: int
    leakage: float | None
    leakage_floor: float
    set_aside: tuple[SetAside, ...] = ()

    @model_validator(mode="after")
    def _has_cuts(self) -> SplitFacts:
        if (self.by == "time") != (self.cuts is not None):
            raise ValueError("cuts are given exactly where splits go by time")
        return self


class ItemChanges(Value):
    """Entities, events (by type) or arguments (by role) that came, went, or changed."""

    added: int = 0
    removed: int = 0
    changed: int = 0


class Changes(Value):
    """What differs from the release before. Articles are counted, items counted by type or role."""

    added: int = 0
    left_out: int = 0
    revised: int = 0
    corrected: int = 0
    entities: dict[str, ItemChanges] = Field(default_factory=dict)
    events: dict[str, ItemChanges] = Field(default_factory=dict)
    arguments: dict[str, ItemChanges] = Field(default_factory=dict)


class Manifest(Value):
    """Description of a release: version, counts, splits, history, and the hash of every data file.

    `types` lists the entity and event types of each schema version. `checksums` names the file with the hash of the
    manifest itself; None in releases made before there was one.
    """

    model_config = ConfigDict(populate_by_name=True)

    format: Literal[1] = FORMAT
    name: str
    version: str = Version
    schema_ref: str = Field(alias="schema")
    logical_sha256: Sha256
    bump: Bump
    reasons: tuple[str, ...] = ()
    previous: Was | None = None
    history: tuple[Was, ...] = ()
    columns: dict[str, str]
    types: dict[str, tuple[str, ...]]
    counts: Counts
    splits: SplitFacts
    selection: Selection = Selection()
    changes: Changes | None = None
    agreement: Agreement | None = None
    snapshots: tuple[str, ...] = ()
    software: dict[str, str]
    checksums: Literal["SHA256SUMS"] | None = None
    files: dict[str, FileFact]

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file of the release by its path in the folder; the manifest last, since it completes a release."""
        return (*self.files, *([self.checksums] if self.checksums else []), MANIFEST)

    @property
    def as_was(self) -> Was:
        """This release as later ones remember it."""
        articles = self.counts.total("articles")
        return Was(version=self.version, logical_sha256=self.logical_sha256, articles=articles, bump=self.bump)

    def write(self, folder: Path) -> None:
        """Write `manifest.json` into `folder`, and `SHA256SUMS` where the manifest names it."""
        write_json(folder / MANIFEST, self.model_dump(mode="json", by_alias=True))
        if self.checksums:
            hashes = {name: fact.sha256 for name, fact in self.files.items()}
            hashes[MANIFEST] = file_fact(folder / MANIFEST).sha256
            with whole_file(folder / self.checksums) as file:
                file.writelines(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of the release in `folder`. Raises ReleaseError where there is none that can be used."""
        return _parsed(cls, _read(folder / MANIFEST), folder / MANIFEST)


class Known(Value):
    """What the next release needs to know of one article of this one. One line of `articles.jsonl`."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    split: str
    text_sha256: Sha256
    row_sha256: Sha256
    more_sha256: Sha256
    annotation: str
    annotator: str
    parent: str | None
    state: str
    schema_ref: str = Field(alias="schema")
    snapshot: str | None


class LogicalHash:
    """Collects the lines that the logical hash is made of; they must come in the order the module's text tells."""

    def __init__(self, labels: Labels, schema: LabelSchema) -> None:
        self._sha256 = hashlib.sha256()
        for line in ({"format": FORMAT}, labels.model_dump(mode="json"), schema.model_dump(mode="json")):
            self._add(line)

    def article(self, article_id: str, split: str, row_sha256: str, more_sha256: str) -> None:
        """Add one article; they come sorted by id."""
        self._add([article_id, split, row_sha256, more_sha256])

    def articles(self, ids: pa.Array, splits: pa.Array, row_sha256: pa.Array, more_sha256: pa.Array) -> None:
        """Add the next articles."""
        self._sha256.update(joined(list_lines([ids, splits, row_sha256, more_sha256])))

    def finish(self, table: SplitTable) -> str:
        """Add the split table. Returns the hash as hex."""
        for some in table.some():
            columns = [chunk(some[name]) for name in COLUMNS[:3]]
            self._sha256.update(joined(list_lines(columns)))
        return self._sha256.hexdigest()

    def _add(self, line: object) -> None:
        self._sha256.update(canonical(line) + b"\n")


def parquet_files(config: str) -> tuple[str, ...]:
    """The files of one config, in the order of `SPLITS`."""
    return tuple(f"{config}/{split}.parquet" for split in SPLITS)


def file_fact(path: Path) -> FileFact:
    """Hash and size of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileFact(sha256=digest, bytes=file.tell())


def write_json(path: Path, value: object) -> None:
    """Write indented JSON, keys in the order given."""
    with whole_file(path) as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.write("\n")


def read_known(folder: Path) -> Iterator[Known]:
    """The articles of the release in `folder`, one line each. Raises ReleaseError."""
    path = folder / ARTICLES
    try:
        for number, record in read_jsonl(path):
            yield build(Known, record, path=path, line=number)
    except BadInput as error:
        raise ReleaseError(f"{error}; {TAKE_AGAIN}") from error


def read_labels(folder: Path) -> Labels:
    """The ClassLabel lists of the release in `folder`. Raises ReleaseError."""
    return _parsed(Labels, _read(folder / LABELS), folder / LABELS)


def read_schema(folder: Path) -> LabelSchema:
    """The label schema as it was when the release in `folder` was made. Raises ReleaseError."""
    return _parsed(LabelSchema, _read(folder / SCHEMA), folder / SCHEMA)


def differing(folder: Path, manifest: Manifest, names: Iterable[str] | None = None) -> list[str]:
    """Compare files with the hashes and sizes in the manifest, and the manifest with its own hash.

    Args:
        folder: a release.
        manifest: its manifest.
        names: the files to compare; None: all.

    Returns:
        One line for each file that differs, is missing, or is not in the manifest.
    """
    problems = _manifest_differs(folder, manifest)
    for name in manifest.files if names is None else names:
        fact, path = manifest.files.get(name), folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            problems.append(f"{name}: points out of the release")
        elif fact is None:
            problems.append(f"{name}: is not in the manifest")
        elif not path.is_file():
            problems.append(f"{name}: is missing")
        else:
            problems += _file_differs(path, name, fact)
    return problems


def refuse_differing(folder: Path, manifest: Manifest, names: Iterable[str]) -> None:
    """Check the files of a release before they are read.

    Raises:
        ReleaseError: a file, or the manifest itself, differs from its recorded hash.
    """
    if problems := differing(folder, manifest, names):
        raise ReleaseError(f"{folder}: {problems[0]}; {TAKE_AGAIN}")


def row_counts_differ(folder: Path, manifest: Manifest, configs: Iterable[str]) -> list[str]:
    """Compare the row counts in the Parquet footers with the manifest's; one line for each file that differs."""
    problems = []
    for config in configs:
        for split, name in zip(SPLITS, parquet_files(config), strict=True):
            stated = manifest.counts.rows.get(config, {}).get(split, 0)
            try:
                rows = pq.read_metadata(folder / name).num_rows
            except (OSError, pa.ArrowException) as error:
                problems.append(f"{name}: cannot be read: {one_line(str(error), 200)}")
                continue
            if rows != stated:
                problems.append(f"{name}: has {rows} rows, the manifest says {stated}")
    return problems


def _file_differs(path: Path, name: str, fact: FileFact) -> list[str]:
    try:
        found = file_fact(path)
    except OSError as error:
        return [f"{name}: cannot be read: {error.strerror or error}"]
    if found.sha256 != fact.sha256:
        return [f"{name}: has SHA-256 {found.sha256[:12]}…, the manifest says {fact.sha256[:12]}…"]
    if found.bytes != fact.bytes:
        return [f"{name}: has {found.bytes} bytes, the manifest says {fact.bytes}"]
    return []


def _manifest_differs(folder: Path, manifest: Manifest) -> list[str]:
    """Compare the manifest's hash, and the hashes in it, with SHA256SUMS; nothing to compare in older releases."""
    if not manifest.checksums:
        return []
    try:
        lines = (folder / manifest.checksums).read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return [f"{manifest.checksums}: is missing"]
    except (OSError, ValueError) as error:
        return [f"{manifest.checksums}: cannot be read: {error}"]
    stated = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = {name: fact.sha256 for name, fact in manifest.files.items()}
    found[MANIFEST] = file_fact(folder / MANIFEST).sha256
    if stated.get(MANIFEST) != found[MANIFEST]:
        said = f"{manifest.checksums} says {stated.get(MANIFEST, 'nothing')[:12]}"
        return [f"{MANIFEST}: has SHA-256 {found[MANIFEST][:12]}…, {said}"]
    names = sorted(name for name in {*stated, *found} if stated.get(name) != found.get(name))
    return [f"{manifest.checksums}: does not agree with {MANIFEST} on {one_line(name, 200)}" for name in names[:1]]


def _read(path: Path) -> dict[str, Any]:
    try:
        return json_object(path.read_bytes(), path=path)
    except OSError as error:
        reason = error.strerror or error
        raise ReleaseError(f"{path}: cannot be read: {reason}; name a release folder, such as v0.1.0") from error
    except BadInput as error:
        raise ReleaseError(f"{path}: {error.what}; {TAKE_AGAIN}") from error


def _parsed(model: type[V], record: dict[str, Any], path: Path) -> V:
    try:
        return build(model, record, path=path)
    except BadInput as error:
        raise ReleaseError(f"{error}; it was made by another version of this software, or changed since") from error
