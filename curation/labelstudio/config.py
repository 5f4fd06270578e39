"""The labelling config and the instructions that Label Studio shows, both made from a label schema."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal, NamedTuple

from curation.errors import LabelStudioError, one_line
from curation.labelstudio.constants import ATTRIBUTE, ENTITY, NOTE, TEXT, TRIGGER
from curation.schema import Attribute, EntityType, EventType, LabelSchema, Role

STYLE = files("curation.labelstudio") / "page.css"
GUIDE_STYLE = files("curation.labelstudio") / "guide.css"

NO_HOTKEY = "f19"
"""A key that no one has. A choice without a hotkey would be given a free letter, and that letter would set the
attribute even on spans it is not for, where it is not shown."""

OLD = "#808080"
"""The colour of labels of earlier schema versions."""

MAX_CONFIG = 2_000_000
"""Longest labelling config we read, in characters."""


def labelling_config(schema: LabelSchema) -> str:
    """The labelling config (XML) of the page on which articles are annotated with `schema`.

    Entities and event triggers have a `<Labels>` control each, every attribute has per-region `<Choices>`,
    and the roles of all event types are the `<Relations>`, drawn from the trigger to the filler.

    Names that only earlier versions had stay declared, out of sight: the editor drops the roles of arrows that it does
    not know as soon as someone updates an annotation, and Label Studio keeps no control away from its annotations.
    """
    old = retired(schema)
    page = ET.Element("View", className="curation")
    ET.SubElement(page, "Style").text = STYLE.read_text("utf-8") + _span_styles(schema)
    labels = ET.SubElement(page, "View", className="curation-labels")
    _labels(labels, "Entities", ENTITY, schema.entity_types, old.entity_types)
    if schema.event_types or old.event_types:
        _labels(labels, "Events", TRIGGER, schema.event_types, old.event_types)
    note = ET.SubElement(page, "View", className="curation-note")
    ET.SubElement(note, "Header", value=f"${NOTE}", size="5")  # empty where a task has none
    article = ET.SubElement(page, "View", className="curation-article")
    ET.SubElement(article, "Text", name=TEXT, value=f"${TEXT}", granularity="symbol")
    for attribute in schema.attributes:
        _choices(page, attribute, old.values.get(attribute.name, ()))
    for name in old.attributes:
        _retired_choices(page, name, old.values.get(name, ()))
    if schema.role_names or old.roles:
        relations = ET.SubElement(page, "Relations", choice="single")
        for role in (*sorted(schema.role_names), *old.roles):
            ET.SubElement(relations, "Relation", value=role)
    ET.indent(page)
    return ET.tostring(page, encoding="unicode")


class Retired(NamedTuple):
    """Names in the schema's migrations that the schema no longer has; values by their attribute."""

    entity_types: tuple[str, ...]
    event_types: tuple[str, ...]
    roles: tuple[str, ...]
    attributes: tuple[str, ...]
    values: dict[str, tuple[str, ...]]


def retired(schema: LabelSchema) -> Retired:
    """Names of earlier versions, in alphabetical order."""
    steps = schema.migrations
    declared = {attribute.name: attribute.names for attribute in schema.attributes}
    values: dict[str, set[str]] = {}
    for step in steps:
        for attribute, _, value in (key.partition(".") for key in step.values):
            if value not in declared.get(attribute, ()):
                values.setdefault(attribute, set()).add(value)
    return Retired(
        _gone((name for step in steps for name in step.entity_types), schema.entity_names),
        _gone((name for step in steps for name in step.event_types), schema.event_names),
        _gone((key.rpartition(".")[2] for step in steps for key in step.roles), schema.role_names),
        _gone((name for step in steps for name in step.attributes), declared),
        {name: tuple(sorted(old)) for name, old in values.items()},
    )


def _gone(names: Iterable[str], here: Container[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name not in here}))


def _span_styles(schema: LabelSchema) -> str:
    """How the spans of each type look. The editor names a span's type in its `data-label`: `12:Person`."""
    rules = []
    for label in (*schema.entity_types, *schema.event_types):
        span = f'.htx-highlight[data-label$=":{label.name}"]'
        rules.append(f'{span}::before {{ content: "{label.name}"; }}')
        look = f"background-color: {label.colour}80 !important;"
        if schema.event_type(label.name):
            colour = f"color-mix(in srgb, {label.colour}, var(--lift))"
            look = f"background: none !important; border-bottom: 3px solid {colour} !important;"
            rules.append(f"{span}::before {{ --under: 3px; }}")
        rules.append(f"{span}:not(.__active) {{ {look} }}")
    old = retired(schema)
    for name in (*old.entity_types, *old.event_types):
        rules.append(f'.htx-highlight[data-label$=":{name}"]::before {{ content: "{name} (old)"; }}')
    for role in old.roles:
        rules.append(f'[data-testid="select-option-{role}"] {{ display: none; }}')
    return "\n".join(rules) + "\n"


