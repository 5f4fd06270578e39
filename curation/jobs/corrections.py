"""Corrections: what people made of the pre-annotations, from the latest snapshot and the predictions we kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from curation.annotation import Annotation
from curation.article import Value
from curation.errors import BadInput
from curation.jobs.started import started_from
from curation.labelstudio import Predictions, Snapshot, latest_snapshot, predictions, read_snapshot
from curation.labelstudio.names import ANNOTATE, UNKNOWN
from curation.review.corrections import Corrections, Corrector
from curation.review.effort import defaults
from curation.review.times import LONGEST
from curation.schema_migration import migrate
from curation.settings import Settings


class CorrectionsReport(Value):
    """What was measured, and what could not be.

    corrections  None where nothing submitted is known to have started from a prediction
    submitted    annotations submitted, each person's latest of every article revision
    from_nothing  of these, begun without a prediction (blind, or with an empty page)
    unknown      of these, begun from a prediction that this work folder did not send, or of another text
    unfinished   drafts and skipped tasks, which are not looked at
    undecided    items of a type that was split since and that no case of the migration fits: they keep their old type
    notes        in words, one line each, what a reader of the figures should know
    """

    corrections: Corrections | None
    snapshot: str
    submitted: int
    from_nothing: int
    unknown: int
    unfinished: dict[str, int]
    undecided: int
    notes: tuple[str, ...]


def corrections(
    project: Settings, *, snapshot: Path | None = None, on_progress: Callable[[int], None] = lambda count: None
) -> CorrectionsReport:
    """Set what people submitted against the prediction each started from, in the labels of today's schema.

    What was decided in review is left out: it starts from what people said, not from a prediction.

    Args:
        snapshot: folder of a snapshot; default: the latest.
        on_progress: told how many annotations were looked at.

    Raises:
        BadInput: there is no snapshot, or one of its files cannot be used.
    """
    folder = snapshot or latest_snapshot(project.work)
    if folder is None:
        raise BadInput("no snapshot yet", path=project.work, way_out="run `curation pull` first")
    schema = project.load_schema()
    source, corrector, counts = read_snapshot(folder), Corrector(defaults(schema)), Counter[str]()
    unfinished: Counter[str] = Counter()
    with predictions(project.work, source) as sent:
        for annotation, prediction in _submitted(source, sent, unfinished):
            counts["submitted"] += 1
            on_progress(counts["submitted"])
            counts["deleted users"] += annotation.annotator.name == UNKNOWN
            if prediction is None or prediction.text_sha256 != annotation.text_sha256:
                counts["unknown" if annotation.parent else "from nothing"] += 1
                continue
            now, undecided = migrate(annotation, schema)
            before, open_ends = migrate(prediction, schema)
            counts["undecided"] += len(undecided) + len(open_ends)
            if now.schema_ref.partition("@")[0] != before.schema_ref.partition("@")[0]:
                counts["unknown"] += 1
                continue
            corrector.add(before, now)
    found = corrector.result()
    return CorrectionsReport(
        corrections=found,
        snapshot=str(folder),
        submitted=counts["submitted"],
        from_nothing=counts["from nothing"],
        unknown=counts["unknown"],
        unfinished=dict(sorted(unfinished.items())),
        undecided=counts["undecided"],
        notes=tuple(_notes(found, counts, unfinished)),
    )


def _submitted(
    snapshot: Snapshot, sent: Predictions, unfinished: Counter[str]
) -> Iterator[tuple[Annotation, Annotation | None]]:
    """Each person's latest submitted annotation of every article revision, and the prediction it started from."""
    apart = {name for task in snapshot.tasks() if task.purpose != ANNOTATE for name in task.annotations}
    for _, made in snapshot.by_article():
        latest: dict[tuple[str, str], Annotation] = {}
        for number, annotation in enumerate(made):
            if annotation.id in apart or annotation.state == "reviewed":
                continue
            if annotation.state != "submitted":
                unfinished[annotation.state] += 1
                continue
            name = annotation.annotator.name
            # who is not known any more may be several people: all of what they left counts
            who = f"{name} {number}" if name == UNKNOWN else name
            latest[who, annotation.text_sha256] = annotation
        for annotation in latest.values():
            yield annotation, started_from(annotation, made, sent)


def _notes(found: Corrections | None, counts: Counter[str], unfinished: Counter[str]) -> Iterator[str]:
    told = ", ".join(f"{count} {state}" for state, count in sorted(unfinished.items()))
    if not counts["submitted"]:
        yield f"nobody has submitted anything{f' ({told})' if told else ''}"
    elif found is None:
        yield (
            f"nothing submitted ({counts['submitted']} in all) started from a prediction that is known here: "
            "measure in the work folder that pushed them"
        )
    if counts["from nothing"]:
        yield f"begun without a prediction: {counts['from nothing']}, there is nothing to correct in them"
    if counts["unknown"]:
        yield (
            f"left out: {counts['unknown']}, begun from a prediction that this work folder did not send, "
            "or one of another text or schema"
        )
    if counts["deleted users"]:
        yield f"by deleted accounts: {counts['deleted users']}, counted as one annotator, person:{UNKNOWN}"
    if counts["undecided"]:
        yield (
            f"items of a type that was split since, where no case of the migration fits: {counts['undecided']}, "
            "compared by their old type"
        )
    if found is None:
        return
    times = found.all.times
    if times.zero_times:
        yield f"lead times below a second: {times.zero_times}, left out of the seconds"
    if times.long_times:
        yield (
            f"lead times above {LONGEST / 3600:.0f} hours: {times.long_times}, the page was left open, "
            "left out of the seconds"
        )
    if times.no_time:
        yield f"without a lead time: {times.no_time}"
