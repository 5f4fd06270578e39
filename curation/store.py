"""Records on disk that are looked up by id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from curation.annotation import Annotation
from curation.article import Article
from curation.errors import BadInput
from curation.files import json_object, read_lines


class AnnotationFile:
    """A .jsonl file of annotations, looked up by article. Only offsets are kept in memory.

    Raises:
        BadInput: the file cannot be read, a line is not an annotation, or an article has two annotations.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[str, tuple[int, str]] = {}
        for position, number, annotation in self._all():
            if annotation.article_id in self._places:
                what, way_out = (
                    f"article {annotation.article_id} is annotated twice",
                    "keep one annotation of each article",
                )
                raise BadInput(what, path=path, line=number, way_out=way_out)
            self._places[annotation.article_id] = position, annotation.text_sha256

    def _all(self) -> Iterator[tuple[int, int, Annotation]]:
        position = 0
        for number, raw in read_lines(self.path):
            if raw.strip():
                yield position, number, self._read(raw, number)
            position += len(raw)

    def _read(self, raw: bytes, line: int | None = None) -> Annotation:
        return Annotation.from_record(json_object(raw, path=self.path, line=line), path=self.path, line=line)

    @property
    def articles(self) -> set[str]:
        """Ids of the annotated articles."""
        return set(self._places)

    def of(self, article: Article) -> Annotation | str:
        """The annotation of `article`, or the reason why there is none."""
        if article.id not in self._places:
            return f"is not annotated in {self.path.name}"
        if self._places[article.id][1] != article.text_sha256:
            return f"was annotated in {self.path.name} on another revision of its text"
        return self.get(article.id)

    def get(self, article_id: str) -> Annotation:
        """The annotation of the article with this id, for any revision. Raises KeyError if there is none."""
        with self.path.open("rb") as file:
            file.seek(self._places[article_id][0])
            return self._read(file.readline())
