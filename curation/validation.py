"""The one validator: does an annotation fit its article and its label schema?

Push and publish refuse an annotation with violations; pull keeps it and reports them as issues.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from curation.annotation import Annotation, Event, Item
from curation.article import Article
from curation.schema import LabelSchema

Code = Literal[
    "other-article",
    "other-text",
    "other-schema",
    "outside-text",
    "blank-span",
    "unknown-type",
    "unknown-role",
    "filler-not-allowed",
    "unknown-attribute",
    "unknown-value",
]


class Violation(NamedTuple):
    """One rule that an annotation breaks. `item` is the id of the entity or event concerned, or None."""

    code: Code
    message: str
    item: str | None = None


def validate(annotation: Annotation, article: Article, schema: LabelSchema) -> list[Violation]:
    """All violations of `article` or `schema` in `annotation`; an empty list if it is valid.

    The annotation may name any version of the schema, as long as every label is in `schema`.
    """
    violations = []
    if annotation.article_id != article.id:
        violations.append(Violation("other-article", f"is of article {annotation.article_id}, not {article.id}"))
    if annotation.text_sha256 != article.text_sha256:
        violations.append(Violation("other-text", "was made on another revision of the text"))
        return violations
    if annotation.schema_ref.partition("@")[0] != schema.name:
        violations.append(Violation("other-schema", f"was made with {annotation.schema_ref}, not {schema.ref}"))
    types = {item.id: item.type for item in annotation.items()}
    for entity in annotation.entities:
        violations += _span(entity, article)
        if schema.entity_type(entity.type) is None:
            violations.append(Violation("unknown-type", f"entity type {entity.type} is not in {schema.ref}", entity.id))
        violations += _attributes(entity, schema, "entities")
    for event in annotation.events:
        violations += _span(event, article)
        event_type = schema.event_type(event.type)
        if event_type is None:
            violations.append(Violation("unknown-type", f"event type {event.type} is not in {schema.ref}", event.id))
        else:
            violations += _arguments(event, types, schema)
        violations += _attributes(event, schema, "events")
    return violations


def _span(item: Item, article: Article) -> list[Violation]:
    if item.end > len(article.text):
        return [Violation("outside-text", f"ends at {item.end}, the text at {len(article.text)}", item.id)]
    if not article.text[item.start : item.end].strip():
        return [Violation("blank-span", f"[{item.start}, {item.end}) holds only white space", item.id)]
    return []


def _attributes(item: Item, schema: LabelSchema, of: Literal["entities", "events"]) -> list[Violation]:
    if not item.attributes:
        return []
    allowed = {attribute.name: attribute.names for attribute in schema.attributes_of(of)}
    violations = []
    for name, value in item.attributes.items():
        if name not in allowed:
            violations.append(Violation("unknown-attribute", f"attribute {name} is not one of {of}", item.id))
        elif value not in allowed[name]:
            violations.append(Violation("unknown-value", f"{name} cannot be {value}", item.id))
    return violations


def _arguments(event: Event, types: dict[str, str], schema: LabelSchema) -> list[Violation]:
    violations = []
    for argument in event.arguments:
        allowed = schema.fillers.get((event.type, argument.role))
        filler = types[argument.filler]
        if allowed is None:
            violations.append(Violation("unknown-role", f"{event.type} has no role {argument.role}", event.id))
        elif filler not in allowed:
            violations.append(
                Violation(
                    "filler-not-allowed",
                    f"{event.type}.{argument.role} cannot be filled by {filler}",
                    event.id,
                )
            )
    return violations
