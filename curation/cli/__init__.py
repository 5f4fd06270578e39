"""The command line: one module a command, each a thin face of a job."""

from __future__ import annotations

from curation.cli.app import main

__all__ = ["main"]
