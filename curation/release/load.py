"""Load a release at exactly the version asked for, from a folder, the Hub or other storage, and verify one."""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, DatasetDict, Features, load_dataset
from datasets.exceptions import DatasetsError
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from curation.article import sha256
from curation.errors import ReleaseError, one_line
from curation.files import user_path
from curation.release.counts import Counting
from curation.release.hashing import LogicalHash, Row, derived_sha256, row_sha256
from curation.release.hub import hub_errors
from curation.release.manifest import (
    CARD,
    LABELS,
    MANIFEST,
    SPLIT_TABLE,
    TAKE_AGAIN,
    Manifest,
    differing,
    parquet_files,
    read_article_records,
    read_labels,
    read_schema,
    refuse_differing,
    row_counts_differ,
)
from curation.release.rows import CONFIGS, CORRECTIONS, DOCUMENTS, SENTENCES, Labels, read_rows
from curation.release.sentences import sentence_rows
from curation.release.splits import SPLITS, read_splits
from curation.release.targets import fetch, is_address
from curation.release.versions import published
from curation.schema import parse_version

_REPOSITORY = re.compile(r"^[\w.-]+/[\w.-]+$")


def load_release(
    where: str | Path,
    version: str,
    config: str = DOCUMENTS,
    *,
    token: str | None = None,
    endpoint: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    verify: bool = True,
) -> DatasetDict:
    """The splits of one version of a release: train, validation and test, those without rows too.

    Args:
        where: a folder of releases, the folder of one release, a dataset repository on the Hub (`ORG/NAME`), or the
            address of a folder of releases on storage that fsspec knows (`s3://BUCKET/FOLDER`).
        version: `X.Y.Z`; the tag on the Hub is `vX.Y.Z`. Once loaded it is found offline too.
        config: `documents`, `sentences` or `corrections`.
        token: for the Hub; default: the one it finds itself (HF_TOKEN, or a login).
        endpoint: address of the Hub; default HF_ENDPOINT, or the public one.
        storage_options: options for fsspec besides the address.
        verify: compare the files that are read with the hashes and row counts in the manifest, and the manifest with
            its own hash. False reads whatever is there.

    Raises:
        ReleaseError: that version or config is not there (names those that are), the Hub or the storage does not
            answer, a file differs from its hash (`verify`), or `datasets` cannot read it.
    """
    try:
        wanted = ".".join(map(str, parse_version(version)))
    except ValueError as error:
        raise ReleaseError(f"{error}; give three numbers") from error
    if config not in CONFIGS:
        raise ReleaseError(f"there is no config {config}; take {', '.join(CONFIGS)}")
    if is_address(where):
        folder = fetch(str(where), wanted, options=storage_options)
    else:
        folder = _folder(where, wanted, token, endpoint)
    manifest = Manifest.read(folder)
    if manifest.version != wanted:
        raise ReleaseError(
            f"{folder} holds version {manifest.version}, not {wanted}; name the folder or tag of {wanted}"
        )
    if verify:
        refuse_differing(folder, manifest, ())
        _refuse_incomplete(folder, manifest)
        refuse_differing(folder, manifest, (CARD, LABELS, *parquet_files(config)))
        if problems := row_counts_differ(folder, manifest, [config]):
            raise ReleaseError(f"{folder}: {problems[0]}; {TAKE_AGAIN}")
    try:
        full = {split for split in SPLITS if pq.read_metadata(folder / config / f"{split}.parquet").num_rows}
        loaded = load_dataset(str(folder), config, cache_dir=str(_cache(folder, config, manifest))) if full else {}
        return DatasetDict(
            {split: loaded[split] if split in full else _without_rows(folder, config, split) for split in SPLITS}
        )
    except (OSError, ValueError, KeyError, pa.ArrowException, DatasetsError) as error:
        reason = one_line(f"{type(error).__name__} {error}", 300)
        raise ReleaseError(f"{folder}: {config} cannot be loaded: {reason}; {TAKE_AGAIN}") from error


