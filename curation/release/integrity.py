"""Verify a release against its manifest."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation.article import sha256
from curation.errors import ReleaseError, one_line
from curation.release.configs import CONFIGS, More, more_sha256
from curation.release.counts import Counting
from curation.release.documents import Row, read_rows, row_sha256
from curation.release.labels import Labels
from curation.release.manifest import (
    DATA,
    MANIFEST,
    SPLIT_TABLE,
    LogicalHash,
    Manifest,
    differing,
    parquet_files,
    read_known,
    read_labels,
    read_schema,
    row_counts_differ,
)
from curation.release.sentences import sentence_rows
from curation.release.splits import SPLITS
from curation.release.table import read_splits


def verify(folder: Path, *, content: bool = False) -> list[str]:
    """Compare a release with its manifest; one line for each difference, none where the release is intact.

    Compares the hash and size of every file, the manifest's own hash (releases made before it was recorded have none)
    and the row counts in the Parquet footers. Files that the manifest does not name are ignored.

    Args:
        folder: one release.
        content: read every row too: check the hash of every text and row, every span against its text, that each
            article is in its own split, and recompute the manifest's counts and the logical hash. How far annotators
            agreed cannot be recomputed: a release holds one annotation of each article.

    Raises:
        ReleaseError: there is no readable manifest to compare with.
    """
    manifest = Manifest.read(folder)
    problems = differing(folder, manifest) + row_counts_differ(folder, manifest, CONFIGS)
    if not content:
        return problems
    try:
        return problems + _content(folder, manifest)
    except ReleaseError as error:
        return [*problems, str(error)]


def _content(folder: Path, manifest: Manifest) -> list[str]:
    labels, schema, table = read_labels(folder), read_schema(folder), read_splits(folder / SPLIT_TABLE)
    known = {one.id: one for one in read_known(folder)}
    logical = LogicalHash(labels, schema)
    more = {split: More(folder, split, labels) for split in SPLITS}
    counting = Counting(labels)
    problems = []
    seen: set[str] = set()
    for split, row in heapq.merge(*(_split(folder, split, labels) for split in SPLITS), key=lambda one: one[1]["id"]):
        article, digest = row["id"], row_sha256(row)
        sentences, corrections = more[split].rows(article)
        beside = more_sha256(sentences, corrections)
        logical.article(article, split, digest, beside)
        counting.lost(_lost(row, sentences))
        if article in seen:
            problems.append(f"{article}: stands there twice")
        seen.add(article)
        if article not in table or table[article].split != split:
            problems.append(f"{article}: is in {split}, the split table says otherwise")
        if article not in known or known[article].row_sha256 != digest:
            problems.append(f"{article}: its row is not the one that articles.jsonl names")
        if article in known and known[article].more_sha256 != beside:
            problems.append(f"{article}: its sentences or corrections are not those that articles.jsonl names")
        if sha256(row["text"]) != row["text_sha256"]:
            problems.append(f"{article}: its text does not fit its hash")
        problems += [
            f"{article}: {item['id']}: the text of [{item['start']}, {item['end']}) is another"
            for item in (*row["entities"], *row["events"])
            if row["text"][item["start"] : item["end"]] != item["text"]
        ]
    problems += [f"{one}: has sentences or corrections and no row" for split in SPLITS for one in more[split].left]
    problems += [f"{article}: is named in articles.jsonl and has no row" for article in sorted(known.keys() - seen)]
    if manifest.schema_ref != schema.ref:
        problems.append(f"{MANIFEST}: schema is {manifest.schema_ref}, schema.json holds {schema.ref}")
    problems += _counts_differ(folder, manifest, counting)
    if logical.finish(table) != manifest.logical_sha256:
        problems.append("the logical content has another hash than the manifest says")
    return problems


def _split(folder: Path, split: str, labels: Labels) -> Iterator[tuple[str, Row]]:
    for row in read_rows(folder / DATA / f"{split}.parquet", labels):
        yield split, row


def _lost(document: Row, sentences: list[Row]) -> Mapping[str, int]:
    layout = [(one["start"], one["end"], list(zip(one["starts"], one["ends"], strict=True))) for one in sentences]
    return sentence_rows(document, layout)[1] if layout else Counter()


def _counts_differ(folder: Path, manifest: Manifest, counting: Counting) -> list[str]:
    """Count the rows again and compare; a count that an older manifest does not have is not compared."""
    for config in CONFIGS:
        for split, name in zip(SPLITS, parquet_files(config), strict=True):
            try:
                with pq.ParquetFile(folder / name, page_checksum_verification=True) as file:
                    for batch in file.iter_batches(batch_size=1024):
                        rows = pa.Table.from_batches([batch])
                        if config == DATA:
                            counting.add(rows, split)
                        else:
                            counting.more(config, rows, split)
            except (OSError, pa.ArrowException, KeyError, TypeError) as error:
                raise ReleaseError(f"{folder / name}: cannot be counted: {one_line(str(error), 200)}") from error
    stated, found = manifest.counts.model_dump(), counting.counts().model_dump()
    problems = []
    for name in sorted(manifest.counts.model_fields_set):
        left, right = _flat(stated[name]), _flat(found[name])
        keys = sorted(key for key in {*left, *right} if left.get(key) != right.get(key))
        problems += [
            f"{MANIFEST}: counts.{'.'.join((name, *key))} is {left.get(key, 0)}, the rows give {right.get(key, 0)}"
            for key in keys[:1]
        ]
    return problems


def _flat(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Nested counts by their path; zeros are left out, since a count that is absent is zero."""
    if isinstance(value, dict):
        return {key: count for name, held in value.items() for key, count in _flat(held, (*path, name)).items()}
    return {path: value} if value else {}
