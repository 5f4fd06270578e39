"""The report as one HTML page that needs nothing else and asks the network for nothing.

Whatever articles, ids, labels and names hold is text on it: the templates escape all, the reader's script sets text
only, and the page's own policy lets nothing run but the one script and the one style sheet it came with.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from curation.errors import one_line, visible
from curation.metrics.rounding import decimal, percent
from curation.review.report.charts import charts, duration, f1, kept, series, who
from curation.review.report.figures import Report
from curation.review.report.labels import SECTIONS
from curation.review.report.reader import Reader
from curation.svg import colour

SHOWN = (
    ("progress", "Progress"),
    ("people", "Throughput"),
    ("agreement", "Agreement"),
    ("corrections", "Corrections"),
    ("anchoring", "Blind work"),
    ("checks", "Checks"),
    ("labels", "Labels"),
    ("reader", "Reader"),
)
"""The sections: id and name."""
COLUMNS = 8
"""Annotators that stand beside each other in a table of labels."""


class Card(NamedTuple):
    """A figure to be seen first."""

    value: str
    name: str
    soft: str = ""


def page(report: Report, reader: Reader) -> str:
    """The page, as HTML."""
    style, script = _read("page.css"), _read("reader.js")
    columns = series(report.labels.articles, COLUMNS)
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            report=report,
            sections=SHOWN,
            cards=_cards(report),
            plots=charts(report),
            columns=columns,
            places={one.article_id: reader.place(one.article_id) for one in report.checks.strongest}
            if report.checks
            else {},
            tables={name.capitalize(): getattr(report.labels, name) for name in SECTIONS},
            odd_times=_odd_times(report),
            style=style,
            style_hash=_hash(style),
            script=script,
            script_hash=_hash(script),
            data=Markup(reader.json()),  # json_in_page leaves nothing in it that could end the element
        )
    )


def _cards(report: Report) -> list[Card]:
    total = report.done + report.left
    undecided = len(report.undecided)
    cards = [
        Card(f"{report.done:,}", "articles answered", f"of {total:,}"),
        Card(f"{report.left + undecided:,}", "left", f"{undecided:,} of them to decide" if undecided else ""),
        Card(f"{report.work.submitted:,}", "submissions"),
        Card(f"{report.annotators:,}", "annotator" if report.annotators == 1 else "annotators"),
    ]
    if report.agreement and report.agreement.f1 is not None:
        on = f"F1 on {report.agreement.articles:,} submitted by two or more"
        cards.append(Card(decimal(report.agreement.f1, 2), "agreement", on))
    if report.corrections and (share := kept(report.corrections.all)) is not None:
        cards.append(Card(f"{percent(share)}%", "of predictions kept"))
    if report.checks:
        cards.append(Card(f"{report.checks.likely:,}", "likely mistakes"))
    if report.forecast.likely:
        cards.append(Card(f"{report.forecast.likely:%-d %b}", "likely done", f"{report.forecast.likely:%Y}"))
    return cards


def _odd_times(report: Report) -> str:
    work = report.work
    told = (
        (work.no_time, "without a time"),
        (work.zero_times, "of zero seconds"),
        (work.long_times, "of more than four hours, where the page was left open"),
    )
    return ", ".join(f"{count:,} {words}" for count, words in told if count)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("curation.review.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "line": one_line,
        "visible": visible,
        "who": who,
        "duration": duration,
        "f1": f1,
        "kept": kept,
        "decimal": decimal,
        "percent": percent,
        "colour": colour,
    }
    environment.filters.update(filters)
    return environment


@cache
def _read(name: str) -> Markup:
    return Markup((files(__package__) / name).read_text(encoding="utf-8"))


def _hash(text: str) -> Markup:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(f"sha256-{digest}")
