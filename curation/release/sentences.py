"""The `sentences` config: one row a sentence, also of those without any event, for models that read tokens.

Tags are one a token, so of entities that nest or overlap the outermost is tagged, and of two with the same span the
first by type; the same goes for triggers. A span that begins or ends inside a token is widened to whole tokens. What
runs over the end of a sentence has no place here. All of that is counted, see `LOSSES`. `events` names every event
whose trigger is in the sentence, tagged or not, with the arguments whose fillers are. `features` declares the columns.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence

from curation.release.hashing import Row

Tokens = tuple[int, int, Sequence[tuple[int, int]]]
"""A sentence: `[start, end)` in code points of the text, and the same of each of its tokens."""

LOSSES = {
    "entities_inside": "entities that lie inside another or overlap one, not tagged",
    "entities_across": "entities that run over the end of a sentence or hold no token, left out",
    "entities_widened": "entities that begin or end inside a token, widened",
    "triggers_inside": "triggers that lie inside another or overlap one, not tagged",
    "triggers_across": "events whose trigger runs over the end of a sentence or holds no token, left out",
    "triggers_widened": "triggers that begin or end inside a token, widened",
    "arguments_across": "arguments whose filler is in another sentence than the trigger, or was left out",
}
"""What tags and sentences cannot hold, in words."""


def sentence_rows(document: Row, layout: Sequence[Tokens]) -> tuple[list[Row], Counter[str]]:
    """The rows (with names) of a document's sentences, which `layout` gives in order, and the losses counted."""
    lost: Counter[str] = Counter()
    entities = _placed(document["entities"], layout, "entities", lost)
    triggers = _placed(document["events"], layout, "triggers", lost)
    placed = entities | triggers
    items = {item["id"]: item for item in (*document["entities"], *document["events"])}
    by_sentence: list[tuple[list[Row], list[Row]]] = [([], []) for _ in layout]
    for side, (section, found) in enumerate((("entities", entities), ("events", triggers))):
        for item in document[section]:
            if item["id"] in found:
                by_sentence[found[item["id"]][0]][side].append(item)
    rows = []
    for number, (start, end, tokens) in enumerate(layout):
        here = by_sentence[number]
        tags, inside = _tagged(here[0], placed, len(tokens))
        trigger_tags, triggers_inside = _tagged(here[1], placed, len(tokens))
        lost["entities_inside"] += inside
        lost["triggers_inside"] += triggers_inside
        events = []
        for event in here[1]:
            _, first, behind = placed[event["id"]]
            arguments = []
            for argument in event["arguments"]:
                filler = placed.get(argument["filler"])
                if filler is None or filler[0] != number:
                    lost["arguments_across"] += 1
                    continue
                item = items[argument["filler"]]
                span = {"first": filler[1], "behind": filler[2], "text": item["text"]}
                arguments.append(
                    {"role": argument["role"], **span, "type": item["type"], "kind": argument["filler_kind"]}
                )
            span = {"first": first, "behind": behind, "text": event["text"]}
            events.append({"id": event["id"], "type": event["type"], **span, "arguments": arguments})
        rows.append(
            {
                "id": document["id"],
                "number": number,
                "start": start,
                "end": end,
                "text": document["text"][start:end],
                "zone": _zone(document["zones"], start, end),
                "tokens": [document["text"][first:last] for first, last in tokens],
                "starts": [first for first, _ in tokens],
                "ends": [last for _, last in tokens],
                "tags": tags,
                "trigger_tags": trigger_tags,
                "events": events,
            }
        )
    for event in document["events"]:
        if event["id"] not in triggers:
            lost["arguments_across"] += len(event["arguments"])
    return rows, lost


def _placed(
    items: Sequence[Row], layout: Sequence[Tokens], what: str, lost: Counter[str]
) -> dict[str, tuple[int, int, int]]:
    """Id → sentence, first token, one behind the last, of what lies in one sentence."""
    starts = [start for start, _, _ in layout]
    found = {}
    for item in items:
        number = bisect_right(starts, item["start"]) - 1
        tokens = layout[number][2] if number >= 0 else ()
        first = bisect_right(tokens, item["start"], key=lambda token: token[1])
        behind = bisect_left(tokens, item["end"], key=lambda token: token[0])
        if number < 0 or item["end"] > layout[number][1] or first >= behind:
            lost[f"{what}_across"] += 1
            continue
        lost[f"{what}_widened"] += (tokens[first][0], tokens[behind - 1][1]) != (item["start"], item["end"])
        found[item["id"]] = number, first, behind
    return found


def _tagged(items: Sequence[Row], placed: dict[str, tuple[int, int, int]], count: int) -> tuple[list[str], int]:
    """BIO tags of one sentence, and how many items have no place in them."""
    tags, free, inside = ["O"] * count, 0, 0
    for item in sorted(
        items, key=lambda held: (placed[held["id"]][1], -placed[held["id"]][2], held["type"], held["id"])
    ):
        _, first, behind = placed[item["id"]]
        if first < free:
            inside += 1
            continue
        tags[first:behind] = [f"B-{item['type']}", *[f"I-{item['type']}"] * (behind - first - 1)]
        free = behind
    return tags, inside


def _zone(zones: Sequence[Row], start: int, end: int) -> str | None:
    """The zone that has most of the sentence, the first of equals."""
    shared = [(min(zone["end"], end) - max(zone["start"], start), zone["kind"]) for zone in zones]
    best = max(shared, key=lambda overlap: overlap[0], default=(0, None))
    return best[1] if best[0] > 0 else None
