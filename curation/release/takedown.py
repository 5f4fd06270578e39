"""The takedown list: articles that are kept out of every release from now on.

One article id a line, after it white space and the reason if there is one; `#` begins a comment line. Ids and reasons
of articles that were in a release are told in its changelog, so a reason must be fit to print.
"""

from __future__ import annotations

from pathlib import Path

from curation.errors import ReleaseError, one_line


def read_takedown(path: Path) -> dict[str, str | None]:
    """Article id → reason. Raises ReleaseError: a list that cannot be read must not let anything through."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(f"{path}: cannot be read as a takedown list; bring it back, or save it as UTF-8") from error
    found: dict[str, str | None] = {}
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            article_id, *reason = line.split(maxsplit=1)
            found[article_id] = one_line(reason[0], 500) if reason else None
    return found
