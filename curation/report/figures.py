"""Everything the report says in figures: what `curation report --json` prints, and what the page shows."""

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
    """Articles in the reader, of how many that could be."""

    articles: int
    of: int


class Contested(Value):
    """An article on which people differ and nobody has decided: how many submitted and how many skipped it."""

    article_id: str
    url: str | None
    submitted: int
    skipped: int


class ReportedFinding(Value):
    """A finding of the checks with the text round it; `score` is how probable it is that there is a mistake."""

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
    """What the checks found in all `articles`: all that was `found`, and what of it is `worth` a look.

    `worth` have a score of a tenth or more, `likely` of a half. `kinds` counts the kinds of those worth a look.
    """

    articles: int
    found: int
    worth: int
    likely: int
    kinds: dict[str, int]
    strongest: tuple[ReportedFinding, ...]
    dismissed: int


class Report(Value):
    """`time` is that of the last pull, and None before the first. `stages`: where articles stand → how many.

    `undecided`: articles on which people differ and nobody has decided; they are among those `done`, since people
    answered them. `annotators`: people who count in review and submitted something.
    `agreement` is None where no two people annotated the same text; its articles one by one are left out of it.
    `corrections` is None where nothing submitted started from a prediction that is known.
    `anchoring` is None where no article was annotated blind.
    `checks` is None where there was nothing to check, or nobody wanted it checked.
    `notes` say what could not be counted, or only with a grain of salt, one sentence each.
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
