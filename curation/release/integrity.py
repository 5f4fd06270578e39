"""Hash a release again and compare it with its manifest."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path

from curation.article import sha256
from curation.errors import ReleaseError
from curation.release.configs import More
from curation.release.documents import Row, read_rows, row_sha256
from curation.release.labels import Labels
from curation.release.manifest import (
    DATA,
    SPLIT_TABLE,
    LogicalHash,
    Manifest,
    differing,
    read_known,
    read_labels,
    read_schema,
)
from curation.release.splits import SPLITS
from curation.release.table import read_splits


def verify(folder: Path) -> list[str]:
    """Everything in the release in `folder` that is not what its manifest says, a line each; empty where all is well.

    Checks every file's hash, the hash of every text and row, every span against its text, the logical hash, and
    that each article stands in its own split. Files that the manifest does not name are left out of account.

    Raises:
        ReleaseError: there is no manifest that can be read, so nothing to compare with.
    """
    manifest = Manifest.read(folder)
    problems = differing(folder, manifest)
    try:
        return problems + _content(folder, manifest)
    except ReleaseError as error:
        return [*problems, str(error)]


def _content(folder: Path, manifest: Manifest) -> list[str]:
    labels, table = read_labels(folder), read_splits(folder / SPLIT_TABLE)
    known = {one.id: one for one in read_known(folder)}
    logical = LogicalHash(labels, read_schema(folder))
    more = {split: More(folder, split, labels) for split in SPLITS}
    problems = []
    seen: set[str] = set()
    for split, row in heapq.merge(*(_split(folder, split, labels) for split in SPLITS), key=lambda one: one[1]["id"]):
        article, digest = row["id"], row_sha256(row)
        beside = more[split].sha256(article)
        logical.article(article, split, digest, beside)
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
    if logical.finish(table) != manifest.logical_sha256:
        problems.append("the logical content has another hash than the manifest says")
    return problems


def _split(folder: Path, split: str, labels: Labels) -> Iterator[tuple[str, Row]]:
    for row in read_rows(folder / DATA / f"{split}.parquet", labels):
        yield split, row
