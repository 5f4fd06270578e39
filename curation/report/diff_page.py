"""The page of the differences between two releases."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from curation.files import whole_file
from curation.report.html import render, template

CONTEXT = 60
"""Characters of text shown on either side of a change."""
LONGEST = 300
"""Characters shown of a span."""
ITEMS = 200
"""Changes shown of one article."""


class Differences(Protocol):
    """What the page shows: `curation.release.diff.Diff`. `summary` is complete after the last article."""

    def __iter__(self) -> Iterator[Any]:
        """The articles that differ."""

    @property
    def summary(self) -> Any:
        """The counts."""


class Extract(NamedTuple):
    """A span with the text around it. `label` is its type or role, with attributes."""

    left: str
    span: str
    right: str
    label: str


def write_diff_page(differences: Differences, path: Path) -> int:
    """Write the page as a whole file. Memory does not grow with the number of articles.

    Returns:
        The number of articles on the page.
    """
    article_template = template("diff_article.html.jinja")
    count = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8") as sections:
        for article in differences:
            items = [
                (item, *(_extract(article.text, place) for place in (item.before, item.now, item.trigger)))
                for item in article.items[:ITEMS]
            ]
            sections.write(article_template.render(article=article, items=items, more=len(article.items) - len(items)))
            count += 1
        sections.seek(0)
        page = render("diff.html.jinja", styles=("base.css", "diff.css"), summary=differences.summary)
        before, after = page.split("<!--articles-->")
        with whole_file(path) as file:
            file.write(before)
            shutil.copyfileobj(sections, file)
            file.write(after)
    return count


def _extract(text: str, place: Any) -> Extract | None:
    if place is None:
        return None
    span = text[place.start : place.end]
    attributes = ", ".join(f"{name}: {value}" for name, value in sorted(place.attributes.items()))
    return Extract(
        left=("…" if place.start > CONTEXT else "") + text[max(0, place.start - CONTEXT) : place.start],
        span=span if len(span) <= LONGEST else span[:LONGEST] + "…",
        right=text[place.end : place.end + CONTEXT] + ("…" if place.end + CONTEXT < len(text) else ""),
        label=f"{place.type} ({attributes})" if attributes else place.type,
    )
