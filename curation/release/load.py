"""Load a release at exactly the version asked for, from a folder or from the Hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, DatasetDict, load_dataset
from datasets.exceptions import DatasetsError
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from curation.errors import ReleaseError, one_line
from curation.release.configs import CONFIGS
from curation.release.documents import CONFIG
from curation.release.hub import hub_errors
from curation.release.manifest import (
    CARD,
    LABELS,
    MANIFEST,
    TAKE_AGAIN,
    Manifest,
    parquet_files,
    read_labels,
    refuse_differing,
    row_counts_differ,
)
from curation.release.splits import SPLITS
from curation.release.targets import fetch, is_address
from curation.release.versions import published
from curation.schema import parse_version

_REPOSITORY = re.compile(r"^[\w.-]+/[\w.-]+$")


def load_release(
    where: str | Path,
    version: str,
    config: str = CONFIG,
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
    columns = CONFIGS[config](read_labels(folder))
    empty: dict[str, list[object]] = {name: [] for name in columns}
    try:
        full = {split for split in SPLITS if pq.read_metadata(folder / config / f"{split}.parquet").num_rows}
        loaded = load_dataset(str(folder), config) if full else {}
        return DatasetDict(
            {split: loaded[split] if split in full else Dataset.from_dict(empty, features=columns) for split in SPLITS}
        )
    except (OSError, ValueError, KeyError, pa.ArrowException, DatasetsError) as error:
        reason = one_line(f"{type(error).__name__} {error}", 300)
        raise ReleaseError(f"{folder}: {config} cannot be loaded: {reason}; {TAKE_AGAIN}") from error


def _refuse_incomplete(folder: Path, manifest: Manifest) -> None:
    """Check that every file is there in its full size, also those that are not read."""
    for name, fact in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != fact.bytes:
            raise ReleaseError(f"{path}: is missing or has another size than the manifest says; {TAKE_AGAIN}")


def _folder(where: str | Path, version: str, token: str | None, endpoint: str | None) -> Path:
    path = Path(where).expanduser()
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
        raise ReleaseError(f"{repo}: a branch named {tag} stands before the tag; ask its owner to remove the branch")
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
    numbers = [".".join(map(str, one)) for one in sorted(versions)]
    return f"there are {', '.join(numbers)}" if numbers else "there is none"
