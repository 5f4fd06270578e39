"""Mentions found by the rules, and which tokens they cover."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from curation.engines.rules.lexicon import MentionKind


class Source(Enum):
    """How a mention was found, with its score where no weights are fitted: it orders mentions, it is no probability."""

    LISTED = 0.9
    CUED = 0.85
    MODEL = 0.8
    ALIAS = 0.75
    HEADED = 0.7
    GENERIC = 0.45
    PRONOUN = 0.4


LISTED, CUED, MODEL, ALIAS, HEADED, GENERIC, PRONOUN = Source


@dataclass(slots=True)
class Mention:
    """Tokens `[first, last)` of zone number `zone`, with their head token and type.

    `kept`: whether the mention is annotated in any case; others are annotated only where they fill a role.
    """

    zone: int
    first: int
    last: int
    head: int
    type: str
    kind: MentionKind
    source: Source
    kept: bool = True


class TakenTokens:
    """The tokens of one parse that names cover."""

    def __init__(self, names: Iterable[Mention]) -> None:
        self.names = list(names)

    def add(self, item: Mention) -> None:
        """Cover the tokens of another name."""
        self.names.append(item)

    def overlaps(self, item: Mention) -> bool:
        """Whether `item` shares a token with a name."""
        return any(name.first < item.last and item.first < name.last for name in self.names)

    def clashes(self, item: Mention) -> bool:
        """Whether the head of `item` is in a name. If only its left edge is, the edge moves behind the name."""
        for name in self.names:
            if name.first <= item.head < name.last:
                return True
            if name.first < item.first < name.last <= item.head:
                item.first = name.last
        return False


def without_overlaps(found: Iterable[Mention]) -> list[Mention]:
    """Names without overlaps, in reading order: the longest wins, then the best source, then the earliest."""
    kept: list[Mention] = []
    taken = TakenTokens(())
    for item in sorted(found, key=lambda item: (item.first - item.last, -item.source.value, item.first)):
        if not taken.overlaps(item):
            taken.add(item)
            kept.append(item)
    return sorted(kept, key=lambda item: item.first)
