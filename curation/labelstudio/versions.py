"""Our mark in a project's description: the schema version its config is of, and those before it.

    [curation:conflict-news@2.0.0; 1.0.0 until 2026-11-22T16:40:05Z]

Label Studio does not say under which config an annotation was made; the time it was last changed tells.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

_MARK = re.compile(r"\[curation:([a-z0-9-]+)@(\d+\.\d+\.\d+)((?:; \d+\.\d+\.\d+ until [0-9TZ:-]+)*)\]")
_FORM = "%Y-%m-%dT%H:%M:%SZ"


class Mark(NamedTuple):
    """The schema's name and version, and the versions before, the oldest first, each with the moment it ended."""

    schema: str
    version: str
    before: tuple[tuple[str, datetime], ...] = ()

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.schema}@{self.version}"

    def __str__(self) -> str:
        before = "".join(f"; {version} until {end.astimezone(UTC):{_FORM}}" for version, end in self.before)
        return f"[curation:{self.ref}{before}]"

    def followed_by(self, version: str, moment: datetime) -> Mark:
        """The mark once `version` is in force from `moment` on."""
        return Mark(self.schema, version, (*self.before, (self.version, moment)))

    def in_force(self, moment: datetime | None) -> str:
        """The version under which something that was last changed at `moment` was made."""
        for version, end in self.before if moment else ():
            if moment is not None and moment < end:
                return version
        return self.version


def read_mark(project: dict[str, Any]) -> Mark | None:
    """The mark in a project's description, or None."""
    found = _MARK.search(project.get("description") or "")
    if found is None:
        return None
    before = []
    for part in found[3].split("; ")[1:]:
        version, _, end = part.partition(" until ")
        try:
            before.append((version, datetime.strptime(end, _FORM).replace(tzinfo=UTC)))
        except ValueError:
            continue  # edited by hand: the labels themselves tell as much as they can
    return Mark(found[1], found[2], tuple(before))
