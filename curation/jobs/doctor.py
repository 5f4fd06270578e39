"""Doctor: check everything that the jobs need, and say how to fix it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from curation.article import Article, Value
from curation.errors import CurationError, DoubtfulArticle, one_line
from curation.formats.article_text import DoubtCounts, screened
from curation.jobs.inputs import engine_recipe, project_articles
from curation.jobs.options import Option
from curation.jobs.studio import connect
from curation.result import Block, Styled, Table, TableResult
from curation.settings import Settings, load_settings

LOW_DISK = 1_000_000_000
"""Free bytes in the work folder below which we warn."""
_STYLES = {"ok": "green", "note": "yellow", "bad": "bold red"}


class Finding(Value):
    """One check: `ok`, a `note`, or `bad`, with the fix in `way_out`."""

    state: Literal["ok", "note", "bad"]
    name: str
    what: str
    way_out: str | None = None


class DoctorResult(TableResult):
    """All checks, in the order in which a newcomer would fix them; `bad` counts those that failed."""

    bad: int
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """1 where a check failed."""
        return 1 if self.bad else 0

    def records(self) -> list[dict[str, Any]]:
        """A row for each check."""
        return [finding.model_dump() for finding in self.findings]

    def show(self) -> Iterator[Block]:
        """The checks."""
        rows = [
            (
                Styled("BAD" if finding.state == "bad" else finding.state, _STYLES[finding.state]),
                finding.name,
                finding.what + (f" → {finding.way_out}" if finding.way_out else ""),
            )
            for finding in self.findings
        ]
        yield Table(("state", "check", "result"), rows, left=("check", "result"))


def doctor(
    file: Annotated[Path | None, Option("The curation.toml to check; default: the nearest.", name="--project")] = None,
) -> DoctorResult:
    """Check installation, settings, inputs, engine, Label Studio and Hub. A failed check is a finding, not an error."""
    findings = tuple(_findings(file))
    return DoctorResult(bad=sum(finding.state == "bad" for finding in findings), findings=findings)


def _findings(file: Path | None) -> Iterator[Finding]:
    yield from _installed()
    try:
        project = load_settings(file)
    except CurationError as error:
        yield Finding(state="bad", name="project", what=str(error))
        return
    yield Finding(state="ok", name="project", what=f"{project.name} in {project.root}")
    for check in (_inputs, _engine, _label_studio, _hub):
        yield from check(project)


def _installed() -> Iterator[Finding]:
    yield Finding(state="ok", name="python", what=sys.version.split()[0])
    for package, extra in (("label-studio-sdk", None), ("datasets", None), ("pydantic", None), ("spacy", "spacy")):
        try:
            yield Finding(state="ok", name=package, what=importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            way_out = f"pip install 'curation[{extra}]'" if extra else "pip install curation again"
            yield Finding(state="note" if extra else "bad", name=package, what="not installed", way_out=way_out)


def _inputs(project: Settings) -> Iterator[Finding]:
    try:
        schema = project.load_schema()
        labels = f"{len(schema.entity_types)} entity types, {len(schema.event_types)} event types"
        yield Finding(state="ok", name="schema", what=f"{schema.ref}: {labels}")
    except CurationError as error:
        yield Finding(state="bad", name="schema", what=str(error))
    yield from _articles(project)
    there = next(folder for folder in (project.work, *project.work.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK):
        yield Finding(state="bad", name="work", what=f"{there} cannot be written to", way_out="set CURATION_WORK")
    elif free < LOW_DISK:
        yield Finding(state="note", name="work", what=f"{free / 1e9:.1f} GB free", way_out="free space")
    else:
        yield Finding(state="ok", name="work", what=f"{project.work}, {free / 1e9:.0f} GB free")


def _articles(project: Settings) -> Iterator[Finding]:
    good, bad, doubtful = 0, [], DoubtCounts()
    try:
        language = project.load_schema().language
    except CurationError:  # a finding of its own
        language = None
    found = project_articles(project)
    try:
        for item in screened(found, language, cleaned=project.clean == "html"):
            if isinstance(item, Article):
                good += 1
            elif isinstance(item, DoubtfulArticle):
                doubtful.add(item.article_id, item.what, item.hint)
            else:
                bad.append(str(item))
    except CurationError as error:  # the library for `clean` is not installed
        yield Finding(state="bad", name="articles", what=str(error))
        return
    yield Finding(state="ok" if good else "bad", name="articles", what=f"{good} readable")
    yield from (Finding(state="bad", name="articles", what=problem) for problem in bad[:10])
    if len(bad) > 10:
        yield Finding(state="bad", name="articles", what=f"{len(bad) - 10} more cannot be used")
    yield from (Finding(state="note", name="articles", what=what, way_out=hint) for what, hint in doubtful.lines())


def _engine(project: Settings) -> Iterator[Finding]:
    try:
        engine = engine_recipe(project).load()
        yield Finding(state="ok", name="engine", what=engine.annotator.key)
    except CurationError as error:
        yield Finding(state="bad", name="engine", what=str(error))


def _label_studio(project: Settings) -> Iterator[Finding]:
    try:
        with connect(project) as client:
            version = client.version()
            client.user()
            yield Finding(state="ok", name="label studio", what=f"{version} at {client.url}, token accepted")
    except CurationError as error:
        state: Literal["note", "bad"] = "note" if project.url is None else "bad"
        yield Finding(state=state, name="label studio", what=str(error))


def _hub(project: Settings) -> Iterator[Finding]:
    if project.hf_token is None:
        way_out = "set HF_TOKEN to publish with --hub"
        yield Finding(state="note", name="hub", what="no token; releases stay local", way_out=way_out)
    else:
        yield Finding(state="ok", name="hub", what=one_line("HF_TOKEN is set"))
