"""Releases on other storage: S3 as moto's server speaks it, over HTTP on loopback, and what fsspec has built in."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import constants
from made import ABOUT, SCHEMA, corpus
from typer.testing import CliRunner

import curation
from curation.cli.app import app
from curation.errors import ReleaseError
from curation.release import build_release, publish_to_target, verify
from curation.release.manifest import Manifest
from curation.release.targets import fetched

s3fs = pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")

BUCKET = "gazette"
WHERE = f"s3://{BUCKET}/made/news"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server with one empty bucket; credentials and address come from the environment, as they do in life."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-nobody")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    httpx.post(f"http://{host}:{port}/moto-api/reset").raise_for_status()
    storage = s3fs.S3FileSystem()
    storage.mkdir(BUCKET)
    yield storage
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    first = build_release(corpus(20), SCHEMA, tmp_path / "releases", about=ABOUT)
    build_release(corpus(30), SCHEMA, tmp_path / "releases", about=ABOUT, previous=first.folder)
    return tmp_path / "releases"


def count(version: str, where: str = WHERE) -> int:
    return sum(split.num_rows for split in curation.load_release(where, version).values())


def objects(storage: Any) -> dict[str, str]:
    storage.invalidate_cache()
    return {path: info["ETag"] for path, info in storage.find(BUCKET, detail=True).items()}


def test_what_is_published_is_loaded_at_exactly_that_version(s3: Any, releases: Path) -> None:
    for version in ("0.1.0", "0.2.0"):
        assert publish_to_target(releases / f"v{version}", WHERE) == f"{WHERE}/v{version}"
    assert (count("0.1.0"), count("0.2.0"), count("0.2.0", f"{WHERE}/v0.2.0")) == (20, 30, 30)
    local = {path.relative_to(releases).as_posix() for path in releases.rglob("*") if path.is_file()}
    local.discard(".building.lock")
    assert {path.removeprefix(f"{BUCKET}/made/news/") for path in objects(s3)} == local
    with pytest.raises(ReleaseError, match=r"no version 0\.3\.0 there; there are 0\.1\.0, 0\.2\.0"):
        count("0.3.0")
    with pytest.raises(ReleaseError, match="there is none"):
        count("0.1.0", f"s3://{BUCKET}/elsewhere")


def test_a_second_run_changes_nothing_and_other_content_is_refused(s3: Any, releases: Path, tmp_path: Path) -> None:
    publish_to_target(releases / "v0.1.0", WHERE)
    before = objects(s3)
    publish_to_target(releases / "v0.1.0", WHERE)
    assert objects(s3) == before
    other = build_release(corpus(9), SCHEMA, tmp_path / "other", about=ABOUT).folder
    with pytest.raises(ReleaseError, match=r"v0\.1\.0: holds other content"):
        publish_to_target(other, WHERE)
    assert objects(s3) == before
    assert count("0.1.0") == 20


def test_until_its_manifest_is_there_a_release_is_not(s3: Any, releases: Path) -> None:
    """What a run leaves that was killed before the end, and what the next one makes of it."""
    publish_to_target(releases / "v0.1.0", WHERE)
    s3.rm(f"{WHERE}/v0.1.0/manifest.json")
    s3.pipe_file(f"{WHERE}/v0.1.0/README.md", b"half")
    with pytest.raises(ReleaseError, match="there is none"):
        count("0.1.0")
    publish_to_target(releases / "v0.1.0", WHERE)
    assert count("0.1.0") == 20
    with fetched(f"{WHERE}/v0.1.0") as folder:
        assert verify(folder) == []


def test_offline_it_comes_from_the_cache_or_not_at_all(
    s3: Any, releases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("0.1.0", "0.2.0"):
        publish_to_target(releases / f"v{version}", WHERE)
    assert count("0.2.0") == 30
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    s3fs.S3FileSystem.clear_instance_cache()
    assert count("0.2.0") == 30
    with pytest.raises(ReleaseError, match="cannot be reached") as caught:
        count("0.1.0")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_release_that_was_changed_there_is_found_out(s3: Any, releases: Path, tmp_path: Path) -> None:
    publish_to_target(releases / "v0.1.0", WHERE)
    s3.pipe_file(f"{WHERE}/v0.1.0/documents/train.parquet", b"PAR1")
    with pytest.raises(ReleaseError, match=r"documents/train\.parquet"):
        count("0.1.0")
    result = CliRunner().invoke(app, ["verify", f"{WHERE}/v0.1.0"])
    assert result.exit_code == 1
    assert "train.parquet" in result.stdout
    s3.rm(f"{WHERE}/v0.1.0", recursive=True)
    publish_to_target(releases / "v0.1.0", WHERE)
    assert count("0.1.0") == 20
    s3.rm(f"{WHERE}/v0.1.0", recursive=True)
    other = build_release(corpus(9), SCHEMA, tmp_path / "other", about=ABOUT).folder
    publish_to_target(other, WHERE)
    with pytest.raises(ReleaseError, match="a release never changes"):
        count("0.1.0")


@pytest.mark.parametrize(
    "name", ["manifest.json", "SHA256SUMS", "documents/train.parquet", "splits.csv", "labels.json"]
)
def test_a_bit_that_was_flipped_there_or_in_the_cache_is_found(s3: Any, releases: Path, name: str) -> None:
    intact, rng = (releases / "v0.1.0" / name).read_bytes(), random.Random(name)
    publish_to_target(releases / "v0.1.0", WHERE)
    for _ in range(4):
        held = bytearray(intact)
        held[rng.randrange(len(held))] ^= 1 << rng.randrange(8)
        s3.pipe_file(f"{WHERE}/v0.1.0/{name}", bytes(held))
        with pytest.raises(ReleaseError) as caught:
            count("0.1.0")
        assert "\n" not in str(caught.value)
        result = CliRunner().invoke(app, ["verify", f"{WHERE}/v0.1.0"])
        assert result.exit_code == 1
    s3.pipe_file(f"{WHERE}/v0.1.0/{name}", intact)
    assert count("0.1.0") == 20
    (cached,) = (Path(constants.HF_HUB_CACHE) / "curation").iterdir()
    (cached / name).write_bytes(bytes(held))
    assert count("0.1.0") == 20, "fetched again"
    assert (cached / name).read_bytes() == intact


def test_a_manifest_that_points_elsewhere_writes_nothing_there(s3: Any, releases: Path, tmp_path: Path) -> None:
    publish_to_target(releases / "v0.1.0", WHERE)
    manifest = Manifest.read(releases / "v0.1.0")
    fact = manifest.files["README.md"]
    evil = manifest.model_copy(update={"files": {"../../../evil": fact} | manifest.files})
    evil.write(tmp_path)
    s3.pipe_file(f"{WHERE}/v0.1.0/manifest.json", (tmp_path / "manifest.json").read_bytes())
    with pytest.raises(ReleaseError, match="points out of the release"):
        count("0.1.0")
    assert not list(tmp_path.rglob("evil"))


def test_a_bucket_one_may_not_see_and_storage_nobody_knows(s3: Any, releases: Path) -> None:
    with pytest.raises(ReleaseError, match="nowhere"):
        publish_to_target(releases / "v0.1.0", "s3://nowhere/made")
    assert not s3.exists("nowhere"), "no bucket is made by the way"
    with pytest.raises(ReleaseError, match="nothing here can read gopher"):
        count("0.1.0", "gopher://hole/made")
    with pytest.raises(ReleaseError, match="--hub"):
        publish_to_target(releases / "v0.1.0", "hf://datasets/gazette/made")


def test_any_storage_of_fsspec_will_do(releases: Path, tmp_path: Path) -> None:
    where = f"file://{tmp_path}/elsewhere"
    publish_to_target(releases / "v0.1.0", where)
    assert count("0.1.0", where) == 20
    shutil.rmtree(tmp_path / "elsewhere")
    with pytest.raises(ReleaseError, match="there is none"):
        count("0.1.0", where)
