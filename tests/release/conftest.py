"""Made articles, a cache of its own for each test, and the double of the Hub."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import datasets
import pytest
from huggingface_hub import constants

sys.path.insert(0, str(Path(__file__).parent))

from hub_double import Hub, hub


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the Hub's client and `datasets` cache out of the home folder, and out of other tests."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf" / "datasets")
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    datasets.disable_progress_bars()


@pytest.fixture
def double() -> Iterator[Hub]:
    """A double of the Hub."""
    with hub() as running:
        yield running
