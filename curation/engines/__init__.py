"""Engines: whatever annotates articles without a person."""

from __future__ import annotations

from curation.engines.engine import Engine, Failure, load_engine
from curation.engines.shard_task import AnnotateShards, LeftOut, Recipe, read_shard

__all__ = [
    "AnnotateShards",
    "Engine",
    "Failure",
    "LeftOut",
    "Recipe",
    "load_engine",
    "read_shard",
]
