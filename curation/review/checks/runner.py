"""All checks over a corpus. Every document is read twice: first to learn what is usual, then to find what differs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from importlib.util import find_spec
from typing import Protocol

from curation.review.checks.argument_checks import ARGUMENTS, ArgumentChecks
from curation.review.checks.borders import Borders
from curation.review.checks.consistency import CONSISTENCY, Consistency
from curation.review.checks.document import Document
from curation.review.checks.finding import KINDS, Finding, Hint, Kind, gather
from curation.review.checks.learned_checks import LEARNED, LearnedChecks, WordChecks
from curation.review.checks.second_opinion import SecondOpinion
from curation.schema import LabelSchema


class Family(Protocol):
    """Related checks: they learn from every document, then give hints."""

    def learn(self, document: Document) -> None:
        """Take in one document."""

    def hints(self, document: Document) -> Iterable[Hint]:
        """What is probably wrong in one document."""


FAMILIES: tuple[tuple[Callable[[LabelSchema | None], Family], frozenset[Kind]], ...] = (
    (LearnedChecks, frozenset(LEARNED)),
    (lambda schema: Borders(), frozenset({"border"})),
    (lambda schema: Consistency(), frozenset(CONSISTENCY)),
    (ArgumentChecks, frozenset(ARGUMENTS)),
    (lambda schema: SecondOpinion(), frozenset({"engine"})),
    (lambda schema: WordChecks(), frozenset({"tokens"})),
)


class Checks:
    """Call `learn` with every document, then `findings` with each of the same documents.

    Args:
        schema: the label schema; None if the labels are those of another ontology: some checks are then left out.
        kinds: only these kinds; default: all but `tokens`.
        dismissed: ids of findings that are left out.

    Attributes:
        missing: one sentence on the checks that need an extra that is not installed, or None.
    """

    def __init__(
        self,
        schema: LabelSchema | None,
        *,
        kinds: Collection[Kind] = (),
        dismissed: Collection[str] = (),
    ) -> None:
        self.kinds = frozenset(kinds or set(KINDS) - {"tokens"})
        self.dismissed = frozenset(dismissed)
        self.missing: str | None = None
        families = [(make, makes) for make, makes in FAMILIES if makes & self.kinds]
        if find_spec("sklearn") is None and any(make is LearnedChecks for make, _ in families):
            families = [(make, makes) for make, makes in families if make is not LearnedChecks]
            self.missing = (
                "scikit-learn is not installed: only the checks by rules were run; pip install 'curation[checks]'"
            )
        self._families = [make(schema) for make, _ in families]

    def learn(self, document: Document) -> None:
        """Take in one document."""
        for family in self._families:
            family.learn(document)

    def findings(self, document: Document) -> list[Finding]:
        """The probable mistakes in a document, in the order of its text."""
        hints = [hint for family in self._families for hint in family.hints(document) if hint.kind in self.kinds]
        return gather(document.said, hints, self.dismissed)
