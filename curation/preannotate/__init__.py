"""Engines: whatever annotates articles without a person."""

from __future__ import annotations

from curation.preannotate.engine import Engine, Failure, load_engine
from curation.preannotate.shards import LeftOut, Recipe, Shard, alone_in, annotate_shards, crew, remove

__all__ = [
    "Engine",
    "Failure",
    "LeftOut",
    "Recipe",
    "Shard",
    "alone_in",
    "annotate_shards",
    "crew",
    "load_engine",
    "remove",
]
