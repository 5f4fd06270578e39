"""Corrections: what people made of the pre-annotations, from the latest snapshot and the predictions we kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from curation.annotation import Annotation
from curation.jobs.inputs import snapshot_folder
from curation.jobs.options import Counts, OnProgress, Option, SnapshotFolder, silent
from curation.jobs.provenance import started_from
from curation.labelstudio import UNKNOWN, Predictions, Snapshot, predictions, read_snapshot
from curation.metrics.corrections import Became, Corrections, Corrector, Fates, Group
from curation.metrics.effort import LONGEST, defaults
from curation.metrics.rounding import decimal
from curation.result import Block, Table, TableResult
from curation.schema_migration import migrate
from curation.settings import Settings

SHOWN = 8
"""How many changes of labels `show` names; `model_dump` has them all."""
_FATES = ("kept", "attributes", "type", "border", "both", "removed", "added")


class CorrectionsResult(TableResult):
    """What became of predictions, and what could not be measured.

    corrections  None where nothing submitted is known to have started from a prediction
    submitted    annotations submitted, each person's latest of every article revision
    from_nothing  of these, begun without a prediction (blind, or with an empty page)
    unknown      of these, begun from a prediction that this work folder did not send, or of another text
    unfinished   drafts and skipped tasks, which are not looked at
    undecided    items of a type that was split since and that no case of the migration fits: they keep their old type
    notes        remarks on the figures, one line each
    """

    corrections: Corrections | None
    snapshot: str
    submitted: int
    from_nothing: int
    unknown: int
    unfinished: dict[str, int]
    undecided: int
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 where nothing could be measured."""
        return 1 if self.corrections is None else 0

    def records(self) -> list[dict[str, Any]]:
        """A row for each section: items predicted, and the count of each fate."""
        if self.corrections is None:
            return []
        return [{"section": name, **fates.model_dump()} for name, fates in _sections(self.corrections).items()]

    def show(
        self,
        *,
        everything: Annotated[
            bool, Option("Also by type and role, what became of labels, attributes and borders.", "--all")
        ] = False,
    ) -> Iterator[Block]:
        """Fates of predicted items, acceptance by engine, annotator and week, times and effort."""
        if self.corrections is not None:
            yield from _tables(self.corrections, everything)

    def messages(self) -> Iterator[str]:
        """The notes."""
        yield from self.notes


def corrections(
    project: Settings,
    *,
    snapshot: SnapshotFolder = None,
    on_progress: Annotated[OnProgress, Counts("annotations compared")] = silent,
) -> CorrectionsResult:
    """Compare what people submitted with the prediction each started from, in the labels of today's schema.

    Decisions of a review are left out: they start from annotations of people, not from a prediction.

    Args:
        snapshot: folder of a snapshot; default: the latest.
        on_progress: progress callback.

    Raises:
        BadInput: there is no snapshot, or one of its files cannot be used.
    """
    folder = snapshot_folder(project, snapshot)
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
    return CorrectionsResult(
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
    of_review = snapshot.review_annotations()
    for _, made in snapshot.by_article():
        latest: dict[tuple[str, str], Annotation] = {}
        for number, annotation in enumerate(made):
            if annotation.id in of_review or annotation.state == "reviewed":
                continue
            if annotation.state != "submitted":
                unfinished[annotation.state] += 1
                continue
            name = annotation.annotator.name
            # a deleted account may have been several people: all its annotations count
            who = f"{name} {number}" if name == UNKNOWN else name
            latest[who, annotation.text_sha256] = annotation
        for annotation in latest.values():
            yield annotation, started_from(annotation, made, sent)


def _notes(found: Corrections | None, counts: Counter[str], unfinished: Counter[str]) -> Iterator[str]:
    states = ", ".join(f"{count} {state}" for state, count in sorted(unfinished.items()))
    if not counts["submitted"]:
        yield f"nobody has submitted anything{f' ({states})' if states else ''}"
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


def _tables(found: Corrections, everything: bool) -> Iterator[Block]:
    yield f"{found.all.annotations} annotations that started from a prediction"
    columns = ("predicted", "accepted", *_FATES)
    yield Table(("", *columns), [[name, *_row(fates)] for name, fates in _sections(found).items()])
    by = {"engine": found.by_engine, "annotator": found.by_annotator, "week": found.by_week}
    titles = ("annotations", "entities", "triggers", "arguments", "median s", "effort")
    for name, groups in by.items():
        yield Table((f"accepted, by {name}", *titles), [[key, *_group(group)] for key, group in groups.items()])
    times, effort = found.all.times, found.all.effort
    if times.seconds:
        low, middle, high = times.seconds
        yield f"seconds an annotation: median {middle:.0f}, middle half {low:.0f} to {high:.0f}, of {times.timed}"
    if effort.ratio is not None:
        yield f"correction effort {effort.ratio:.2f}: {effort.cost} clicks and keys instead of {effort.blank_cost}"
    if not everything:
        yield "by type and role, what became of labels, attributes and borders: --all"
        return
    for section, labels in found.by_label.items():
        label = "role" if section == "arguments" else "type"
        yield Table((f"{section} by {label}", *columns), [[key, *_row(fates)] for key, fates in labels.items()])
        if changes := found.became[section][:SHOWN]:
            yield f"{section}, what became of labels: {_in_words(changes)}"
    for attribute in found.attributes:
        became = f": {_in_words(attribute.became[:SHOWN])}" if attribute.became else ""
        yield f"{attribute.name} of {attribute.of}: {attribute.kept} kept, {attribute.changed} changed{became}"
    for section, borders in found.borders.items():
        moved = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in borders.model_dump().items() if count)
        yield f"{section}, borders: {moved or 'none moved'}"


def _sections(found: Corrections) -> dict[str, Fates]:
    return {"entities": found.all.entities, "triggers": found.all.triggers, "arguments": found.all.arguments}


def _row(fates: Fates) -> list[str]:
    counts = (fates.kept, fates.attributes, fates.type, fates.border, fates.type_and_border, fates.removed, fates.added)
    return [str(fates.predicted), decimal(fates.acceptance), *map(str, counts)]


def _group(group: Group) -> list[str]:
    accepted = [decimal(part.acceptance) for part in (group.entities, group.triggers, group.arguments)]
    seconds = f"{group.times.seconds[1]:.0f}" if group.times.seconds else "–"
    effort = "–" if group.effort.ratio is None else f"{group.effort.ratio:.2f}"
    return [str(group.annotations), *accepted, seconds, effort]


def _in_words(became: Iterable[Became]) -> str:
    return ", ".join(f"{one.said or '(nothing)'} → {one.made or '(nothing)'} {one.count}" for one in became)
