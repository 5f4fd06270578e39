"""Likely mistakes in people's annotations, ranked."""

from __future__ import annotations

from curation.review.checks.document import Document
from curation.review.checks.doubt import KINDS, Also, Doubt, Kind
from curation.review.checks.run import Checks

__all__ = ["KINDS", "Also", "Checks", "Document", "Doubt", "Kind"]