def _labels(
    parent: ET.Element,
    heading: str,
    control: str,
    types: tuple[EntityType, ...] | tuple[EventType, ...],
    old: tuple[str, ...],
) -> None:
    group = ET.SubElement(parent, "View", className=f"curation-{control}")
    ET.SubElement(group, "Header", value=heading, size="5")
    labels = ET.SubElement(group, "Labels", name=control, toName=TEXT, showInline="true")
    for label in types:
        element = ET.SubElement(
            labels, "Label", value=label.name, background=label.colour, hint=one_line(label.definition)
        )
        if label.hotkey:
            element.set("hotkey", label.hotkey)
    hidden = _hidden(labels) if old else labels
    for name in old:
        ET.SubElement(hidden, "Label", value=name, background=OLD, hotkey=NO_HOTKEY)


def _hidden(parent: ET.Element) -> ET.Element:
    return ET.SubElement(parent, "View", style="display: none")


def _choices(parent: ET.Element, attribute: Attribute, old: tuple[str, ...]) -> None:
    control = ENTITY if attribute.of == "entities" else TRIGGER
    view = ET.SubElement(
        parent, "View", className="curation-attribute", visibleWhen="region-selected", whenTagName=control
    )
    ET.SubElement(view, "Header", value=f"{attribute.name} ({attribute.default} where nothing is chosen)", size="5")
    choices = ET.SubElement(
        view,
        "Choices",
        name=ATTRIBUTE + attribute.name,
        toName=TEXT,
        perRegion="true",
        whenTagName=control,
        choice="single-radio",
        showInline="true",
    )
    for value in attribute.values:
        ET.SubElement(choices, "Choice", value=value.name, hint=one_line(value.definition), hotkey=NO_HOTKEY)
    hidden = _hidden(choices) if old else choices
    for name in old:
        ET.SubElement(hidden, "Choice", value=name, hotkey=NO_HOTKEY)


def _retired_choices(parent: ET.Element, name: str, values: tuple[str, ...]) -> None:
    """The control of an attribute that is gone. The editor keeps values it does not know, but wants one at least."""
    control = {"name": ATTRIBUTE + name, "toName": TEXT, "perRegion": "true", "choice": "single-radio"}
    choices = ET.SubElement(_hidden(parent), "Choices", control)
    for value in values or ("retired",):
        ET.SubElement(choices, "Choice", value=value, hotkey=NO_HOTKEY)


def instructions(schema: LabelSchema) -> str:
    """Instructions for annotators (HTML): guidelines, then every type, role and attribute."""
    parts = [f"<h2>{_text(schema.title)}</h2>", f"<p>{_text(schema.description)}</p>"]
    if schema.guidelines:
        parts += ["<h3>Guidelines</h3>", _list(map(_text, schema.guidelines))]
    parts.append("<h3>Entities</h3>")
    parts += [_type(label) for label in schema.entity_types]
    if schema.event_types:
        parts.append("<h3>Events and their roles</h3>")
    parts += [_type(label, label.roles) for label in schema.event_types]
    if schema.groups:
        groups = [f"<b>{_text(name)}</b>: {_text(', '.join(types))}" for name, types in schema.groups.items()]
        parts += ["<h3>Groups of types that fill roles</h3>", _list(groups)]
    if schema.attributes:
        parts.append("<h3>Attributes</h3>")
    parts += [_attribute(attribute) for attribute in schema.attributes]
    style = f"<style>{GUIDE_STYLE.read_text('utf-8')}</style>"
    return f'<div class="curation-guide">{style}\n' + "\n".join(parts) + "\n</div>"


def _type(label: EntityType | EventType, roles: Iterable[Role] = ()) -> str:
    key = f" <code>{_text(label.hotkey)}</code>" if label.hotkey else ""
    examples = [f"Yes: {_text(line)}" for line in label.examples.positive]
    examples += [f"No: {_text(line)}" for line in label.examples.negative]
    parts = [f"<p>{_text(label.definition)}</p>", _list(examples), _list(map(_role, roles))]
    return f"<details><summary><b>{_text(label.name)}</b>{key}</summary>{''.join(parts)}</details>"


def _role(role: Role) -> str:
    required = ", required" if role.required else ""
    fillers = _text(", ".join(role.fillers))
    return f"<b>{_text(role.name)}</b>{required}: {_text(role.definition)} <i>({fillers})</i>"


