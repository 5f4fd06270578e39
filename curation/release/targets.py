"""Releases on any storage that fsspec knows (`s3://BUCKET/FOLDER` and the like): published, and fetched again.

The files of version X.Y.Z are under `vX.Y.Z/`. A release is complete once it has its `manifest.json`, which is written
last and never overwritten: such storage cannot rename a finished folder.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from huggingface_hub import constants

from curation.article import build
from curation.errors import BadInput, CurationError, ReleaseError
from curation.files import json_object
from curation.release.manifest import MANIFEST, Manifest, differing
from curation.schema import parse_version

Options = Mapping[str, Any]
"""Options for fsspec besides the address, such as `{"profile": "news"}` for S3; it finds most by itself."""


class _OutOfReach(ReleaseError):
    """The storage cannot be reached; the cache may have the release."""


def is_address(where: object) -> bool:
    """Whether this is an address such as `s3://BUCKET/FOLDER`, not a folder or a repository."""
    return isinstance(where, str) and re.match(r"^[a-z][a-z0-9+.-]*://", where) is not None


def publish_to_target(folder: Path, where: str, *, options: Options | None = None) -> str:
    """Copy the release in `folder` to `WHERE/vX.Y.Z/`. Returns that address.

    Run again, it finishes what an earlier run began, and does nothing where that was all.

    Raises:
        ReleaseError: the folder is not what its manifest says, that version is there with other content, or the
            storage cannot be reached or written.
    """
    manifest = Manifest.read(folder)
    if wrong := differing(folder, manifest):
        raise ReleaseError(f"{folder}: {wrong[0]}; build the release again")
    address = f"{where.rstrip('/')}/v{manifest.version}"
    storage, root = _storage(address, options)
    with _errors(address):
        if (there := _manifest(storage, root, address)) is not None:
            return _same(there, manifest, address)
        for name in manifest.paths[:-1]:
            storage.put_file(str(folder / name), f"{root}/{name}")
        try:
            storage.pipe_file(f"{root}/{MANIFEST}", (folder / MANIFEST).read_bytes(), mode="create")
        except FileExistsError:
            # Somebody else was faster: well and good if with the same content.
            if (there := _manifest(storage, root, address)) is None:
                raise
            return _same(there, manifest, address)
    return address


def fetch(where: str, version: str, *, options: Options | None = None) -> Path:
    """The folder in our cache that holds exactly that version; fetched if it is not there, found offline if it is.

    Raises:
        ReleaseError: that version is not there (names those that are), is another than the one fetched before, or
            the storage cannot be reached and the version is not in the cache.
    """
    where = where.rstrip("/")
    address = where if where.endswith(f"/v{version}") else f"{where}/v{version}"
    cached = Path(constants.HF_HUB_CACHE) / "curation" / hashlib.sha256(address.encode()).hexdigest()[:24]
    try:
        storage, root = _storage(address, options)
        with _errors(address):
            there = _manifest(storage, root, address)
            listed = [] if there else _versions(storage, root.rpartition("/")[0])
    except _OutOfReach:
        if (cached / MANIFEST).is_file():
            return cached
        raise
    if there is None:
        raise ReleaseError(
            f"{_shown(where)}: no version {version} there; "
            + (f"there are {', '.join(listed)}" if listed else "there is none")
        )
    if cached.is_dir():
        if not differing(cached, there):
            return cached
        if (held := _whole(cached)) is not None:
            _same(there, held, address)
    with _errors(address):
        _download(storage, root, there, cached)
    return cached


@contextmanager
def fetched(address: str, *, options: Options | None = None) -> Iterator[Path]:
    """A release of its own address (`…/vX.Y.Z`) in a folder that is gone afterwards, whatever the cache holds."""
    storage, root = _storage(address.rstrip("/"), options)
    with tempfile.TemporaryDirectory() as folder:
        with _errors(address):
            manifest = _manifest(storage, root, address)
            if manifest is None:
                raise ReleaseError(f"{_shown(address)}: no release there; name one, such as s3://BUCKET/FOLDER/v0.1.0")
            _download(storage, root, manifest, Path(folder) / "release", check=False)
        yield Path(folder) / "release"


def _storage(address: str, options: Options | None) -> tuple[Any, str]:
    """The file system and the path in it. Listings are looked up anew each time: others write there, too."""
    protocol = address.partition("://")[0]
    if protocol == "hf":
        raise ReleaseError(f"{_shown(address)}: for the Hub give ORG/NAME; publish with --hub")
    standard = {"auto_mkdir": True} if protocol in ("file", "local") else {}
    try:
        storage, root = fsspec.core.url_to_fs(address, **standard | dict(options or {}))
    except ImportError as error:
        extra = "curation[s3]" if protocol in ("s3", "s3a") else "what fsspec names for it"
        raise ReleaseError(f"{_shown(address)}: {protocol} needs a package that is missing; install {extra}") from error
    except ValueError as error:
        raise ReleaseError(f"{_shown(address)}: nothing here can read {protocol}; check the address") from error
    storage.invalidate_cache()
    return storage, str(root).rstrip("/")


def _manifest(storage: Any, root: str, address: str) -> Manifest | None:
    path = f"{root}/{MANIFEST}"
    try:
        raw = storage.cat_file(path)
    except FileNotFoundError:
        return None
    try:
        return build(Manifest, json_object(raw, path=Path(MANIFEST)), path=MANIFEST)
    except BadInput as error:
        raise ReleaseError(f"{_shown(address)}: {error}; it is not a release of this software") from error


def _same(there: Manifest, wanted: Manifest, address: str) -> str:
    if there.logical_sha256 != wanted.logical_sha256:
        raise ReleaseError(
            f"{_shown(address)}: holds other content than expected, and a release never changes; "
            "take the next version, or ask who changed it"
        )
    return address


def _whole(folder: Path) -> Manifest | None:
    """The manifest of an intact release in `folder`; None where a file differs from its hash."""
    try:
        manifest = Manifest.read(folder)
    except ReleaseError:
        return None
    return None if differing(folder, manifest) else manifest


def _versions(storage: Any, root: str) -> list[str]:
    try:
        names = [str(path).rstrip("/").rpartition("/")[2] for path in storage.ls(root, detail=False)]
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        try:
            version = parse_version(name)
        except ValueError:
            continue
        if storage.exists(f"{root}/{name}/{MANIFEST}"):
            found.append(version)
    return [".".join(map(str, version)) for version in sorted(found)]


def _download(storage: Any, root: str, manifest: Manifest, folder: Path, *, check: bool = True) -> None:
    """All files of the release into `folder`, which appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        for name in manifest.paths:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ReleaseError(f"{name}: points out of the release; do not use it")
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                storage.get_file(f"{root}/{name}", str(part / name))
            except FileNotFoundError:
                (part / name).unlink(missing_ok=True)
        if check and (wrong := differing(part, manifest)):
            raise ReleaseError(f"{wrong[0]}; ask who keeps it to publish that release again")
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _errors(address: str) -> Iterator[None]:
    """Turn whatever the storage raises into a ReleaseError of one line, without secrets."""
    try:
        yield
    except CurationError:
        raise
    except PermissionError as error:
        raise _OutOfReach(f"{_shown(address)}: access is denied; check the credentials and their rights") from error
    except Exception as error:
        # Every kind of storage has exceptions of its own, and some of their texts hold keys.
        reason = type(error).__name__
        raise _OutOfReach(
            f"{_shown(address)}: cannot be reached or written ({reason}); check the address, the network and the "
            "credentials, then run again"
        ) from error


def _shown(address: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", address)
