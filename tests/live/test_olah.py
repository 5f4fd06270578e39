"""Reading a release by its tag from olah, a mirror of the Hub that others wrote, over HTTP on loopback.

It runs in an environment of its own, made here from the package index: what it needs does not fit beside ours.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import datasets
import httpx
import pytest
from huggingface_hub import constants

import curation
from curation.errors import ReleaseError
from curation.release import build_release, latest_release

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "release"))
from made import ABOUT, SCHEMA, corpus

OLAH = "olah==0.5.4"
REPO = "gazette/made-news"

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def olah(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's program."""
    folder = tmp_path_factory.mktemp("olah") / "venv"
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", str(folder / "bin" / "python"), OLAH], check=True)
    return folder / "bin" / "olah-cli"


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Made", "-c", "user.email=made@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def address(olah: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mirror that holds one repository with two tagged releases, each a commit of its own."""
    repository = tmp_path / "mirror" / "datasets" / REPO
    repository.mkdir(parents=True)
    git(repository, "init", "-q", "-b", "main")
    for count in (20, 30):
        folder = build_release(
            corpus(count), SCHEMA, tmp_path / "releases", about=ABOUT, previous=latest_release(tmp_path / "releases")
        ).folder
        shutil.copytree(folder, repository, dirs_exist_ok=True)
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "-m", folder.name)
        git(repository, "tag", folder.name)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = tmp_path / "olah.toml"
    settings.write_text(
        f'[basic]\nhost = "127.0.0.1"\nport = {port}\nrepos-path = "{tmp_path}/repos"\n'
        f'mirror-netloc = "127.0.0.1:{port}"\nmirrors-path = ["{tmp_path}/mirror"]\n[accessibility]\noffline = true\n'
    )
    with (tmp_path / "olah.log").open("w") as log:
        server = subprocess.Popen([str(olah), "-c", str(settings), "--log-path", str(tmp_path)], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(150):
            try:
                if httpx.get(f"{url}/api/datasets/{REPO}").status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.2)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
        yield url
    finally:
        server.terminate()
        server.wait(20)


def test_a_tag_is_loaded_at_exactly_that_version(address: str) -> None:
    for version, count in (("0.1.0", 20), ("0.2.0", 30)):
        loaded = curation.load_release(REPO, version, endpoint=address)
        assert sum(split.num_rows for split in loaded.values()) == count
    with pytest.raises(ReleaseError, match=r"no version 0\.9\.0 there; there are 0\.1\.0, 0\.2\.0"):
        curation.load_release(REPO, "0.9.0", endpoint=address)
