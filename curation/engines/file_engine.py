"""A file of annotations as an engine: what was made elsewhere goes the same way as what an engine makes here."""

from __future__ import annotations

import hashlib
from pathlib import Path

from curation.annotation import Annotation, Annotator, annotation_id
from curation.annotation_file import AnnotationFile
from curation.article import Article
from curation.check import check
from curation.engines.engine import Engine
from curation.errors import BadInput, EngineError
from curation.schema import LabelSchema

VERSION = "1.0.0"


class FileEngine(Engine):
    """Says of an article what a file says of it. Only places in the file are kept in memory.

    Args:
        schema: the labels that may occur.
        lexicon: unread.
        model: the file, one annotation a line, at most one of each article.

    Raises:
        EngineError: no file is named.
        BadInput: the file cannot be used; names the line and the field.
    """

    def __init__(self, schema: LabelSchema, *, lexicon: Path | None, model: str | None = None) -> None:
        if not model:
            raise EngineError("engine annotations needs a file; name it with --model FILE.jsonl")
        self.schema = schema
        self.file = AnnotationFile(Path(model))
        self.annotator = Annotator(kind="engine", name="annotations", version=f"{VERSION}+{_digest(Path(model))}")

    def __call__(self, article: Article) -> Annotation:
        """The file's annotation as a prediction; items keep their origin, or have the file's annotator as theirs.

        Raises:
            EngineError: there is none of this text, or it does not fit the text or the schema.
        """
        try:
            found = self.file.of(article)
        except BadInput as error:  # the file was changed meanwhile
            raise EngineError(str(error)) from error
        if isinstance(found, str):
            raise EngineError(found)
        if findings := check(found, article, self.schema):
            more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
            item = f"{findings[0].item}: " if findings[0].item else ""
            raise EngineError(f"{self.file.path.name}: {item}{findings[0].message}{more}")
        key = found.annotator.key
        return Annotation(
            id=annotation_id(article.id, article.text_sha256, self.annotator.key, self.schema.ref),
            article_id=article.id,
            text_sha256=article.text_sha256,
            schema_ref=self.schema.ref,
            annotator=self.annotator,
            entities=tuple(entity.model_copy(update={"origin": entity.origin or key}) for entity in found.entities),
            events=tuple(
                event.model_copy(
                    update={
                        "origin": event.origin or key,
                        "arguments": tuple(
                            argument.model_copy(update={"origin": argument.origin or key})
                            for argument in event.arguments
                        ),
                    }
                )
                for event in found.events
            ),
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]
