"""Does an annotation fit its article and its label schema? Push and publish refuse findings, pull reports them."""

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


class Finding(NamedTuple):
    """One thing that does not fit. `item` is the id of the entity or event it was found on, where there is one."""

    code: Code
    message: str
    item: str | None = None


def check(annotation: Annotation, article: Article, schema: LabelSchema) -> list[Finding]:
    """Everything in `annotation` that does not fit `article` or `schema`; an empty list where all fits.

    A schema of the same name fits whatever its version, as long as every label is in it.
    """
    findings = []
    if annotation.article_id != article.id:
        findings.append(Finding("other-article", f"is of article {annotation.article_id}, not {article.id}"))
    if annotation.text_sha256 != article.text_sha256:
        findings.append(Finding("other-text", "was made on another revision of the text"))
        return findings
    if annotation.schema_ref.partition("@")[0] != schema.name:
        findings.append(Finding("other-schema", f"was made with {annotation.schema_ref}, not {schema.ref}"))
    types = {item.id: item.type for item in annotation.items()}
    for entity in annotation.entities:
        findings += _span(entity, article)
        if schema.entity_type(entity.type) is None:
            findings.append(Finding("unknown-type", f"entity type {entity.type} is not in {schema.ref}", entity.id))
        findings += _attributes(entity, schema, "entities")
    for event in annotation.events:
        findings += _span(event, article)
        event_type = schema.event_type(event.type)
        if event_type is None:
            findings.append(Finding("unknown-type", f"event type {event.type} is not in {schema.ref}", event.id))
        else:
            findings += _arguments(event, types, schema)
        findings += _attributes(event, schema, "events")
    return findings


def _span(item: Item, article: Article) -> list[Finding]:
    if item.end > len(article.text):
        return [Finding("outside-text", f"ends at {item.end}, the text at {len(article.text)}", item.id)]
    if not article.text[item.start : item.end].strip():
        return [Finding("blank-span", f"[{item.start}, {item.end}) holds only white space", item.id)]
    return []


def _attributes(item: Item, schema: LabelSchema, of: Literal["entities", "events"]) -> list[Finding]:
    if not item.attributes:
        return []
    allowed = {attribute.name: attribute.names for attribute in schema.attributes_of(of)}
    findings = []
    for name, value in item.attributes.items():
        if name not in allowed:
            findings.append(Finding("unknown-attribute", f"attribute {name} is not one of {of}", item.id))
        elif value not in allowed[name]:
            findings.append(Finding("unknown-value", f"{name} cannot be {value}", item.id))
    return findings


def _arguments(event: Event, types: dict[str, str], schema: LabelSchema) -> list[Finding]:
    findings = []
    for argument in event.arguments:
        allowed = schema.fillers.get((event.type, argument.role))
        filler = types[argument.filler]
        if allowed is None:
            findings.append(Finding("unknown-role", f"{event.type} has no role {argument.role}", event.id))
        elif filler not in allowed:
            findings.append(
                Finding(
                    "filler-not-allowed",
                    f"{event.type}.{argument.role} cannot be filled by {filler}",
                    event.id,
                )
            )
    return findings
