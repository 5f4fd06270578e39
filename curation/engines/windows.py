"""Long texts for models that read only so much at once: windows that overlap, and what was found in them as one.

Every code point belongs to one window, from whose span of the text what starts there is taken; the neighbours see it
only as context. So nothing is found twice, and nothing that is cut at the edge of one window is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

SENTENCE_END = frozenset(".!?。؟…")


class Word(NamedTuple):
    """`[start, end)` of a word in code points, and how many pieces the model's tokenizer makes of it."""

    start: int
    end: int
    pieces: int


class Window(NamedTuple):
    """`[start, end)` of what the model reads, and `own`: where that starts which is taken from this window."""

    start: int
    end: int
    own: tuple[int, int]

    def owns(self, place: int) -> bool:
        """Whether a span that starts there is this window's to tell."""
        return self.own[0] <= place < self.own[1]


class Found(NamedTuple):
    """A span that a model found: `[start, end)` in the article, its label, how sure it is, in which window."""

    start: int
    end: int
    label: str
    score: float
    window: int


def windows(text: str, words: Sequence[Word], *, most_words: int, most_pieces: int, overlap: int) -> Iterator[Window]:
    """The windows of a text, in order; together they read every word of at most `most_pieces` pieces.

    A window ends after a sentence or a line where one ends in its last quarter, and the next begins up to `overlap`
    words before that. What starts in the first half of the overlap is the earlier window's.

    Args:
        text: the article's text.
        words: its words, as the model counts them.
        most_words: how many words a window holds.
        most_pieces: how many pieces.
        overlap: how many words two windows share.
    """
    first, own = 0, 0
    while first < len(words):
        last, pieces = first, 0
        while last < len(words) and last - first < most_words and pieces + words[last].pieces <= most_pieces:
            pieces += words[last].pieces
            last += 1
        if last == first:  # a word no window can hold
            own = words[first].end
            first += 1
            continue
        if last == len(words) or words[last].pieces > most_pieces:
            yield Window(words[first].start, words[last - 1].end, (own, words[last - 1].end))
            first, own = last, words[last - 1].end
            continue
        last = _sentence_end(text, words, first, last)
        following = last - min(overlap, (last - first) // 2)
        border = words[following + (last - following) // 2].start
        yield Window(words[first].start, words[last - 1].end, (own, border))
        first, own = following, border


def _sentence_end(text: str, words: Sequence[Word], first: int, last: int) -> int:
    for cut in range(last, first + 3 * (last - first) // 4, -1):
        word, behind = words[cut - 1], words[cut]
        if text[word.end - 1] in SENTENCE_END or "\n" in text[word.end : behind.start]:
            return cut
    return last


def resolve(found: Iterable[Found]) -> list[Found]:
    """One of each span and label, the surest; of spans of two windows that cross, the surer. Nested ones all stay."""
    best: dict[tuple[int, int, str], Found] = {}
    for one in found:
        before = best.get(one[:3])
        if before is None or one.score > before.score:
            best[one[:3]] = one
    kept: list[Found] = []
    for one in sorted(best.values(), key=lambda one: (one.start, one.end, one.label)):
        crossed = []
        for place in range(len(kept) - 1, -1, -1):  # spans of other windows reach back a few words only
            if kept[place].window < one.window - 1:
                break
            if kept[place].window != one.window and kept[place].start < one.start < kept[place].end < one.end:
                crossed.append(place)
        if all(kept[place].score < one.score for place in crossed):
            for place in crossed:
                del kept[place]
            kept.append(one)
    return sorted(kept, key=lambda one: (one.start, -one.end, one.label))
