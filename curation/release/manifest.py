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
from pydantic import ConfigDict, Field

from curation.article import Sha256, V, Value, build
from curation.errors import BadInput, ReleaseError
from curation.files import json_object, read_jsonl, whole_file
from curation.release.arrays import chunk, joined
from curation.release.canonical import canonical, list_lines
from curation.release.labels import Labels
from curation.release.splits import SetAside
from curation.release.table import COLUMNS, SplitTable
from curation.schema import LabelSchema

MANIFEST, LABELS, SCHEMA, SPLIT_TABLE = "manifest.json", "labels.json", "schema.json", "splits.csv"
ARTICLES, CARD, CHANGES, LICENCE = "articles.jsonl", "README.md", "CHANGELOG.md", "LICENSE"
DATA = "documents"
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
    """All that a release says of itself. `types` is what each version of the schema had in force."""

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
    files: dict[str, FileFact]

    @property
    def as_was(self) -> Was:
        """This release as later ones remember it."""
        articles = self.counts.total("articles")
        return Was(version=self.version, logical_sha256=self.logical_sha256, articles=articles, bump=self.bump)

    def write(self, folder: Path) -> None:
        """Write `manifest.json` into `folder`."""
        write_json(folder / MANIFEST, self.model_dump(mode="json", by_alias=True))

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
    """The files (all, or `names`) that are not what the manifest says, each as one line."""
    problems = []
    for name, fact in manifest.files.items():
        if names is not None and name not in names:
            continue
        if Path(name).is_absolute() or ".." in Path(name).parts:
            problems.append(f"{name}: points out of the release")
        elif not (folder / name).is_file():
            problems.append(f"{name}: is missing")
        elif (found := file_fact(folder / name)) != fact:
            problems.append(f"{name}: has SHA-256 {found.sha256[:12]}…, the manifest says {fact.sha256[:12]}…")
    return problems


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
