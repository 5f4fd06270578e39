"""The tokens of a zone, so that junk takes hardly longer than prose.

spaCy's tokenizer takes a word's punctuation off mark by mark and looks at the whole rest each time, and the rules climb
a sentence's tree from each of its words: both take the square of the length. So words and sentences that no one wrote
are cut.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from spacy.tokens import Doc

MAX_WORD = 500
"""Longest stretch without white space that is looked at as one, in code points: addresses of pages are long, too."""
MAX_SENTENCE = 400
"""Most tokens of a sentence: lists of names are long, too."""

_ENDS = frozenset(".?!")
_PIECE = re.compile(rf"\S{{{MAX_WORD}}}")


def tokens(nlp: Any, text: str) -> Doc:
    """`text` as a document of `nlp` that the pipeline has not read yet."""
    cuts = [0, *(found.end() for found in _PIECE.finditer(text)), len(text)]
    pieces = [nlp.make_doc(text[start:end]) for start, end in pairwise(cuts) if start < end]
    made = pieces[0] if len(pieces) == 1 else Doc.from_docs(pieces, ensure_whitespace=False)
    last = 0
    for token in made:
        if token.i - last >= MAX_SENTENCE:
            token.is_sent_start = True
        if token.is_sent_start or token.text in _ENDS:
            last = token.i
    return made
