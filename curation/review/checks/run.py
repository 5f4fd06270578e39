"""All checks over a corpus: every document is read twice, first to learn what is usual, then to doubt."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from curation.review.checks.borders import Borders
from curation.review.checks.consistency import CONSISTENCY, Consistency
from curation.review.checks.document import Document
from curation.review.checks.doubt import KINDS, Doubt, Hint, Kind, gather
from curation.review.checks.engine import SecondOpinion
from curation.review.checks.links import LIKE, Links
from curation.review.checks.structure import structure
from curation.review.checks.tokens import Tokens
from curation.review.checks.usual import USUAL, Usual
from curation.schema import LabelSchema


class Family(Protocol):
    """Checks of one kind: they learn from every document, then doubt."""

    def learn(self, document: Document) -> None:
        """Take in one document."""

    def hints(self, document: Document) -> Iterable[Hint]:
        """What is doubtful in one document."""


FAMILIES: tuple[tuple[Callable[[LabelSchema | None], Family], frozenset[Kind]], ...] = (
    (Usual, frozenset(USUAL)),
    (lambda schema: Borders(), frozenset({"border"})),
    (lambda schema: Consistency(), frozenset(CONSISTENCY)),
    (lambda schema: Links(), frozenset(LIKE)),
    (lambda schema: SecondOpinion(), frozenset({"engine"})),
    (lambda schema: Tokens(), frozenset({"tokens"})),
)


class Checks:
    """Call `learn` with every document, then `doubts` with each of the same.

    Args:
        schema: the label schema, or None where the labels are another ontology's: some checks are then left out.
        kinds: only these kinds; none: all but `tokens`, which must be asked for.
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
        self.kinds = frozenset(kinds or set(KINDS) - {"tokens"})
        self.dismissed = frozenset(dismissed)
        self._families = [make(schema) for make, makes in FAMILIES if makes & self.kinds]

    def learn(self, document: Document) -> None:
        """Take in what is usual."""
        for family in self._families:
            family.learn(document)

    def doubts(self, document: Document) -> list[Doubt]:
        """What is perhaps a mistake in a document, by place in the text."""
        hints = [hint for hint in self._hints(document) if hint.kind in self.kinds]
        return gather(document.said, hints, self.dismissed)

    def _hints(self, document: Document) -> list[Hint]:
        hints = [hint for family in self._families for hint in family.hints(document)]
        if self.schema is not None:
            hints += structure(document, self.schema)
        return hints
