"""Engines: whatever annotates articles without a person."""

from __future__ import annotations

from curation.preannotate.engine import Engine, Failure, load_engine

__all__ = ["Engine", "Failure", "load_engine"]
