"""The one way a value is written where its bytes are hashed."""

from __future__ import annotations

import json
from datetime import UTC, datetime


def canonical(value: object) -> bytes:
    """One line of JSON that is the same wherever it is made: sorted keys, no spaces, times in UTC."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_time).encode()


def utc(time: datetime | None) -> datetime | None:
    """In UTC; a time without a zone is taken as UTC."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a row")
