"""BIO tags: `B-TYPE` on the first token of a span, `I-TYPE` on the others, `O` elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from curation.annotation import Item
from curation.formats.loss import Loss
from curation.formats.tokens import Tokens


def tags_of(items: Iterable[Item], tokens: Tokens) -> list[str]:
    """The tag of each token. The items are of whole tokens and do not overlap."""
    tags = ["O"] * len(tokens.all)
    for item in items:
        place = tokens.exactly(item.start, item.end)
        if place is not None:
            first, behind = place
            tags[first:behind] = [f"B-{item.type}", *[f"I-{item.type}"] * (behind - first - 1)]
    return tags


def spans_of(sentences: Iterable[Sequence[str]], tokens: Tokens, lost: Loss) -> Iterator[tuple[int, int, str]]:
    """The spans that tags stand for, sentence by sentence, as start, end and type.

    An `I-` that continues nothing begins a span of its own, as in files of the older IOB1 kind; a tag that is none of
    `B-`, `I-` and `O` is lost.
    """
    first = 0
    for tags in sentences:
        begin, label = 0, ""
        for place, tag in enumerate([*tags, "O"]):
            mark, _, type_ = tag.partition("-")
            known = (mark in ("B", "I") and type_ != "") or tag == "O"
            lost.add("tags", not known)
            if label and (mark != "I" or type_ != label or not known):
                yield *tokens.span(first + begin, first + place), label
                label = ""
            if known and tag != "O" and not label:
                begin, label = place, type_
        first += len(tags)
