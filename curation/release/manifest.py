"""`manifest.json` and the small files beside it: what a release says of itself, and how its files are checked.

Other files that are read here: `articles.jsonl` (one line an article), `labels.json`, `schema.json`, and the takedown
list of a project.
"""

from __future__ import annotations

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
from curation.release.hashing import FORMAT, file_sha256
from curation.release.rows import Labels
from curation.release.splits import SPLITS, SetAside
from curation.schema import LabelSchema

MANIFEST, LABELS, SCHEMA, SPLIT_TABLE = "manifest.json", "labels.json", "schema.json", "splits.csv"
ARTICLES, CARD, CHANGES, LICENCE = "articles.jsonl", "README.md", "CHANGELOG.md", "LICENSE"
CHECKSUMS: Literal["SHA256SUMS"] = "SHA256SUMS"
"""SHA-256 of every file of a release, the manifest included, as `sha256sum -c` reads them."""
TAKE_AGAIN = "take the release again from where it was published"
"""The hint where a file of a release is damaged."""

Bump = Literal["first", "none", "patch", "minor", "major"]
Version = Field(pattern=r"^\d+\.\d+\.\d+$")


class FileFact(Value):
    """Hash and size of one file."""

    sha256: Sha256
    bytes: int


class EarlierRelease(Value):
    """An earlier version of this dataset."""

    version: str = Version
    logical_sha256: Sha256
    articles: int
    bump: Bump


class Selection(Value):
    """Which articles may be in a release.

    licences      only articles under these, in upper or lower case; empty: under any
    engine_only   also articles that only an engine annotated
    withdrawn     article id → reason for its withdrawal; both are public
    """

    licences: tuple[str, ...] = ()
    engine_only: bool = False
    withdrawn: dict[str, str | None] = Field(default_factory=dict)

    def bars(self, article_id: str, licence: str | None) -> Literal["licence", "withdrawn"] | None:
        """Why an article is excluded, or None."""
        if article_id in self.withdrawn:
            return "withdrawn"
        wanted = {name.casefold() for name in self.licences}
        return "licence" if wanted and (licence or "").casefold() not in wanted else None


class Counts(Value):
    """Counts of a release. Keys are labels, annotator keys, licences and so on; "" stands for "not stated".

    rows         config → split → rows
    lost         items that `sentences` cannot hold (see `sentences.LOSSES`)
    corrections  kind of item → change → items
    lengths      articles by characters, in bins of 500, by the first of the bin
    timeline     articles by month of publication
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
        """The count over all splits."""
        held = getattr(self, of)
        return sum(held.values()) if of == "articles" else sum(sum(by_split.values()) for by_split in held.values())


class Agreement(Value):
    """Agreement of people who annotated the same article: F1 over all pairs of them, exact span and type."""

    articles: int
    entities: float
    triggers: float
    arguments: float


class SplitFacts(Value):
    """How the splits were made, and how similar articles of different splits are.

    by              a hash, or the time of publication
    cuts            the times from which articles are for validation and for test; None: by hash
    near_duplicate  Jaccard similarity of five-word shingles from which articles form a cluster
    clusters        clusters with more than one article
    leakage         highest similarity found between articles of different splits; None: none above `leakage_floor`
    leakage_floor   similarity below which pairs are not searched for
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
    """Entities, events (by type) or arguments (by role) that were added, removed or changed."""

    added: int = 0
    removed: int = 0
    changed: int = 0


class Changes(Value):
    """Differences from the release before: articles, and items by type or role."""

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
    previous: EarlierRelease | None = None
    history: tuple[EarlierRelease, ...] = ()
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
    def as_earlier(self) -> EarlierRelease:
        """This release as the next one records it."""
        articles = self.counts.total("articles")
        return EarlierRelease(
            version=self.version, logical_sha256=self.logical_sha256, articles=articles, bump=self.bump
        )

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
        """Read the manifest of the release in `folder`. Raises ReleaseError: there is none, or it is not valid."""
        return _parsed(cls, _read(folder / MANIFEST), folder / MANIFEST)


