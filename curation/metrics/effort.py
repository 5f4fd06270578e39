"""Correction effort: what an annotator does in the editor to turn a prediction into the gold, in clicks and keys; and
the lead times that Label Studio measured.

The clicks and keys are an upper bound: items pair as `curation.metrics.matching.match` pairs them, and an annotator who
finds a shorter way needs less. Reading and deciding are not counted; they are the same with a prediction and without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from statistics import quantiles
from typing import Any, Literal, NamedTuple

from curation.annotation import Annotation
from curation.metrics.matching import ItemT, Labelled, Pair, Part, match
from curation.schema import LabelSchema


class Action(NamedTuple):
    """What one action in Label Studio's editor costs: clicks and keys (a drag is two: press and let go), and why."""

    cost: int
    why: str


ACTIONS = {
    "add span": Action(3, "the label's hotkey, a drag over the words"),
    "choose span": Action(1, "a click on it, once for whatever is then done to it"),
    "delete span": Action(1, "Backspace; its arguments go with it"),
    "relabel": Action(1, "the hotkey of the right label"),
    "set attribute": Action(1, "a click on the value"),
    "add argument": Action(6, "click the trigger, Alt+R, click the filler; in its list: open, unfold, pick the role"),
    "change role": Action(4, "in the list of relations: open, unfold, pick the right role, drop the wrong one"),
    "remove argument": Action(1, "a click on its bin in the list of relations"),
}
"""The editor's actions, for Label Studio 1.23. A span's borders cannot be dragged there: one that is wrong is deleted,
its arguments with it, and marked anew. The labels have hotkeys, and the list of relations stays open once opened."""

Actions = Counter[tuple[Part, str]]
Defaults = Mapping[str, Mapping[str, str]]
"""`entities` and `events` → attribute → the value that an item without it has."""


def defaults(schema: LabelSchema) -> Defaults:
    """The values that items have if an attribute is not set."""
    return {
        kind: {attribute.name: attribute.default for attribute in schema.attributes if attribute.of == kind}
        for kind in ("entities", "events")
    }


def actions(gold: Annotation, predicted: Annotation | None, defaults: Defaults) -> Actions:
    """How often each action is needed to turn `predicted`, or an empty page, into `gold`."""
    entities = match(gold.entities, predicted.entities if predicted else ())
    events = match(gold.events, predicted.events if predicted else ())
    done = _spans("entities", entities, defaults.get("entities", {}))
    done += _spans("events", events, defaults.get("events", {}))
    pairs: tuple[Pair[Any], ...] = (*entities, *events)
    partners = {
        pair.other.id: pair.reference.id
        for pair in pairs
        if pair.other and pair.reference and _same_borders(pair.reference, pair.other)
    }
    return done + _arguments(gold, predicted, partners)


def cost(done: Actions, sections: Collection[Part]) -> int:
    """Clicks and keys of the actions in these sections."""
    return sum(ACTIONS[name].cost * count for (section, name), count in done.items() if section in sections)


def _spans(section: Part, pairs: Sequence[Pair[ItemT]], defaults: Mapping[str, str]) -> Actions:
    done: Counter[str] = Counter()
    for pair in pairs:
        gold, predicted = pair.reference, pair.other
        needed: Counter[str] = Counter()
        if gold is None:
            needed["delete span"] = 1
        elif predicted is None:
            done["add span"] += 1
            needed["set attribute"] = _attributes(gold.attributes, {}, defaults)
        elif not _same_borders(gold, predicted):
            done["choose span"] += 1
            done["delete span"] += 1
            done["add span"] += 1
            needed["set attribute"] = _attributes(gold.attributes, {}, defaults)
        else:
            needed["relabel"] = int(gold.type != predicted.type)
            needed["set attribute"] = _attributes(gold.attributes, predicted.attributes, defaults)
        if needed := +needed:
            done.update(needed)
            done["choose span"] += 1
    return Counter({(section, name): count for name, count in done.items()})


def _same_borders(one: Labelled, two: Labelled) -> bool:
    return (one.start, one.end) == (two.start, two.end)


def _attributes(gold: Mapping[str, str], predicted: Mapping[str, str], defaults: Mapping[str, str]) -> int:
    names = {*defaults, *gold, *predicted}
    return sum(gold.get(name, defaults.get(name)) != predicted.get(name, defaults.get(name)) for name in names)


def _arguments(gold: Annotation, predicted: Annotation | None, partners: Mapping[str, str]) -> Actions:
    """Arguments at a span that is deleted go with it; the others stay where their trigger and filler stay."""
    wanted = {(event.id, argument.filler, argument.role) for event in gold.events for argument in event.arguments}
    there = {
        (partners[event.id], partners[argument.filler], argument.role)
        for event in (predicted.events if predicted else ())
        for argument in event.arguments
        if event.id in partners and argument.filler in partners
    }
    missing = Counter((event, filler) for event, filler, _ in wanted - there)
    surplus = Counter((event, filler) for event, filler, _ in there - wanted)
    changed = missing & surplus
    done: Actions = Counter()
    done["arguments", "change role"] = changed.total()
    done["arguments", "add argument"] = (missing - changed).total()
    done["arguments", "remove argument"] = (surplus - changed).total()
    return +done


LONGEST = 4 * 3600.0
"""Seconds above which a lead time means that the page was left open."""

Strange = Literal["no_time", "zero_times", "long_times"]


def strange_time(seconds: float | None) -> Strange | None:
    """Why a lead time is implausible: missing, below a second, above `LONGEST`; None: it is plausible."""
    if seconds is None:
        return "no_time"
    if seconds < 1:
        return "zero_times"
    return "long_times" if seconds > LONGEST else None


def quartiles(values: list[float]) -> tuple[float, float, float] | None:
    """Lower quartile, median and upper quartile; None if there are no values."""
    if not values:
        return None
    low, middle, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return round(low, 1), round(middle, 1), round(high, 1)
