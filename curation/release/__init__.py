"""Immutable, versioned datasets: built as a folder, published to the Hub, loaded and verified again."""

from __future__ import annotations

from curation.release.build import ReleaseReport, build_release
from curation.release.card import About
from curation.release.documents import ReviewedArticle
from curation.release.hub import publish_to_hub
from curation.release.load import load_release
from curation.release.manifest import read_known
from curation.release.verify import verify
from curation.release.versions import latest_release

__all__ = [
    "About",
    "ReleaseReport",
    "ReviewedArticle",
    "build_release",
    "latest_release",
    "load_release",
    "publish_to_hub",
    "read_known",
    "verify",
]
