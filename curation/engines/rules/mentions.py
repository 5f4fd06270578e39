"""A mention that the rules have found, and how sure the rule is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from curation.engines.rules.lexicon import Mention

# Scores order mentions by how they were found; they are no probabilities until they are calibrated.
LISTED, CUED, MODEL, ALIAS, HEADED, GENERIC, PRONOUN = 0.9, 0.85, 0.8, 0.75, 0.7, 0.45, 0.4


@dataclass(slots=True)
class Found:
    """A mention: tokens `[first, last)` of parse number `part`, its head token, type and how it was found.

    `kept`: whether it stands by itself; one that does not is kept only where it fills a role.
    """

    part: int
    first: int
    last: int
    head: int
    type: str
    kind: Mention
    score: float
    kept: bool = True


class Taken:
    """Which tokens of one parse names cover."""

    def __init__(self, names: Iterable[Found]) -> None:
        self.names = list(names)

    def add(self, item: Found) -> None:
        """Cover the tokens of one more name."""
        self.names.append(item)

    def overlaps(self, item: Found) -> bool:
        """Whether `item` shares a token with a name."""
        return any(name.first < item.last and item.first < name.last for name in self.names)

    def clashes(self, item: Found) -> bool:
        """Whether `item` has its head in a name; where it only crosses one's border its left edge gives way."""
        for name in self.names:
            if name.first <= item.head < name.last:
                return True
            if name.first < item.first < name.last <= item.head:
                item.first = name.last
        return False


def without_overlaps(found: Iterable[Found]) -> list[Found]:
    """One name for each stretch, the longest first, then the best score, then the earliest; in reading order."""
    kept: list[Found] = []
    taken = Taken(())
    for item in sorted(found, key=lambda item: (item.first - item.last, -item.score, item.first)):
        if not taken.overlaps(item):
            taken.add(item)
            kept.append(item)
    return sorted(kept, key=lambda item: item.first)