class ArticleRecord(Value):
    """One line of `articles.jsonl`: an article of a release, its hashes and its provenance.

    `derived_sha256` (`more_sha256` in the file) is the hash of the article's rows in `sentences` and `corrections`.
    """

    model_config = ConfigDict(populate_by_name=True)

    id: str
    split: str
    text_sha256: Sha256
    row_sha256: Sha256
    derived_sha256: Sha256 = Field(alias="more_sha256")
    annotation: str
    annotator: str
    parent: str | None
    state: str
    schema_ref: str = Field(alias="schema")
    snapshot: str | None


class Hashes(bytes):
    """The hashes of one article in 96 bytes: 100,000 articles need 13 MB, with three hex strings each 40 MB."""

    __slots__ = ()

    @classmethod
    def of(cls, row_sha256: str, derived_sha256: str, text_sha256: str) -> Hashes:
        """From hex digests."""
        return cls(bytes.fromhex(row_sha256 + derived_sha256 + text_sha256))

    @property
    def row(self) -> str:
        """Hex SHA-256 of the row in `documents`."""
        return self[:32].hex()

    @property
    def derived(self) -> str:
        """Hex SHA-256 of the article's rows in `sentences` and `corrections`."""
        return self[32:64].hex()

    @property
    def text(self) -> str:
        """Hex SHA-256 of the text."""
        return self[64:].hex()


def parquet_files(config: str) -> tuple[str, ...]:
    """The files of one config, in the order of `SPLITS`."""
    return tuple(f"{config}/{split}.parquet" for split in SPLITS)


def file_fact(path: Path) -> FileFact:
    """Hash and size of a file."""
    return FileFact(sha256=file_sha256(path), bytes=path.stat().st_size)


def write_json(path: Path, value: object) -> None:
    """Write indented JSON, keys in the order given."""
    with whole_file(path) as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.write("\n")


def read_hashes(folder: Path) -> dict[str, Hashes]:
    """Article id → hashes, of the release in `folder`. Raises ReleaseError."""
    found: dict[str, Hashes] = {}
    for article in read_article_records(folder):
        if article.id in found:
            raise ReleaseError(f"{folder / ARTICLES}: {article.id} is there twice; {TAKE_AGAIN}")
        found[article.id] = Hashes.of(article.row_sha256, article.derived_sha256, article.text_sha256)
    return found


def read_article_records(folder: Path) -> Iterator[ArticleRecord]:
    """Read `articles.jsonl` of the release in `folder`. Raises ReleaseError."""
    path = folder / ARTICLES
    try:
        for number, record in read_jsonl(path):
            yield build(ArticleRecord, record, path=path, line=number)
    except BadInput as error:
        raise ReleaseError(f"{error}; {TAKE_AGAIN}") from error


def read_labels(folder: Path) -> Labels:
    """The ClassLabel lists of the release in `folder`. Raises ReleaseError."""
    return _parsed(Labels, _read(folder / LABELS), folder / LABELS)


def read_schema(folder: Path) -> LabelSchema:
    """The label schema as it was when the release in `folder` was made. Raises ReleaseError."""
    return _parsed(LabelSchema, _read(folder / SCHEMA), folder / SCHEMA)


def read_takedown(path: Path) -> dict[str, str | None]:
    """Read the takedown list: articles that are kept out of every release from now on.

    One article id a line, then white space and the reason, if there is one; `#` begins a comment line. Ids and reasons
    of articles that were in a release are published in its changelog.

    Returns:
        Article id → reason.

    Raises:
        ReleaseError: it cannot be read. A list that cannot be read must not let anything through.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(f"{path}: cannot be read as a takedown list; bring it back, or save it as UTF-8") from error
    found: dict[str, str | None] = {}
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            article_id, *reason = line.split(maxsplit=1)
            found[article_id] = one_line(reason[0], 500) if reason else None
    return found


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
        recorded = f"{manifest.checksums} says {stated.get(MANIFEST, 'nothing')[:12]}"
        return [f"{MANIFEST}: has SHA-256 {found[MANIFEST][:12]}…, {recorded}"]
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
