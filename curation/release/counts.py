"""Counts of a release, taken from its Arrow tables as they are written or read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curation.metrics.corrections import FATES
from curation.release.manifest import Counts
from curation.release.rows import CORRECTIONS, DOCUMENTS, Labels
from curation.release.sentences import LOSSES
from curation.release.splits import SPLITS

BIN = 500
"""Width of one bin of the lengths, in characters."""

_CHANGES = ("kept", "attributes", *(change for change in FATES.values() if change != "kept"))

_BY_VALUE = {
    "annotators": "annotator",
    "states": "state",
    "chosen": "chosen",
    "schemas": "schema",
    "licences": "licence",
    "sources": "source",
    "languages": "language",
}


class Counting:
    """Adds up tables of all configs, which hold ClassLabel integers."""

    def __init__(self, labels: Labels) -> None:
        self._names = labels.names
        self._by_split: dict[str, dict[str, Counter[str]]] = {
            kind: defaultdict(Counter) for kind in ("entities", "events", "arguments", "origins")
        }
        self._by_value: dict[str, Counter[str]] = {kind: Counter() for kind in _BY_VALUE}
        self._articles = dict.fromkeys(SPLITS, 0)
        self._characters = dict.fromkeys(SPLITS, 0)
        self._rows: dict[str, Counter[str]] = {}
        self._lost = dict.fromkeys(LOSSES, 0)
        self._corrections: dict[str, Counter[str]] = defaultdict(Counter)
        self._lengths: Counter[int] = Counter()
        self._timeline: Counter[str] = Counter()
        self._preannotated = 0
        self._published: list[Any] = []

    def add(self, config: str, table: pa.Table, split: str) -> None:
        """Count the rows of `table`, which are in `split` of `config`."""
        if config == DOCUMENTS:
            self._documents(table, split)
            return
        self._rows.setdefault(config, Counter())[split] += table.num_rows
        if config == CORRECTIONS and table.num_rows:
            for group in table.group_by(["item", "change"]).aggregate([([], "count_all")]).to_pylist():
                self._corrections[group["item"]][group["change"]] += group["count_all"]

    def _documents(self, table: pa.Table, split: str) -> None:
        self._articles[split] += table.num_rows
        lengths = pc.utf8_length(table["text"])
        self._characters[split] += pc.sum(lengths).as_py() or 0
        for step, count in _values(pc.divide(lengths, BIN)).items():
            self._lengths[int(step) * BIN] += count
        months = pc.strftime(table["published"], format="%Y-%m")
        self._timeline.update({month: count for month, count in _values(months).items() if month})
        self._preannotated += table.num_rows - table["parent"].null_count
        for kind, column in _BY_VALUE.items():
            self._by_value[kind].update(_values(table[column]))
        bounds = pc.min_max(table["published"]).as_py()
        self._published += [time for time in bounds.values() if time is not None]
        entities, events = pc.list_flatten(table["entities"]), pc.list_flatten(table["events"])
        arguments = pc.list_flatten(pc.struct_field(events, "arguments"))
        for kind, items, label, column in (
            ("entities", entities, "type", "entities.type"),
            ("events", events, "type", "events.type"),
            ("arguments", arguments, "role", "events.arguments.role"),
        ):
            for code, count in _values(pc.struct_field(items, label)).items():
                self._by_split[kind][self._names[column][int(code)]][split] += count
            self._by_split["origins"][kind].update(_values(pc.struct_field(items, "origin")))

    def lost(self, losses: Mapping[str, int]) -> None:
        """Count what sentences cannot hold, by the names of `LOSSES`."""
        for name in self._lost:
            self._lost[name] += losses[name]

    def counts(self) -> Counts:
        """All counts, keys in a fixed order: labels as in their lists, the rest alphabetically."""
        orders = {
            "entities": self._names["entities.type"],
            "events": self._names["events.type"],
            "arguments": self._names["events.arguments.role"],
        }
        held = {kind: {name: dict(self._by_split[kind][name]) for name in order} for kind, order in orders.items()}
        days = [time.isoformat() for time in (min(self._published), max(self._published))] if self._published else []
        return Counts(
            articles=self._articles,
            characters=self._characters,
            **held,
            origins={kind: dict(sorted(self._by_split["origins"][kind].items())) for kind in orders},
            **{kind: dict(sorted(found.items())) for kind, found in self._by_value.items()},
            rows={"documents": self._articles, **{config: dict(found) for config, found in self._rows.items()}},
            lost=self._lost,
            corrections={
                item: {change: found[change] for change in _CHANGES if found[change]}
                for item in ("entity", "event", "argument")
                if (found := self._corrections[item])
            },
            lengths={str(start): self._lengths[start] for start in sorted(self._lengths)},
            timeline=dict(sorted(self._timeline.items())),
            preannotated=self._preannotated,
            first_published=days[0] if days else None,
            last_published=days[1] if days else None,
        )


def _values(column: Any) -> Counter[str]:
    """Value → count; "" for null."""
    found: Counter[str] = Counter()
    for group in pc.value_counts(column).to_pylist():
        found["" if group["values"] is None else str(group["values"])] += group["counts"]
    return found
