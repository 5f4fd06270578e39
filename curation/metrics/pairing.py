"""Which annotations can be compared: those of one text, with one version of the label schema, by two or more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from curation.annotation import Annotation
from curation.article import Value
from curation.schema import LabelSchema, parse_version
from curation.schema_migration import migrate

Reason = Literal["alone", "other text", "other schema", "nobody known"]
SHOWN = 5
"""How many articles a reason names; all are counted."""
_WORDS: dict[Reason, str] = {
    "alone": "nobody else annotated the article",
    "other text": "the others annotated another revision of the text",
    "other schema": "made with another label schema than the others', and no migration leads from one to the other",
    "nobody known": "the account is deleted, so who made it is not known",
}


class LeftOut(Value):
    """Annotations of `annotator` that were not compared, and why; the first few of the articles."""

    annotator: str
    reason: Reason
    annotations: int
    articles: tuple[str, ...]

    def __str__(self) -> str:
        more = "" if self.annotations <= len(self.articles) else ", …"
        several = "annotation" if self.annotations == 1 else "annotations"
        return (
            f"{self.annotator}: {self.annotations} {several} not compared: {_WORDS[self.reason]} "
            f"({', '.join(self.articles)}{more})"
        )


class Together(NamedTuple):
    """One article revision with the annotations of two or more annotators, in the order of `names`.

    `length` is that of the text in code points; None if the text is not available.
    """

    article_id: str
    text_sha256: str
    length: int | None
    names: tuple[str, ...]
    annotations: tuple[Annotation, ...]


class Gathering:
    """Takes articles one by one, and counts annotations by annotator and those that cannot be compared."""

    def __init__(self, schema: LabelSchema) -> None:
        self.schema = schema
        self.annotated: Counter[str] = Counter()
        """Annotator → annotations seen."""
        self.compared: Counter[str] = Counter()
        """Annotator → annotations that are compared with another's."""
        self.undecided = 0
        """Items of a type that was split since, where no case of the migration fits: they keep their old type."""
        self._left_out: Counter[tuple[str, Reason]] = Counter()
        self._articles: dict[tuple[str, Reason], list[str]] = {}

    def add(self, annotations: Iterable[tuple[str, Annotation]], lengths: Mapping[str, int]) -> list[Together]:
        """The annotations of one article that can be compared, revision by revision.

        Args:
            annotations: annotator and annotation, by time: of two by the same on the same text the last counts.
            lengths: hash of each available text → its length in code points.
        """
        of_text: dict[str, dict[str, Annotation]] = {}
        for name, annotation in annotations:
            of_text.setdefault(annotation.text_sha256, {})[name] = annotation
        everyone = {name for by_name in of_text.values() for name in by_name}
        found = []
        for text_sha256, by_name in of_text.items():
            self.annotated.update(by_name.keys())
            alike = self._of_one_schema(by_name)
            if len(alike) > 1:
                names = tuple(sorted(alike))
                article_id = alike[names[0]].article_id
                self.compared.update(names)
                together = tuple(alike[name] for name in names)
                found.append(Together(article_id, text_sha256, lengths.get(text_sha256), names, together))
            else:
                reason: Reason = "alone" if everyone == {*alike} else "other text"
                for name, annotation in alike.items():
                    self.leave_out(name, reason if len(by_name) == 1 else "other schema", annotation.article_id)
        return found

    def leave_out(self, name: str, reason: Reason, article_id: str) -> None:
        """Count one annotation that is not compared."""
        self._left_out[name, reason] += 1
        named = self._articles.setdefault((name, reason), [])
        if len(named) < SHOWN:
            named.append(article_id)

    def left_out(self) -> tuple[LeftOut, ...]:
        """All that was left out, by annotator and reason."""
        return tuple(
            LeftOut(annotator=name, reason=reason, annotations=count, articles=tuple(self._articles[name, reason]))
            for (name, reason), count in sorted(self._left_out.items())
        )

    def _of_one_schema(self, by_name: Mapping[str, Annotation]) -> dict[str, Annotation]:
        """Those of the version that most were made with, carried to our schema's where its migrations lead there."""
        carried = {}
        for name, annotation in by_name.items():
            carried[name], undecided = migrate(annotation, self.schema)
            self.undecided += len(undecided)
        versions = Counter(annotation.schema_ref for annotation in carried.values())
        if len(versions) < 2:
            return carried
        counts = max(versions, key=lambda ref: (versions[ref], ref == self.schema.ref, _version(ref)))
        for name, annotation in carried.items():
            if annotation.schema_ref != counts:
                self.leave_out(name, "other schema", annotation.article_id)
        return {name: annotation for name, annotation in carried.items() if annotation.schema_ref == counts}


def _version(ref: str) -> tuple[tuple[int, int, int], str]:
    name, _, version = ref.partition("@")
    return parse_version(version), name
