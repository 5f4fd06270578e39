"""Engines: whatever annotates articles without a person."""

from __future__ import annotations

from curation.engines.engine import Engine, Failure, load_engine
from curation.engines.local_executor import LeftOut, Recipe, Shard, alone_in, annotate_shards, crew, remove

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
