"""Probable mistakes in people's annotations, ranked."""

from __future__ import annotations

from curation.review.checks.document import Document
from curation.review.checks.finding import KINDS, Finding, Kind, read_dismissed, write_dismissed
from curation.review.checks.runner import Checks

__all__ = ["KINDS", "Checks", "Document", "Finding", "Kind", "read_dismissed", "write_dismissed"]
