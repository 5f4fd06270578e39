"""A file of annotations as an engine: annotations made elsewhere enter the pipeline like those made here."""

from __future__ import annotations

import hashlib
from pathlib import Path

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.engines.engine import Engine
from curation.errors import BadInput, EngineError
from curation.schema import LabelSchema
from curation.store import AnnotationFile
from curation.validation import validate

VERSION = "1.0.0"


class FileEngine(Engine):
    """Returns the annotations of a file. Only their positions in the file are kept in memory.

    Args:
        schema: the label schema to use.
        lexicon: ignored.
        model: the file: one annotation per line, at most one per article.

    Raises:
        EngineError: no file is named.
        BadInput: the file cannot be used; names the line and the field.
    """

    def __init__(self, schema: LabelSchema, *, lexicon: Path | None, model: str | None = None) -> None:
        if not model:
            raise EngineError("engine annotations needs a file; name it with --model FILE.jsonl")
        self.schema = schema
        self.file = AnnotationFile(Path(model))
        with Path(model).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:8]
        self.annotator = Annotator(kind="engine", name="annotations", version=f"{VERSION}+{digest}")

    def __call__(self, article: Article) -> Annotation:
        """The file's annotation as a prediction; the origin of an item is its own, else the file's annotator.

        Raises:
            EngineError: the file has no annotation of this text, or it does not fit the text or the schema.
        """
        try:
            found = self.file.of(article)
        except BadInput as error:  # the file has changed since it was opened
            raise EngineError(str(error)) from error
        if isinstance(found, str):
            raise EngineError(found)
        if findings := validate(found, article, self.schema):
            more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
            item = f"{findings[0].item}: " if findings[0].item else ""
            raise EngineError(f"{self.file.path.name}: {item}{findings[0].message}{more}")
        key = found.annotator.key
        entities = [entity.model_copy(update={"origin": entity.origin or key}) for entity in found.entities]
        events = []
        for event in found.events:
            arguments = tuple(
                argument.model_copy(update={"origin": argument.origin or key}) for argument in event.arguments
            )
            events.append(event.model_copy(update={"origin": event.origin or key, "arguments": arguments}))
        return self.annotation(article, entities, events)
