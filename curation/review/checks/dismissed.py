"""The findings that people dismissed: one JSON line each in `<work>/dismissed.jsonl`, only ever appended to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from curation.article import Plain, Value, build
from curation.errors import BadInput
from curation.files import append_jsonl, json_object

FILE = "dismissed.jsonl"


class Dismissal(Value):
    """A person says that a finding is no mistake. `time` is in UTC."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    why: Annotated[Plain, Field(max_length=2000)] = ""
    by: Annotated[Plain, Field(max_length=200)] = ""
    time: datetime


def read_dismissed(work: Path) -> frozenset[str]:
    """The ids of all findings dismissed so far. A line that a kill cut short is passed over.

    Raises:
        BadInput: the file cannot be read, or a whole line in it is no dismissal.
    """
    path = work / FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", path=path) from error
    found = set()
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if line.strip() and not _cut_short(line):
            found.add(build(Dismissal, json_object(line, path=path, line=number), path=path, line=number).id)
    return frozenset(found)


def write_dismissed(work: Path, ids: Iterable[str], why: str = "", by: str = "") -> int:
    """Record that these findings are no mistakes; those that are known stay as they are. Returns how many are new.

    Raises:
        BadInput: an id is no id of a finding.
    """
    known, time = read_dismissed(work), datetime.now(UTC)
    new = [
        build(Dismissal, {"id": name, "why": why, "by": by, "time": time})
        for name in dict.fromkeys(ids)
        if name not in known
    ]
    return append_jsonl(work / FILE, (one.model_dump_json() for one in new)) if new else 0


def _cut_short(line: bytes) -> bool:
    """Is this the beginning of a line of ours that was never finished?"""
    if not line.startswith(b'{"id":'[: len(line)]) or line.rstrip().endswith(b"}"):
        return False
    try:
        json.loads(line)
    except ValueError:
        return True
    return False
