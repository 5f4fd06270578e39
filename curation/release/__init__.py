"""Immutable, versioned datasets: built as a folder, published to the Hub, loaded and verified again.

Terms, for why an article of a snapshot is not in a release, or not with its latest annotation:

excluded     the selection keeps it out: another licence, or withdrawn. `ReleaseReport.barred` counts them
withdrawn    on the takedown list; named in the changelog if it was ever released
skipped      nobody submitted, or the skip counts (see `choose` in review/selection_policy.py); not listed
undecided    people differ on it and nobody has decided
invalid      its annotation does not fit the text or the schema. `ReleaseReport.invalid`
set aside    it resembles articles of different splits. `set_aside` in the manifest
kept         undecided or invalid, and in the release as in the release before. `chosen` is `kept`
left out     in the release before and not in this one, for any of these reasons or because the snapshot lacks it.
             `ReleaseReport.left_out` lists them without the excluded ones; `changes.left_out` counts all

The names below load on first use: the libraries they need take seconds to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curation.release.build import ReleaseReport, build_release
    from curation.release.card import About, Audit
    from curation.release.hub import publish_to_hub
    from curation.release.load import load_release, verify
    from curation.release.manifest import Selection, read_article_records, read_takedown
    from curation.release.prepare import ShardedArticles
    from curation.release.rows import InvalidArticle, ReviewedArticle, UnreadableArticle
    from curation.release.targets import publish_to_target
    from curation.release.versions import latest_release

_HOME = {
    "About": "card",
    "Audit": "card",
    "InvalidArticle": "rows",
    "ReleaseReport": "build",
    "ReviewedArticle": "rows",
    "Selection": "manifest",
    "ShardedArticles": "prepare",
    "UnreadableArticle": "rows",
    "build_release": "build",
    "latest_release": "versions",
    "load_release": "load",
    "publish_to_hub": "hub",
    "publish_to_target": "targets",
    "read_article_records": "manifest",
    "read_takedown": "manifest",
    "verify": "load",
}

__all__ = [
    "About",
    "Audit",
    "InvalidArticle",
    "ReleaseReport",
    "ReviewedArticle",
    "Selection",
    "ShardedArticles",
    "UnreadableArticle",
    "build_release",
    "latest_release",
    "load_release",
    "publish_to_hub",
    "publish_to_target",
    "read_article_records",
    "read_takedown",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'curation.release' has no attribute {name!r}")
    return getattr(import_module(f"curation.release.{_HOME[name]}"), name)