def _attribute(attribute: Attribute) -> str:
    values = []
    for value in attribute.values:
        default = " (where nothing is chosen)" if value.name == attribute.default else ""
        values.append(f"<b>{_text(value.name)}</b>{default}: {_text(value.definition)}")
    return f"<p><b>{_text(attribute.name)}</b> of {attribute.of}: {_text(attribute.definition)}</p>{_list(values)}"


def _list(items: Iterable[str]) -> str:
    lines = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{lines}</ul>" if lines else ""


def _text(text: str) -> str:
    """`text` as HTML, its `quoted` words as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(one_line(text, limit=5000)))


@dataclass(frozen=True)
class Difference:
    """One way in which a config differs from the wanted one; `what` is a plain phrase.

    `name` is what differs, such as `("label", "entity", "Ship")`, `("choice", "attribute-mood", "wished")`,
    `("relation", "agent")` or `("control", "attribute-mood")`.

    `added`: wanted, and not there. `removed`: there, and not wanted. `changed`: in both, with another meaning.
    Only additions can be carried out without touching annotations that exist.
    """

    kind: Literal["added", "removed", "changed"]
    what: str
    name: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


def config_differences(there: str, wanted: str) -> list[Difference]:
    """How the config `there` (a project's) would change by becoming `wanted`, in meaning.

    Compared are controls, the text object, labels, choices and relations. Looks are not: colours, hotkeys,
    hints, headings, style and order may differ freely.

    Raises:
        LabelStudioError: one of the two is not a config that we can read.
    """
    old, new = _meaning(there), _meaning(wanted)
    differences = [Difference("added", called(name), name) for name in new if name not in old]
    differences += [Difference("removed", called(name), name) for name in old if name not in new]
    for name in new:
        for key in new[name]:
            before, after = old.get(name, new[name]).get(key, ""), new[name][key]
            if before != after:
                differences.append(
                    Difference("changed", f"{key} of {called(name)} from {before or 'none'} to {after or 'none'}", name)
                )
    return differences


_SETTINGS = {
    "Text": ("value", "granularity", "valueType"),
    "Labels": ("toName", "choice"),
    "Choices": ("toName", "choice", "perRegion", "whenTagName"),
}
"""Attributes that give a tag its meaning, beside its name."""

_DEFAULTS = {"granularity": "symbol", "choice": "single", "perRegion": "false", "valueType": "text"}

_Name = tuple[str, ...]


def _meaning(config: str) -> dict[_Name, dict[str, str]]:
    """Every named thing in a config → its settings: `("control", name)`, `("label", control, value)` and so on."""
    meaning: dict[_Name, dict[str, str]] = {}
    for element in _parsed(config).iter():
        name = element.get("name")
        if name is not None and element.tag not in ("View", "Header", "Style"):
            settings = {
                key: element.get(key, _DEFAULTS.get(key, "")).lower()
                if key in ("perRegion",)
                else element.get(key, _DEFAULTS.get(key, ""))
                for key in _SETTINGS.get(element.tag, ("toName", "value"))
            }
            # The two ways to show a single choice mean the same.
            if settings.get("choice") == "single-radio":
                settings["choice"] = "single"
            meaning["control" if element.get("toName") else "object", name] = {"kind": element.tag} | settings
            for kind in ("Label", "Choice"):
                for child in element.iter(kind):
                    meaning[kind.lower(), name, child.get("alias") or child.get("value") or ""] = {}
        elif element.tag == "Relation":
            meaning["relation", element.get("value") or ""] = {}
    return meaning


def called(name: _Name) -> str:
    """A name of a config in words: `label Ship of entity`."""
    kind, *rest = name
    return f"{kind} {rest[-1]}" + (f" of {rest[0]}" if len(rest) > 1 else "")


def _parsed(config: str) -> ET.Element:
    """The root of a config from anywhere. A DTD is refused, since with it a few bytes can expand to gigabytes."""
    if len(config) > MAX_CONFIG:
        raise LabelStudioError(f"the labelling config is longer than {MAX_CONFIG} characters; name another project")
    if "<!DOCTYPE" in config:
        raise LabelStudioError("the labelling config holds a DOCTYPE; remove it in the project's settings")
    try:
        return ET.fromstring(config)  # noqa: S314  without a DTD there are no entities to expand
    except (ET.ParseError, ValueError) as error:
        raise LabelStudioError(
            f"the labelling config is not XML ({one_line(str(error), 200)}); correct it in the project's settings"
        ) from error