def _without_rows(folder: Path, config: str, split: str) -> Dataset:
    """An empty split, which `load_dataset` refuses. Its columns are those of the file, not those of a release today."""
    columns = Features.from_arrow_schema(pq.read_schema(folder / config / f"{split}.parquet"))
    return Dataset.from_dict({name: [] for name in columns}, features=columns)


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


def _cache(folder: Path, config: str, manifest: Manifest) -> Path:
    """The folder of the `datasets` cache for these very files.

    `datasets` itself tells releases apart by the name of their folder and their sizes: it gives the rows of one project
    for another where these are equal.
    """
    key = hashlib.sha256(f"{config} {manifest.logical_sha256}".encode())
    for name in parquet_files(config):
        stat, fact = (folder / name).stat(), manifest.files.get(name)
        key.update(f" {fact and fact.sha256} {stat.st_size} {stat.st_mtime_ns}".encode())
    return Path(datasets.config.HF_DATASETS_CACHE) / "curation" / key.hexdigest()[:32]


def _refuse_incomplete(folder: Path, manifest: Manifest) -> None:
    """Check that every file is there in its full size, also those that are not read."""
    for name, fact in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != fact.bytes:
            raise ReleaseError(f"{path}: is missing or has another size than the manifest says; {TAKE_AGAIN}")


def _folder(where: str | Path, version: str, token: str | None, endpoint: str | None) -> Path:
    path = user_path(where)
    if (path / MANIFEST).is_file():
        return path
    if path.is_dir():
        there = published(path)
        found = there.get(parse_version(version))
        if found is None:
            raise ReleaseError(f"{path}: no version {version} here; {_listed(there)}")
        return found
    if isinstance(where, str) and _REPOSITORY.match(where):
        return _from_hub(where, version, token, endpoint)
    raise ReleaseError(f"{where}: is neither a folder nor a repository such as ORG/NAME; check the name")


def _from_hub(repo: str, version: str, token: str | None, endpoint: str | None) -> Path:
    """The folder in the cache that holds exactly what the tag names."""
    tag = f"v{version}"
    target = None
    with hub_errors(repo):
        if not constants.HF_HUB_OFFLINE:
            refs = HfApi(endpoint=endpoint, token=token).list_repo_refs(repo, repo_type="dataset")
            targets = {ref.name: ref.target_commit for ref in refs.tags}
            if tag not in targets:
                raise ReleaseError(f"{repo}: no version {version} there; {_listed(_versions(targets))}")
            target = targets[tag]
        try:
            folder = Path(snapshot_download(repo, repo_type="dataset", revision=tag, token=token, endpoint=endpoint))
        except LocalEntryNotFoundError as error:
            cached = _versions(_cached(repo))
            raise ReleaseError(
                f"{repo}: version {version} is not in the cache and the Hub is out of reach; {_listed(cached)}"
            ) from error
    # A branch that is named like the tag goes before it.
    if target is not None and folder.name != target:
        raise ReleaseError(f"{repo}: a branch named {tag} hides the tag; ask its owner to remove the branch")
    return folder


def _cached(repo: str) -> list[str]:
    refs = Path(constants.HF_HUB_CACHE) / f"datasets--{repo.replace('/', '--')}" / "refs"
    return [path.name for path in refs.glob("v*")]


def _versions(names: Iterable[str]) -> dict[tuple[int, int, int], str]:
    found = {}
    for name in names:
        try:
            found[parse_version(name)] = name
        except ValueError:
            continue
    return found


def _listed(versions: Iterable[tuple[int, int, int]]) -> str:
    numbers = [".".join(map(str, version)) for version in sorted(versions)]
    return f"there are {', '.join(numbers)}" if numbers else "there is none"


