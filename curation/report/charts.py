"""The plots of the report, from its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from curation.metrics.agreement import Agreement, Figures
from curation.metrics.corrections import Corrections, Group
from curation.metrics.counts import NOTHING, Matrix, Section
from curation.report.figures import Report
from curation.report.html import annotator_name
from curation.report.label_counts import LONGEST_SPAN, SECTIONS, STEP
from curation.svg import COLOURS, Box, Plot, Range, bars, boxes, columns, heat, ranges, rising, stacked

DAYS = 31
"""Most days shown one by one; a longer time is shown by weeks."""
WEEKS = 52
"""Most weeks shown, the last ones."""
CONFUSED = 12
"""Labels in a matrix, those that are confused most often."""
LABELS = 20
"""Labels in one plot."""
OTHERS = "others"


def charts(report: Report) -> dict[str, Any]:
    """Name → plot, or plots by title; None if there is nothing to show."""
    work, labels = report.work, report.labels
    shown = series({person.key: person.submitted for person in work.people if person.submitted}, COLOURS - 1)
    rows, by = _throughput(work.days, shown)
    stages = [(stage, count) for stage, count in report.stages.items() if count]
    until = report.time.date() if report.time else None
    timed = [person for person in work.people if person.seconds]
    return {
        "stages": bars("Articles by state", stages or [("none", 0)]),
        "rising": rising("Articles answered by day", work.answered, report.done + report.left, until)
        if until and work.answered
        else None,
        "throughput": stacked(f"Articles submitted {by}", rows, [*shown, OTHERS]) if rows else None,
        "throughput_by": by,
        "series": [*shown, *([OTHERS] if any(OTHERS in of for _, of in rows) else [])],
        "seconds": boxes("Time for an article", [_box(person) for person in timed[:12]], "minutes") if timed else None,
        "labels": _labels(report),
        **(_corrections(report.corrections) if report.corrections else {}),
        "kinds": bars("Findings by kind", list(report.checks.kinds.items())) if report.checks else None,
        **(_agreement(report.agreement) if report.agreement else {}),
        "article_words": columns("Length of the articles", _lengths(labels.article_words), "words")
        if labels.article_words
        else None,
        "entity_words": columns("Length of entities", _lengths(labels.entity_words, LONGEST_SPAN), "words")
        if labels.entity_words
        else None,
    }


def series(counts: Mapping[str, int], most: int) -> list[str]:
    """The names with the highest counts, people first."""
    ranked = sorted(counts, key=lambda name: (not name.startswith("person:"), -counts[name], name))
    return ranked[:most]


def _throughput(
    days: Mapping[date, Mapping[str, int]], shown: list[str]
) -> tuple[list[tuple[str, dict[str, int]]], str]:
    """Counts by day, or by weeks that begin on Monday; days without work are empty columns."""
    if not days:
        return [], ""
    first, last = min(days), max(days)
    step = 1 if (last - first).days < DAYS else 7
    if step == 7:
        first = max(first, last - timedelta(weeks=WEEKS - 1))
        first -= timedelta(days=first.weekday())
    slots: dict[date, dict[str, int]] = {
        first + timedelta(days=offset): {} for offset in range(0, (last - first).days + 1, step)
    }
    for day, of in days.items():
        if day < first:
            continue
        slot = slots[first + timedelta(days=(day - first).days // step * step)]
        for key, count in of.items():
            name = key if key in shown else OTHERS
            slot[name] = slot.get(name, 0) + count
    return [(f"{day.day} {day:%b}", of) for day, of in slots.items()], "by day" if step == 1 else "by week"


def _box(person: Any) -> Box:
    low, middle, high = (seconds / 60 for seconds in person.seconds)
    return Box(annotator_name(person.key), low, middle, high)


def _agreement(found: Agreement) -> dict[str, Any]:
    parts = (("entities", found.entities), ("triggers", found.triggers), ("arguments", found.arguments))
    rows = [_range(name, section.exact) for name, section in parts]
    if found.arguments.end_to_end:
        rows.append(_range("end to end", found.arguments.end_to_end))
    titles = {"entities": "Entities by type", "triggers": "Events by type", "arguments": "Arguments by role"}
    by_type = {}
    for name, section in parts:
        ranked = sorted(section.by_type.items(), key=lambda one: (-_items(one[1]), one[0]))[:LABELS]
        if ranked:
            by_type[f"Agreement: {titles[name]}"] = ranges(titles[name], [_range(*one) for one in ranked])
    return {
        "agreement": ranges("Agreement between people", rows),
        "agreement_by_type": by_type,
        "matrices": {
            title: picture
            for title, section in (("Entities that differ", found.entities), ("Events that differ", found.triggers))
            if (picture := _heat(title, section.matrix))
        },
    }


def kept(group: Group) -> float | None:
    """The share of predicted items that people kept unchanged."""
    sections = (group.entities, group.triggers, group.arguments)
    predicted = sum(one.predicted for one in sections)
    return sum(one.kept for one in sections) / predicted if predicted else None


def _corrections(found: Corrections) -> dict[str, Any]:
    titles: dict[Section, str] = {
        "entities": "Entities kept, by type",
        "triggers": "Events kept, by type",
        "arguments": "Arguments kept, by role",
    }
    by_label, became = {}, {}
    for section, title in titles.items():
        labels = sorted(found.by_label[section].items(), key=lambda one: (-one[1].predicted, one[0]))
        rows = [
            Range(name, fates.acceptance, None, f"{fates.predicted:,}")
            for name, fates in labels
            if fates.acceptance is not None
        ]
        if rows:
            by_label[title] = ranges(title, rows[:LABELS])
        counts = {(one.said or NOTHING, one.made or NOTHING): one.count for one in found.became[section]}
        stayed = {(name, name): fates.kept for name, fates in labels}
        if picture := _confusion(section, counts, stayed):
            became[f"{section.capitalize()} that were changed"] = picture
    weeks = [
        Range(week, share, None, f"{group.annotations:,}")
        for week, group in found.by_week.items()
        if (share := kept(group)) is not None
    ]
    return {
        "kept_by_label": by_label,
        "became": became,
        "kept_by_week": ranges("Kept, week by week", weeks[-LABELS:]) if len(weeks) > 1 else None,
    }


def _range(name: str, figures: Figures) -> Range:
    return Range(name, figures.f1 or 0.0, figures.interval, f"{_items(figures):,.0f}")


def _items(figures: Figures) -> float:
    return figures.both + figures.only_first + figures.only_second


def _heat(title: str, matrix: Matrix) -> Plot | None:
    at = {name: place for place, name in enumerate(matrix.labels)}
    counts = {(one, two): matrix.counts[at[one]][at[two]] for one in matrix.labels for two in matrix.labels}
    return _confusion(title, {pair: count for pair, count in counts.items() if pair[0] != pair[1]}, counts)


def _confusion(title: str, counts: Mapping[tuple[str, str], int], same: Mapping[tuple[str, str], int]) -> Plot | None:
    """The labels that are confused most, row against column; None if there are none. `same` fills the diagonal."""
    weight: Counter[str] = Counter()
    for (one, two), count in counts.items():
        weight[one] += count
        weight[two] += count
    ranked = sorted((name for name in weight if weight[name]), key=lambda name: (-weight[name], name))
    shown = sorted(ranked[:CONFUSED], key=lambda name: (name == NOTHING, name))
    if not shown:
        return None
    diagonal = {(name, name): same.get((name, name), 0) for name in shown}
    return heat(title, shown, shown, {**counts, **diagonal})


def _labels(report: Report) -> dict[str, Plot]:
    names = {"entities": "Entities", "events": "Events", "arguments": "Arguments by event and role"}
    made = {}
    for section in SECTIONS:
        rows = []
        for one in getattr(report.labels, section).labels[:LABELS]:
            count = sum(count for key, count in one.by.items() if key.startswith("person:"))
            if count:
                rows.append((one.label, count))
        if rows:
            made[names[section]] = bars(names[section], rows)
    return made


def _lengths(counts: Mapping[int, int], last: int | None = None) -> list[tuple[str, int]]:
    step = STEP if last is None else 1
    return [
        (f"{start}+" if start == last else str(start), count) if step == 1 else (f"{start}–", count)
        for start, count in counts.items()
    ]
