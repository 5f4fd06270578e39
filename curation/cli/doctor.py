"""`curation doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, console, done


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("doctor")(doctor)


def doctor(
    project: Annotated[Path | None, typer.Option("--project", help="The curation.toml to look at.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What is missing or misconfigured, and how to mend it."""
    from rich.table import Table
    from rich.text import Text

    from curation.jobs.doctor import doctor as job

    findings = job(project)
    marks = {"ok": "ok", "note": "note", "bad": "BAD"}
    styles = {"ok": "green", "note": "yellow", "bad": "bold red"}
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        words = finding.what + (f" → {finding.way_out}" if finding.way_out else "")
        table.add_row(Text(marks[finding.state], styles[finding.state]), Text(finding.name), Text(words))
    console().print(table)
    bad = sum(finding.state == "bad" for finding in findings)
    done({"bad": bad, "findings": [finding.model_dump() for finding in findings]}, as_json)
    if bad:
        raise typer.Exit(1)
