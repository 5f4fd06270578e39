"""A real Label Studio for the session, and a real Chromium to work in it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright

from curation.labelstudio.client import Client
from curation.labelstudio.local_server import Studio, start, stop

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parent))

from editor import Editor

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> Iterator[Studio]:
    """A Label Studio with a new database, for all tests of the session."""
    data = tmp_path_factory.mktemp("studio")
    try:
        yield start(data, port=free_port)
    finally:
        stop(data)


@pytest.fixture(scope="session")
def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def client(studio: Studio) -> Iterator[Client]:
    with Client(studio.url, studio.api_key) as client:
        yield client


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; without one, browser tests are skipped on a desk and fail in CI."""
    with sync_playwright() as playwright:
        browser = _chromium(playwright)
        yield browser
        browser.close()


def _chromium(playwright: Playwright) -> Browser:
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    try:
        return playwright.chromium.launch(executable_path=path, args=list(FLAGS))
    except Error as error:
        if "Executable doesn't exist" not in error.message:
            raise
        reason = "no Chromium: install the package chromium, or run `playwright install chromium`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a profile of its own, as wide as a small laptop."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def editor(page: Page, studio: Studio) -> Editor:
    """The editor, signed in through the login page."""
    editor = Editor(page, studio.url)
    editor.sign_in(studio.username, studio.password)
    return editor
