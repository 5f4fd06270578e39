"""Checks of span borders: half words, white space, and words that are usually outside, or inside, of such spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from curation.annotation import Item
from curation.review.checks.document import Document, spot
from curation.review.checks.finding import Hint, Spot, doubtful

CERTAIN = 0.998
LEAST = 0.05
CLOSES = {")": "(", "]": "[", "”": "“", "’": "‘", "»": "«"}


class Borders:
    """Counts the words just inside and just outside of spans. Call `learn` with every document first."""

    def __init__(self) -> None:
        self._inside: Counter[tuple[str, str]] = Counter()
        self._outside: Counter[tuple[str, str]] = Counter()
        self._joined: Counter[tuple[str, str, str]] = Counter()
        self._cut: Counter[tuple[str, str, str, str]] = Counter()

    def learn(self, document: Document) -> None:
        """Count one document in."""
        for item in (*document.entities, *document.events):
            inside = document.inside(spot(item))
            words = [document.word(place) for place in inside]
            if not words:
                continue
            before, behind = document.word(inside.start - 1), document.word(inside.stop)
            self._outside["left", before] += 1
            self._outside["right", behind] += 1
            if len(words) > 1:
                self._inside["left", words[0]] += 1
                self._inside["right", words[-1]] += 1
            for left, right in pairwise(words):
                self._joined[item.type, left, right] += 1
            self._cut["left", item.type, before, words[0]] += 1
            self._cut["right", item.type, words[-1], behind] += 1

    def hints(self, document: Document) -> Iterator[Hint]:
        """Borders that are probably wrong in one document: at most one hint for each item."""
        for item in (*document.entities, *document.events):
            hints = [*self._ends(document, item), *self._words(document, item)]
            yield from sorted(hints, key=lambda hint: -hint.score)[:1]

    def _ends(self, document: Document, item: Item) -> Iterator[Hint]:
        (start, end), text = spot(item), document.text
        if text[start].isspace() or text[end - 1].isspace():
            yield _hint(document, item, CERTAIN, (start, end), "begins or ends with white space")
        elif (start and text[start - 1].isalnum() and text[start].isalnum()) or (
            end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
        ):
            yield _hint(document, item, CERTAIN, (start, end), "cuts a word in two")

    def _words(self, document: Document, item: Item) -> Iterator[Hint]:
        """Move each end by one word, in and out, and compare how often such words are inside and outside."""
        inside = document.inside(spot(item))
        if not inside:
            return
        words, numbers = document.words, (inside.start, inside.stop - 1)
        for side, edge, step in (("left", numbers[0], 1), ("right", numbers[1], -1)):
            word, out = document.word(edge), document.word(edge - step)
            if len(inside) > 1:
                into = document.word(edge + step)
                pair = (word, into) if side == "left" else (into, word)
                kept, moved = self._inside[side, word] - 1, self._outside[side, word]
                kept += self._joined[item.type, *pair] - 1
                moved += self._cut[side, item.type, *pair]
                if not word.isalnum() and self._closed(document, spot(item), word):
                    continue
                score = doubtful((kept + 0.3) / (kept + moved + 1))
                if score >= LEAST and moved > 1:
                    where = (words[edge + step][0], item.end) if side == "left" else (item.start, words[edge + step][1])
                    what = f"{'begins' if side == 'left' else 'ends'} with “{word}”, which usually stays outside"
                    yield _hint(document, item, score, where, what)
            pair = (out, word) if side == "left" else (word, out)
            joined, cut = self._joined[item.type, *pair], self._cut[side, item.type, *pair] - 1
            score = doubtful((cut + 0.3) / (cut + joined + 1))
            if joined > 1 and score >= LEAST:
                where = (words[edge - step][0], item.end) if side == "left" else (item.start, words[edge - step][1])
                yield _hint(document, item, score, where, f"leaves out “{out}”, which usually belongs to it")

    @staticmethod
    def _closed(document: Document, where: Spot, mark: str) -> bool:
        """Is the other half of a bracket or a quotation mark in the span?"""
        text = document.text[where[0] : where[1]]
        return any(mark in pair and pair[0] in text and pair[1] in text for pair in CLOSES.items())


def _hint(document: Document, item: Item, score: float, better: Spot, what: str) -> Hint:
    spots = (spot(item),) if better == spot(item) else (spot(item), better)
    return Hint("border", score, spots, (item.type,), f"{item.type} {document.quote(spot(item))} {what}.")