def _content(folder: Path, manifest: Manifest) -> list[str]:
    labels, schema, table = read_labels(folder), read_schema(folder), read_splits(folder / SPLIT_TABLE)
    known = {line.id: line for line in read_article_records(folder)}
    logical = LogicalHash(labels, schema)
    derived = {split: _DerivedRows(folder, split, labels) for split in SPLITS}
    counting = Counting(labels)
    problems = []
    seen: set[str] = set()
    for split, row in heapq.merge(*(_split(folder, split, labels) for split in SPLITS), key=lambda row: row[1]["id"]):
        article, digest = row["id"], row_sha256(row)
        sentences, corrections = derived[split].of(article)
        digest_of_derived = derived_sha256(sentences, corrections)
        logical.article(article, split, digest, digest_of_derived)
        counting.lost(_lost(row, sentences))
        if article in seen:
            problems.append(f"{article}: is there twice")
        seen.add(article)
        if article not in table or table[article].split != split:
            problems.append(f"{article}: is in {split}, the split table says otherwise")
        if article not in known or known[article].row_sha256 != digest:
            problems.append(f"{article}: its row is not the one that articles.jsonl names")
        if article in known and known[article].derived_sha256 != digest_of_derived:
            problems.append(f"{article}: its sentences or corrections are not those that articles.jsonl names")
        if sha256(row["text"]) != row["text_sha256"]:
            problems.append(f"{article}: its text does not fit its hash")
        problems += [
            f"{article}: {item['id']}: the text of [{item['start']}, {item['end']}) is another"
            for item in (*row["entities"], *row["events"])
            if row["text"][item["start"] : item["end"]] != item["text"]
        ]
    problems += [
        f"{article}: has sentences or corrections and no row" for split in SPLITS for article in derived[split].left
    ]
    problems += [f"{article}: is named in articles.jsonl and has no row" for article in sorted(known.keys() - seen)]
    if manifest.schema_ref != schema.ref:
        problems.append(f"{MANIFEST}: schema is {manifest.schema_ref}, schema.json holds {schema.ref}")
    problems += _counts_differ(folder, manifest, counting)
    if logical.finish(table) != manifest.logical_sha256:
        problems.append("the logical content has another hash than the manifest says")
    return problems


def _split(folder: Path, split: str, labels: Labels) -> Iterator[tuple[str, Row]]:
    for row in read_rows(folder / DOCUMENTS / f"{split}.parquet", labels.of_config(DOCUMENTS)):
        yield split, row


class _DerivedRows:
    """Reads the rows of one split in `sentences` and `corrections`, article by article in the order of their ids."""

    def __init__(self, folder: Path, split: str, labels: Labels) -> None:
        self._groups = [
            groupby(
                read_rows(folder / config / f"{split}.parquet", labels.of_config(config)),
                key=lambda row: str(row["id"]),
            )
            for config in (SENTENCES, CORRECTIONS)
        ]
        self._next = [next(groups, None) for groups in self._groups]

    def of(self, article_id: str) -> tuple[list[Row], list[Row]]:
        """The sentences and the corrections of the next article."""
        found: list[list[Row]] = []
        for place, waiting in enumerate(self._next):
            if waiting is None or waiting[0] != article_id:
                found.append([])
                continue
            found.append(list(waiting[1]))
            self._next[place] = next(self._groups[place], None)
        return found[0], found[1]

    @property
    def left(self) -> list[str]:
        """The ids that were never asked for; of each config the first."""
        return [waiting[0] for waiting in self._next if waiting is not None]


def _lost(document: Row, sentences: list[Row]) -> Mapping[str, int]:
    layout = [(row["start"], row["end"], list(zip(row["starts"], row["ends"], strict=True))) for row in sentences]
    return sentence_rows(document, layout)[1] if layout else Counter()


def _counts_differ(folder: Path, manifest: Manifest, counting: Counting) -> list[str]:
    """Count the rows again and compare; a count that an older manifest does not have is not compared."""
    for config in CONFIGS:
        for split, name in zip(SPLITS, parquet_files(config), strict=True):
            try:
                with pq.ParquetFile(folder / name, page_checksum_verification=True) as file:
                    for batch in file.iter_batches(batch_size=1024):
                        counting.add(config, pa.Table.from_batches([batch]), split)
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
