"""News articles in, reviewed event datasets out.

The names below load on first use, so that `import curation` (and `curation --help`) stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curation.annotation import Annotation, Annotator, Argument, Entity, Event, read_annotations
    from curation.article import Article
    from curation.engines.engine import Engine
    from curation.errors import CurationError, EngineError
    from curation.formats.format_loss import Capabilities
    from curation.formats.registry import Format
    from curation.project import Project
    from curation.release.load import load_release
    from curation.schema import LabelSchema, load_schema

__version__ = "0.1.0"

_HOME = {
    "Annotation": "annotation",
    "Annotator": "annotation",
    "Argument": "annotation",
    "Article": "article",
    "Capabilities": "formats.format_loss",
    "CurationError": "errors",
    "Engine": "engines.engine",
    "EngineError": "errors",
    "Entity": "annotation",
    "Event": "annotation",
    "Format": "formats.registry",
    "LabelSchema": "schema",
    "Project": "project",
    "load_release": "release.load",
    "load_schema": "schema",
    "read_annotations": "annotation",
}

__all__ = [
    "Annotation",
    "Annotator",
    "Argument",
    "Article",
    "Capabilities",
    "CurationError",
    "Engine",
    "EngineError",
    "Entity",
    "Event",
    "Format",
    "LabelSchema",
    "Project",
    "load_release",
    "load_schema",
    "read_annotations",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'curation' has no attribute {name!r}")
    return getattr(import_module(f"curation.{_HOME[name]}"), name)
