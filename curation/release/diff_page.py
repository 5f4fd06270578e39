"""The differences between two releases as one HTML page that needs nothing else. Everything in it is escaped."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from curation.files import whole_file
from curation.release.diff import Diff, Place, changed

_AROUND = 60
"""Characters of text shown on either side of a change."""
_LONGEST = 300
"""Characters shown of a span."""
_ITEMS = 200
"""Items shown of one article."""


class Extract(NamedTuple):
    """A span with the text around it; `what` is its type or role, with attributes."""

    left: str
    span: str
    right: str
    what: str


def write_page(diff: Diff, path: Path) -> int:
    """Write the page as a whole file. Returns the number of articles on it; memory does not grow with them."""
    article = _environment().get_template("diff_article.html.jinja")
    count = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        for one in diff:
            items = [
                (item, *(_extract(one.text, place) for place in (item.before, item.now, item.trigger)))
                for item in one.items[:_ITEMS]
            ]
            told.write(article.render(article=one, items=items, more=len(one.items) - len(items)))
            count += 1
        told.seek(0)
        head = _environment().get_template("diff.html.jinja").render(summary=diff.summary, changed=changed)
        before, after = head.split("<!--articles-->")
        with whole_file(path) as file:
            file.write(before)
            shutil.copyfileobj(told, file)
            file.write(after)
    return count


def _extract(text: str, place: Place | None) -> Extract | None:
    if place is None:
        return None
    span = text[place.start : place.end]
    left = text[max(0, place.start - _AROUND) : place.start]
    right = text[place.end : place.end + _AROUND]
    attributes = ", ".join(f"{name}: {value}" for name, value in sorted(place.attributes.items()))
    return Extract(
        left=("…" if place.start > _AROUND else "") + left,
        span=span if len(span) <= _LONGEST else span[:_LONGEST] + "…",
        right=right + ("…" if place.end + _AROUND < len(text) else ""),
        what=f"{place.type} ({attributes})" if attributes else place.type,
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("curation.release", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
