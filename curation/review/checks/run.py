"""All checks over a corpus: every document is read twice, first to learn what is usual, then to doubt."""

from __future__ import annotations

from collections.abc import Collection

from curation.review.checks.borders import Borders
from curation.review.checks.document import Document
from curation.review.checks.doubt import KINDS, Doubt, Hint, Kind, gather
from curation.review.checks.structure import structure
from curation.review.checks.usual import Usual
from curation.schema import LabelSchema


class Checks:
    """Call `learn` with every document, then `doubts` with each of the same.

    Args:
        schema: the label schema, or None where the labels are another ontology's: some checks are then left out.
        kinds: only these kinds; none: all.
        dismissed: ids that are not to be found again.
    """

    def __init__(
        self,
        schema: LabelSchema | None,
        *,
        kinds: Collection[Kind] = (),
        dismissed: Collection[str] = (),
    ) -> None:
        self.schema = schema
        self.kinds = frozenset(kinds or KINDS)
        self.dismissed = frozenset(dismissed)
        self._usual = Usual(schema)
        self._borders = Borders()

    def learn(self, document: Document) -> None:
        """Take in what is usual."""
        self._usual.learn(document)
        self._borders.learn(document)

    def doubts(self, document: Document) -> list[Doubt]:
        """What is perhaps a mistake in a document, by place in the text."""
        hints = [hint for hint in self._hints(document) if hint.kind in self.kinds]
        return gather(document.said, hints, self.dismissed)

    def _hints(self, document: Document) -> list[Hint]:
        hints = [*self._usual.hints(document), *self._borders.hints(document)]
        if self.schema is not None:
            hints += structure(document, self.schema)
        return hints
