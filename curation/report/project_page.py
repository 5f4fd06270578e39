"""The project report: the state of the annotation work, its quality, and the annotated texts."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from curation.metrics.rounding import decimal, percent
from curation.report.charts import charts, kept, series
from curation.report.figures import Report
from curation.report.html import render
from curation.report.label_counts import SECTIONS as LABEL_SECTIONS
from curation.report.reader_data import Reader

SECTIONS = (
    ("progress", "Progress"),
    ("people", "Throughput"),
    ("agreement", "Agreement"),
    ("corrections", "Corrections"),
    ("anchoring", "Blind work"),
    ("checks", "Checks"),
    ("labels", "Labels"),
    ("reader", "Reader"),
)
"""Id and title of each section."""
COLUMNS = 8
"""Annotators in a table of labels."""


class Card(NamedTuple):
    """A figure at the top of the page."""

    value: str
    name: str
    soft: str = ""


def project_page(report: Report, reader: Reader) -> str:
    """The page, as HTML."""
    strongest = report.checks.strongest if report.checks else ()
    return render(
        "report.html.jinja",
        styles=("base.css", "report.css"),
        script="reader.js",
        report=report,
        sections=SECTIONS,
        cards=_cards(report),
        plots=charts(report),
        columns=series(report.labels.articles, COLUMNS),
        places={finding.article_id: reader.place(finding.article_id) for finding in strongest},
        tables={name.capitalize(): getattr(report.labels, name) for name in LABEL_SECTIONS},
        odd_times=_odd_times(report),
        data=Markup(reader.json()),  # json_for_script leaves nothing in it that could end the element
    )


def _cards(report: Report) -> list[Card]:
    total = report.done + report.left
    undecided = len(report.undecided)
    cards = [
        Card(f"{report.done:,}", "articles answered", f"of {total:,}"),
        Card(f"{report.left:,}", "left"),
        *([Card(f"{undecided:,}", "to decide", "of those answered")] if undecided else ()),
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
    parts = (
        (work.no_time, "without a time"),
        (work.zero_times, "of zero seconds"),
        (work.long_times, "of more than four hours, where the page was left open"),
    )
    return ", ".join(f"{count:,} {words}" for count, words in parts if count)
