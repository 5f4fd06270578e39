"""brat standoff: a folder with `<id>.txt` and `<id>.ann` of each article, and the `annotation.conf` of the schema.

    T1	GPE 0 5	Karsk
    T2	Attack 6 11	fires
    E1	Attack:T2 attacker:T1
    A1	modality E1 planned

Spans are of Unicode code points, the end exclusive. A role that is filled several times is numbered from the second on,
as brat has it: `target:T3 target2:T4`. In a file's name, characters of the id that do not suit one stand as `%xx`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from curation.annotation import Entity, Event, Item
from curation.article import Article
from curation.errors import BadInput
from curation.files import read_text, whole_file
from curation.formats.exchange import Document, Intake, Pair
from curation.formats.folder import whole_folder
from curation.formats.loss import Holds
from curation.formats.tokens import Tokens
from curation.schema import LabelSchema

SUFFIX = ""
HOLDS = Holds(
    events=True,
    arguments=True,
    event_fillers=True,
    distant_fillers=True,
    attributes=None,
    unit="characters",
    labels=re.compile(r"[A-Za-z0-9_-]+"),
    roles=re.compile(r"[A-Za-z0-9_-]*[A-Za-z_-]"),
)
CONF = "annotation.conf"
_SPAN = re.compile(r"(T\d+)\t(\S+) (\d{1,9}) (\d{1,9})(;[\d ;]+)?\t(.*)")
_EVENT = re.compile(r"(E\d+)\t(\S+?):(T\d+)((?: \S+:[TE]\d+)*) ?")
_ATTRIBUTE = re.compile(r"[AM]\d+\t(\S+) ([TE]\d+)(?: (\S+))?")
_OTHERS = {"R": "relations", "*": "equivalences", "N": "normalisations", "#": "notes"}


def tokenise(article: Article, schema: LabelSchema) -> Tokens:
    """None: spans are of characters."""
    return Tokens(())


def write(documents: Iterable[Document], target: Path, schema: LabelSchema) -> None:
    """A folder of all documents."""
    with whole_folder(target, lambda folder: (folder / CONF).is_file()) as part:
        for article, annotation, _ in documents:
            name = quote(article.id, safe="")
            with whole_file(part / f"{name}.txt") as file:
                file.write(article.text)
            with whole_file(part / f"{name}.ann") as file:
                file.writelines(f"{line}\n" for line in _lines(article, annotation.entities, annotation.events))
        with whole_file(part / CONF) as file:
            file.write(conf(schema))


def read(source: Path, intake: Intake) -> Iterator[Pair]:
    """Each `.ann` file with the `.txt` beside it, in the order of their names."""
    paths = sorted(source.glob("*.ann"))
    if not paths:
        raise BadInput("holds no .ann file", path=source, way_out="name a folder of brat files")
    for path in paths:
        text = read_text(path.with_suffix(".txt"))
        name = unquote(path.stem)
        yield _document(path, intake.known.text(text, name, name, path), intake)


def conf(schema: LabelSchema) -> str:
    """The schema as brat's annotation.conf: types, roles with what may fill them, attributes with their values."""
    lines = ["[entities]", *schema.entity_names, "", "[relations]", "", "[events]"]
    for event in schema.event_types:
        roles = []
        for role in event.roles:
            fillers = schema.fillers[event.name, role.name]
            known = [name for name in (*schema.entity_names, *schema.event_names) if name in fillers]
            roles.append(f"{role.name}{'+' if role.required else '*'}:{'|'.join(known)}")
        lines.append(f"{event.name}\t{', '.join(roles)}" if roles else event.name)
    lines += ["", "[attributes]"]
    for attribute in schema.attributes:
        of = "<EVENT>" if attribute.of == "events" else "<ENTITY>"
        lines.append(f"{attribute.name}\tArg:{of}, Value:{'|'.join(attribute.names)}")
    return "\n".join(lines) + "\n"


def _lines(article: Article, entities: Sequence[Entity], events: Sequence[Event]) -> Iterator[str]:
    items: tuple[Item, ...] = (*entities, *events)
    spans = {item.id: f"T{number}" for number, item in enumerate(items, start=1)}
    names = spans | {event.id: f"E{number}" for number, event in enumerate(events, start=1)}
    for item in items:
        words = article.text[item.start : item.end].replace("\n", " ")
        yield f"{spans[item.id]}\t{item.type} {item.start} {item.end}\t{words}"
    for event in events:
        said: dict[str, int] = {}
        parts = [f"{event.type}:{spans[event.id]}"]
        for argument in event.arguments:
            said[argument.role] = count = said.get(argument.role, 0) + 1
            parts.append(f"{argument.role}{count if count > 1 else ''}:{names[argument.filler]}")
        yield f"{names[event.id]}\t{' '.join(parts)}"
    number = 0
    for item in items:
        for name, value in sorted(item.attributes.items()):
            number += 1
            yield f"A{number}\t{name} {names[item.id]} {value}"


def _document(path: Path, article: Article, intake: Intake) -> Pair:
    spans: dict[str, dict[str, Any]] = {}
    events: dict[str, dict[str, Any]] = {}
    attributes: list[tuple[str, str, str]] = []
    triggers: dict[str, str] = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        if match := _SPAN.fullmatch(line):
            name, label, start, end, further, words = match.groups()
            if further:
                intake.lost.add("discontinuous")
                continue
            item: dict[str, Any] = {"id": name, "type": label, "start": int(start), "end": int(end), "attributes": {}}
            if article.text[item["start"] : item["end"]].replace("\n", " ") != words:
                what = f"{words!r} does not stand at [{start}, {end})"
                raise BadInput(what, path=path, line=number, way_out="take the .txt file that belongs to it")
            spans[name] = item
        elif match := _EVENT.fullmatch(line):
            name, label, trigger, arguments = match.groups()
            said = [part.rsplit(":", 1) for part in arguments.split()]
            roles = [{"role": re.sub(r"\d+$", "", role) or role, "filler": filler} for role, filler in said]
            events[name] = {"id": name, "type": label, "trigger": trigger, "arguments": roles}
            triggers.setdefault(trigger, name)
        elif match := _ATTRIBUTE.fullmatch(line):
            attributes.append((match[2], match[1], match[3] or "true"))
        elif line[0] in _OTHERS:
            intake.lost.add(_OTHERS[line[0]])
        else:
            way_out = "mend it as brat's standoff format has it"
            raise BadInput("is no line of brat's", path=path, line=number, way_out=way_out)
    whole = {}
    for name, event in events.items():
        span = spans.get(event.pop("trigger"))
        if span is None:
            intake.lost.add("events without a trigger")
        else:
            whole[name] = {**span, **event, "attributes": {}}
    entities = {name: span for name, span in spans.items() if name not in triggers}
    for owner, name, value in attributes:
        holder = entities.get(owner) or whole.get(owner) or whole.get(triggers.get(owner, ""))
        if holder is None:
            intake.lost.add("attributes")
        else:
            holder["attributes"][name] = value
    return article, intake.annotation(article, list(entities.values()), list(whole.values()), path)
