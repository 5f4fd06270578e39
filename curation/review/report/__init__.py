"""The report: how the annotation stands, as figures and as one HTML page."""

from curation.review.report.charts import kept
from curation.review.report.figures import Checked, Contested, Finding, Report, Shown
from curation.review.report.forecast import forecast
from curation.review.report.labels import LabelCounter
from curation.review.report.page import page
from curation.review.report.reader import ARTICLES, GOLD, Doubtful, Reader
from curation.review.report.work import Work, WorkCounter, latest

__all__ = [
    "ARTICLES",
    "GOLD",
    "Checked",
    "Contested",
    "Doubtful",
    "Finding",
    "LabelCounter",
    "Reader",
    "Report",
    "Shown",
    "Work",
    "WorkCounter",
    "forecast",
    "kept",
    "latest",
    "page",
]
