"""The figures of the report: the output of `curation report --json`, and the content of the page."""

from __future__ import annotations

from datetime import datetime

from curation.article import Value
from curation.metrics.agreement import Agreement
from curation.metrics.anchoring import Anchoring
from curation.metrics.corrections import Corrections
from curation.report.forecast import Forecast
from curation.report.label_counts import Labels
from curation.report.throughput import Work


class Shown(Value):
    """Articles in the reader, and all that could be in it (`of`)."""

    articles: int
    of: int


class Contested(Value):
    """An undecided article: people differ on it. The numbers of people who submitted and who skipped it."""

    article_id: str
    url: str | None
    submitted: int
    skipped: int


class ReportedFinding(Value):
    """A finding of the checks with its text; `score` is the probability of a mistake."""

    article_id: str
    start: int
    end: int
    kind: str
    score: float
    annotator: str
    message: str
    before: str
    text: str
    after: str


class Checked(Value):
    """What the checks found in all `articles`.

    found      all findings
    worth      findings with a score of 0.1 or more; `kinds` counts these by kind, `strongest` lists the first ones
    likely     findings with a score of 0.5 or more
    dismissed  findings that people have dismissed
    """

    articles: int
    found: int
    worth: int
    likely: int
    kinds: dict[str, int]
    strongest: tuple[ReportedFinding, ...]
    dismissed: int


class Report(Value):
    """The whole report.

    time         of the last pull; None before the first
    stages       state of an article → number of articles
    done, left   articles that people answered, and that nobody has answered yet
    undecided    articles on which people differ and nobody has decided; they are among those `done`
    annotators   people who count in review and submitted something
    agreement    None if no two people annotated the same text; `disagreements` is left empty
    corrections  None if no submission started from a known prediction
    anchoring    None if no article was annotated blind
    checks       None if there was nothing to check, or the checks were switched off
    notes        what could not be counted, or only with reservations, one sentence each
    """

    project: str
    schema_ref: str
    time: datetime | None
    stages: dict[str, int]
    done: int
    left: int
    undecided: tuple[Contested, ...]
    annotators: int
    work: Work
    forecast: Forecast
    labels: Labels
    notes: tuple[str, ...]
    agreement: Agreement | None
    agreement_notes: tuple[str, ...]
    corrections: Corrections | None
    correction_notes: tuple[str, ...]
    anchoring: Anchoring | None
    checks: Checked | None
    reader: Shown
