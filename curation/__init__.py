"""News articles in, reviewed event datasets out."""

from __future__ import annotations

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, read_annotations
from curation.article import Article
from curation.check import Finding, check
from curation.compare import compare
from curation.errors import CurationError
from curation.schema import LabelSchema, load_schema

__version__ = "0.1.0"

__all__ = [
    "Annotation",
    "Annotator",
    "Argument",
    "Article",
    "CurationError",
    "Entity",
    "Event",
    "Finding",
    "LabelSchema",
    "check",
    "compare",
    "load_schema",
    "read_annotations",
]
