"""What people make of predictions: every entity, trigger, argument and attribute kept, changed, removed or added.

Items pair as `curation.metrics.matching` pairs them, with the prediction as the reference. An argument pairs only with
an argument of the same trigger: if a trigger changed, its arguments count as removed and added. Of a changed item the
type, the borders or both were changed (of an argument: role and filler), or only attributes. `acceptance` is the share
of predicted items that were kept. Seconds come from Label Studio's lead time; implausible ones are counted and left
out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from curation.annotation import Annotation
from curation.article import Value
from curation.metrics.counts import SECTIONS, Section
from curation.metrics.effort import actions, cost, quartiles, strange_time
from curation.metrics.matching import Kind, Labelled, match_all
from curation.metrics.rounding import rounded

What = Literal["entity", "event", "argument"]
Fate = Literal["kept", "attributes", "type", "border", "type and border", "removed", "added"]
FATES: dict[Kind, Fate] = {
    "same": "kept",
    "type": "type",
    "border": "border",
    "both": "type and border",
    "missed": "removed",
    "spurious": "added",
}
"""The change that each kind of pair stands for; `attributes` if only attributes differ. The type of an argument is its
role, its borders are those of its filler."""

Defaults = Mapping[str, Mapping[str, str]]
"""`entities` or `events` → attribute → default value."""


_WHAT: dict[str, What] = {"entities": "entity", "events": "event", "arguments": "argument"}


class AttributeChange(NamedTuple):
    """A changed attribute with its values; None if it is not set."""

    name: str
    predicted: str | None
    corrected: str | None


class Change(NamedTuple):
    """An item as predicted and as corrected. One of the two may be None, not both.

    Both are entities, events or, for an argument, `curation.metrics.matching.Link`.
    """

    what: What
    fate: Fate
    predicted: Any
    corrected: Any
    attributes: tuple[AttributeChange, ...] = ()


def changes(prediction: Annotation, annotation: Annotation, defaults: Defaults) -> Iterator[Change]:
    """All items of both annotations: entities, events, then arguments, each in text order."""
    for section, found in match_all(prediction, annotation).items():
        default_values = defaults.get(section, {})
        for pair in found:
            predicted, corrected = pair.reference, pair.other
            differ = _attributes(predicted, corrected, default_values) if predicted and corrected else ()
            fate: Fate = "attributes" if pair.kind == "same" and differ else FATES[pair.kind]
            yield Change(_WHAT[section], fate, predicted, corrected, differ)


def _attributes(
    predicted: Labelled, corrected: Labelled, default_values: Mapping[str, str]
) -> tuple[AttributeChange, ...]:
    if not predicted.attributes and not corrected.attributes:
        return ()
    before, now = {**default_values, **predicted.attributes}, {**default_values, **corrected.attributes}
    return tuple(
        AttributeChange(name, before.get(name), now.get(name))
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    )


_SECTION: dict[What, Section] = {"entity": "entities", "event": "triggers", "argument": "arguments"}
_NO_WEEK = "no date"


class Fates(Value):
    """What became of predicted items, and how many were added. `acceptance` is None if nothing was predicted."""

    predicted: int
    kept: int
    attributes: int
    type: int
    border: int
    type_and_border: int
    removed: int
    added: int
    acceptance: float | None


class Times(Value):
    """Seconds an annotation took: lower quartile, median, upper quartile over the `timed` plausible ones.

    Left out: `no_time` have none, `zero_times` are below a second, `long_times` above
    `curation.metrics.effort.LONGEST`.
    """

    seconds: tuple[float, float, float] | None
    timed: int
    no_time: int
    zero_times: int
    long_times: int


class Effort(Value):
    """Clicks and keys from the prediction, and from an empty page, to what was submitted; `ratio` is their quotient.

    See `curation.metrics.effort`; it is None if nothing was submitted.
    """

    cost: int
    blank_cost: int
    ratio: float | None


class Group(Value):
    """The corrections of a number of `annotations`."""

    annotations: int
    entities: Fates
    triggers: Fates
    arguments: Fates
    times: Times
    effort: Effort


class Became(Value):
    """How often the predicted `said` was corrected to `made`. None for `made`: removed; for `said`: added."""

    said: str | None
    made: str | None
    count: int


class AttributeFates(Value):
    """An attribute over the items that were not removed: how often its value was kept, and how it was changed."""

    name: str
    of: Literal["entities", "triggers"]
    kept: int
    changed: int
    became: tuple[Became, ...]


class Borders(Value):
    """Of items with changed borders, how many now start or end earlier or later."""

    start_earlier: int
    start_later: int
    end_earlier: int
    end_later: int


class Corrections(Value):
    """All corrections, and the same by engine, annotator and ISO week (`2031-W09`, in UTC).

    `by_label`: section → label → fates, items that were removed or changed under the label that was predicted, added
    ones under their own; labels of arguments are roles. `became`: section → what types became, the most frequent
    first, removed and added ones too. `borders`: entities and triggers.
    """

    all: Group
    by_engine: dict[str, Group]
    by_annotator: dict[str, Group]
    by_week: dict[str, Group]
    by_label: dict[Section, dict[str, Fates]]
    became: dict[Section, tuple[Became, ...]]
    attributes: tuple[AttributeFates, ...]
    borders: dict[Section, Borders]


class Corrector:
    """Takes annotations one by one with the prediction each started from; `result` gives everything.

    Memory does not grow with the articles, but for eight bytes of lead time each.

    Args:
        defaults: the attributes' defaults, see `curation.metrics.effort.defaults`.
    """

    def __init__(self, defaults: Defaults) -> None:
        self.defaults = defaults
        self._all = _Tally()
        self._groups: dict[str, dict[str, _Tally]] = {"engine": {}, "annotator": {}, "week": {}}
        self._labels: dict[Section, dict[str, Counter[str]]] = {section: {} for section in SECTIONS}
        self._became: dict[Section, Counter[tuple[str | None, str | None]]] = {name: Counter() for name in SECTIONS}
        self._attributes: dict[tuple[Section, str], Counter[tuple[str | None, str | None]]] = {}
        self._borders: dict[Section, Counter[str]] = {"entities": Counter(), "triggers": Counter()}

    def add(self, prediction: Annotation, annotation: Annotation) -> None:
        """Count one annotation in.

        Raises:
            ValueError: the two are of different texts.
        """
        if prediction.text_sha256 != annotation.text_sha256:
            raise ValueError(f"{annotation.article_id}: prediction and annotation are of different texts")
        found = Counter[tuple[Section, str]]()
        for change in changes(prediction, annotation, self.defaults):
            section = _SECTION[change.what]
            found[section, change.fate] += 1
            self._look(section, change)
        spent = cost(actions(annotation, prediction, self.defaults), ("entities", "events", "arguments"))
        blank = cost(actions(annotation, None, self.defaults), ("entities", "events", "arguments"))
        named = {
            "engine": prediction.annotator.key,
            "annotator": annotation.annotator.key,
            "week": _week(annotation.time),
        }
        for tally in (self._all, *(self._groups[by].setdefault(name, _Tally()) for by, name in named.items())):
            tally.add(found, spent, blank, annotation.lead_time)

    def result(self) -> Corrections | None:
        """Everything counted so far; None: no annotation was added."""
        if not self._all.annotations:
            return None
        by = {
            f"by_{name}": {key: tally.group() for key, tally in sorted(tallies.items())}
            for name, tallies in self._groups.items()
        }
        return Corrections(
            all=self._all.group(),
            by_engine=by["by_engine"],
            by_annotator=by["by_annotator"],
            by_week=by["by_week"],
            by_label={
                section: {label: _fates(found) for label, found in sorted(labels.items())}
                for section, labels in self._labels.items()
            },
            became={section: _became(found) for section, found in self._became.items()},
            attributes=tuple(
                AttributeFates(
                    name=name,
                    of="entities" if section == "entities" else "triggers",
                    kept=sum(count for (predicted, corrected), count in found.items() if predicted == corrected),
                    changed=sum(count for (predicted, corrected), count in found.items() if predicted != corrected),
                    became=_became(found),
                )
                for (section, name), found in sorted(self._attributes.items())
            ),
            borders={
                section: Borders(**{name: found[name] for name in Borders.model_fields})
                for section, found in self._borders.items()
            },
        )

    def _look(self, section: Section, change: Change) -> None:
        predicted, corrected = change.predicted, change.corrected
        old, new = predicted.type if predicted else None, corrected.type if corrected else None
        self._labels[section].setdefault(old or new or "", Counter())[change.fate] += 1
        if old != new:
            self._became[section][old, new] += 1
        if section == "arguments" or not predicted or not corrected:
            return
        borders = self._borders[section]
        borders["start_earlier"] += corrected.start < predicted.start
        borders["start_later"] += corrected.start > predicted.start
        borders["end_earlier"] += corrected.end < predicted.end
        borders["end_later"] += corrected.end > predicted.end
        default_values = self.defaults.get("entities" if section == "entities" else "events", {})
        changed = {one.name: (one.predicted, one.corrected) for one in change.attributes}
        for name in {*default_values, *predicted.attributes, *corrected.attributes}:
            value = predicted.attributes.get(name, default_values.get(name))
            found = self._attributes.setdefault((section, name), Counter())
            found[changed.get(name, (value, value))] += 1


class _Tally:
    """The counts of one group."""

    def __init__(self) -> None:
        self.annotations = 0
        self.fates: Counter[tuple[Section, str]] = Counter()
        self.seconds: list[float] = []
        self.strange: Counter[str] = Counter()
        self.cost, self.blank = 0, 0

    def add(self, fates: Counter[tuple[Section, str]], spent: int, blank: int, seconds: float | None) -> None:
        self.annotations += 1
        self.fates.update(fates)
        self.cost, self.blank = self.cost + spent, self.blank + blank
        if (strange := strange_time(seconds)) is not None:
            self.strange[strange] += 1
        elif seconds is not None:
            self.seconds.append(seconds)

    def group(self) -> Group:
        fates = {
            section: _fates(Counter({fate: count for (of, fate), count in self.fates.items() if of == section}))
            for section in SECTIONS
        }
        return Group(
            annotations=self.annotations,
            entities=fates["entities"],
            triggers=fates["triggers"],
            arguments=fates["arguments"],
            times=Times(
                seconds=quartiles(self.seconds),
                timed=len(self.seconds),
                no_time=self.strange["no_time"],
                zero_times=self.strange["zero_times"],
                long_times=self.strange["long_times"],
            ),
            effort=Effort(
                cost=self.cost,
                blank_cost=self.blank,
                ratio=round(self.cost / self.blank, 4) if self.blank else None,
            ),
        )


def _fates(found: Counter[str]) -> Fates:
    predicted = found.total() - found["added"]
    return Fates(
        predicted=predicted,
        kept=found["kept"],
        attributes=found["attributes"],
        type=found["type"],
        border=found["border"],
        type_and_border=found["type and border"],
        removed=found["removed"],
        added=found["added"],
        acceptance=rounded(found["kept"] / predicted, 4) if predicted else None,
    )


def _became(found: Counter[tuple[str | None, str | None]]) -> tuple[Became, ...]:
    """What labels or values became, the most frequent first; unchanged ones are left out."""
    changed = [(count, *labels) for labels, count in found.items() if labels[0] != labels[1]]
    changed.sort(key=lambda row: (-row[0], row[1] or "", row[2] or ""))
    return tuple(Became(said=predicted, made=corrected, count=count) for count, predicted, corrected in changed)


def _week(time: datetime | None) -> str:
    if time is None:
        return _NO_WEEK
    year, week, _ = time.astimezone(UTC).isocalendar()
    return f"{year}-W{week:02}"
