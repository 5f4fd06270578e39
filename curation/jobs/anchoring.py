"""The anchoring audit of a project: what people said blind, beside what they said with a pre-annotation in view."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from curation.errors import BadInput
from curation.jobs.policy import policy
from curation.labelstudio import Predictions, Snapshot, latest_snapshot, predictions, read_snapshot
from curation.release import Audit
from curation.review.anchoring import Anchoring, Contrast, Work
from curation.review.anchoring import anchoring as audit
from curation.review.selection_policy import Policy
from curation.settings import Settings


def anchoring(project: Settings, *, snapshot: Path | None = None) -> Anchoring | None:
    """The audit over a snapshot (default: the latest); None where no article was annotated blind.

    Raises:
        BadInput: there is no snapshot.
    """
    folder = snapshot or latest_snapshot(project.work)
    if folder is None:
        raise BadInput("no snapshot yet", path=project.work, way_out="run `curation pull` first")
    source = read_snapshot(folder)
    with predictions(project.work, source) as sent:
        return anchoring_of(source, sent, policy(project))


def anchoring_of(snapshot: Snapshot, sent: Predictions, policy: Policy) -> Anchoring | None:
    """The audit over a snapshot; who counts is the policy's to say, and what was decided in review does not."""
    return audit(_works(snapshot, sent, policy)) if sent.any_blind else None


def _works(snapshot: Snapshot, sent: Predictions, policy: Policy) -> Iterator[Work]:
    for texts, made in snapshot.by_article():
        said = policy.submitted(one for one in made if one.text_sha256 in texts)
        if not said:
            continue
        article = texts[said[0].text_sha256]
        blind, withheld = sent.withheld(article)
        yield Work(said, [], withheld) if blind else Work([], said, sent.of(article))


def for_card(found: Anchoring | None) -> Audit | None:
    """The audit as the dataset card shows it."""
    if found is None:
        return None
    rows = [("articles", str(found.articles["blind"]), str(found.articles["assisted"]), "")]
    rows += [_row(f"{item}: F1 with the engine", one) for item, one in found.engine.items()]
    rows += [_row(f"{item}: F1 between people", one) for item, one in found.people.items()]
    rows.append(_row("median seconds on an article", found.seconds, "{:.0f}"))
    return Audit(rows=tuple(row for row in rows if any(row[1:])), words=found.words)


def _row(what: str, one: Contrast, form: str = "{:.3f}") -> tuple[str, str, str, str]:
    blind, assisted = (form.format(figure.value) if figure else "" for figure in (one.blind, one.assisted))
    difference = ""
    if one.difference is not None:
        signed = form.replace(":", ":+")
        difference = signed.format(one.difference)
        if one.interval is not None:
            difference += f" ({signed.format(one.interval[0])} to {signed.format(one.interval[1])})"
    return what, blind, assisted, difference
