"""BIO tags of tokens, as conll and hf-ner have them.

We write BIO: `B-TYPE` on the first token of a span, `I-TYPE` on the others, `O` elsewhere. We also read IOB1, BIOES,
BILOU and BMES.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from curation.annotation import Item
from curation.article import Article
from curation.formats.format_loss import Loss
from curation.formats.registry import Format
from curation.formats.tokens import Tokens, tokenise
from curation.schema import LabelSchema

TAG = re.compile(r"O|([BIMELSUW])-(.+)")
"""A tag: its mark and its type, or `O`."""
_INSIDE, _END, _SINGLE = "IM", "EL", "SUW"


class TokenTags(Format):
    """Base class of formats with a tag for each token: our own tokens, or those the article was imported with.

    A subclass sets `capabilities` with `unit="sentences"` and `overlap="none"`, as tags cannot overlap.
    """

    def tokenise(self, article: Article, schema: LabelSchema) -> Tokens:
        """Our own tokens, or those the article was imported with."""
        return tokenise(article)


def tags_of(items: Iterable[Item], tokens: Tokens) -> list[str]:
    """The BIO tag of each token. The items are of whole tokens and do not overlap."""
    tags = ["O"] * len(tokens.all)
    for item in items:
        place = tokens.exactly(item.start, item.end)
        if place is not None:
            first, behind = place
            tags[first:behind] = [f"B-{item.type}", *[f"I-{item.type}"] * (behind - first - 1)]
    return tags


def spans_of(sentences: Iterable[Sequence[str]], tokens: Tokens, lost: Loss) -> Iterator[tuple[int, int, str]]:
    """The spans that tags mark, as start, end and type, sentence by sentence.

    Marks are B (begin), I or M (inside), E or L (last), S, U or W (a single token). One that continues nothing begins
    a span of its own, as in files of the older IOB1 kind. What is no tag counts as lost.
    """
    first = 0
    for tags in sentences:
        begin, label = 0, ""
        for place, tag in enumerate([*tags, "O"]):
            match = TAG.fullmatch(tag)
            lost.add("tags", match is None)
            mark, type_ = (match[1], match[2]) if match else (None, None)
            continues = mark is not None and mark in _INSIDE + _END and type_ == label
            if label and not continues:
                yield *tokens.span(first + begin, first + place), label
                label = ""
            if mark is not None and type_ is not None and not continues:
                begin, label = place, type_
            if label and mark is not None and mark in _END + _SINGLE:
                yield *tokens.span(first + begin, first + place + 1), label
                label = ""
        first += len(tags)
