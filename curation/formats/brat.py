"""brat standoff: a folder with `<name>.txt` and `<name>.ann` of each article, and the `annotation.conf` of the schema.

    T1	GPE 0 5	Karsk
    T2	Attack 6 11	fires
    E1	Attack:T2 attacker:T1
    A1	modality E1 planned

Spans are of Unicode code points, the end exclusive. As in brat, a span over a line break is written as one fragment a
line (`0 5;6 11`), and a role with several fillers is numbered from the second on: `target:T3 target2:T4`.

A file is named after its article's id. Characters that do not suit a file name are written as `%xx`. A name that is too
long for a disk is cut and gets a hash; `article_ids.json` then has the ids.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from curation.annotation import Entity, Event, Item
from curation.article import Article, normalise
from curation.errors import BadInput
from curation.files import files_in, json_object, leads_out, read_text
from curation.formats.format_loss import LINE_BREAKS, Capabilities
from curation.formats.registry import Document, ExportContext, Format, ImportContext, Pair
from curation.schema import LabelSchema

CONF = "annotation.conf"
IDS = "article_ids.json"
"""File name → article id, of those files whose name is not the id."""

_LONGEST = 200
"""Longest file name without its suffix, in bytes; most disks take 255."""

_SPAN = re.compile(r"(T\d+)\t(\S+) (\d{1,9} \d{1,9}(?:;\d{1,9} \d{1,9})*)\s*?(?:\t(.*))?")
_EVENT = re.compile(r"(E\d+)\t(\S+?):(T\d+)((?: +\S+:[TE]\d+)*)\s*")
_ATTRIBUTE = re.compile(r"[AM]\d+\t(\S+) ([TE]\d+)(?: (\S+))?\s*")
_OTHERS = {"R": "relations", "*": "equivalences", "N": "normalisations", "#": "notes"}
_ROLE = re.compile(r"([^\s:,?*+{]+)(?:[?*+]|\{[\d-]+\})?:")


class Brat(Format):
    """brat: everything but scores."""

    capabilities = Capabilities(
        events=True,
        arguments=True,
        event_fillers=True,
        distant_fillers=True,
        attributes=None,
        blank_edges=False,
        labels=re.compile(r"[A-Za-z0-9_-]+"),
        roles=re.compile(r"[A-Za-z0-9_-]*[A-Za-z_-]"),
    )

    def write(self, documents: Iterable[Document], target: Path, context: ExportContext) -> None:
        """A folder of all documents."""
        ids = {}
        for article, annotation, _ in documents:
            name = file_name(article.id)
            if unquote(name) != article.id:
                ids[name] = article.id
            _write(target / f"{name}.txt", article.text)
            _write(target / f"{name}.ann", "".join(_lines(article, annotation.entities, annotation.events)))
        _write(target / CONF, conf(context.schema))
        if ids:
            _write(target / IDS, json.dumps(ids, ensure_ascii=False, indent=1) + "\n")

    def read(self, source: Path, context: ImportContext) -> Iterator[Pair | BadInput]:
        """Each `.ann` file with the `.txt` beside it, in the order of their names.

        Raises:
            BadInput: there is no `.ann` file.
        """
        files = files_in(source)
        paths = [path for path in files if path.suffix == ".ann"]
        if not paths:
            raise BadInput("holds no .ann file", path=source, way_out="name a folder of brat files")
        annotated = {path.stem for path in paths}
        texts = [path for path in files if path.suffix == ".txt"]
        context.lost.add("texts without .ann", sum(path.stem not in annotated for path in texts))
        roles = _conf_roles(source) or {
            event.name: {role.name for role in event.roles} for event in context.schema.event_types
        }
        ids = json_object(read_text(source / IDS), path=source / IDS) if (source / IDS).is_file() else {}

        def document(path: Path) -> Pair:
            if leads_out(path.with_suffix(".txt"), source):
                raise BadInput("is a link that leads out", path=path.with_suffix(".txt"), way_out="copy the file")
            raw = read_text(path.with_suffix(".txt"))
            name = str(ids.get(path.stem, unquote(path.stem)))
            article = context.articles.by_text(normalise(raw.removeprefix("\ufeff")), name, name, path)
            return _BratDocument(path, raw, article, roles, context).pair()

        return context.each(paths, document)

    def is_export(self, folder: Path) -> bool:
        """A folder with an annotation.conf."""
        return (folder / CONF).is_file()


def conf(schema: LabelSchema) -> str:
    """The schema as brat's annotation.conf: types, roles with their fillers, attributes with their values."""
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


def file_name(article_id: str) -> str:
    """The name of an article's files, without suffix."""
    name = quote(article_id, safe="")
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(article_id.encode("utf-8")).hexdigest()[:16]
    start = ""
    for char in map(quote, article_id):
        if len(start) + len(char) > _LONGEST - len(digest) - 1:
            break
        start += char.replace("/", "%2F")
    return f"{start}~{digest}"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _lines(article: Article, entities: Sequence[Entity], events: Sequence[Event]) -> Iterator[str]:
    items: tuple[Item, ...] = (*entities, *events)
    spans = {item.id: f"T{number}" for number, item in enumerate(items, start=1)}
    names = spans | {event.id: f"E{number}" for number, event in enumerate(events, start=1)}
    for item in items:
        parts = list(_fragments(article.text, item.start, item.end))
        places = ";".join(f"{start} {end}" for start, end in parts)
        yield f"{spans[item.id]}\t{item.type} {places}\t{' '.join(article.text[start:end] for start, end in parts)}\n"
    for event in events:
        counts: dict[str, int] = {}
        parts_of_line = [f"{event.type}:{spans[event.id]}"]
        for argument in event.arguments:
            counts[argument.role] = count = counts.get(argument.role, 0) + 1
            parts_of_line.append(f"{argument.role}{count if count > 1 else ''}:{names[argument.filler]}")
        yield f"{names[event.id]}\t{' '.join(parts_of_line)}\n"
    number = 0
    for item in items:
        for name, value in sorted(item.attributes.items()):
            number += 1
            yield f"A{number}\t{name} {names[item.id]} {value}\n"


def _fragments(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a span on each line."""
    for match in re.finditer(f"[^{LINE_BREAKS}]+", text[start:end]):
        yield start + match.start(), start + match.end()


def _conf_roles(folder: Path) -> dict[str, set[str]] | None:
    """The roles of each event type in the annotation.conf of `folder`, else of the folder above; None: no such file."""
    for path in (folder / CONF, folder.absolute().parent / CONF):
        if path.is_file():
            break
    else:
        return None
    roles: dict[str, set[str]] = {}
    section = ""
    for line in read_text(path).splitlines():
        if header := re.fullmatch(r"\s*\[(\w+)\]\s*", line):
            section = header[1]
        elif section == "events" and line.strip() and not line.lstrip().startswith("#"):
            name, *rest = line.strip().lstrip("!").split(None, 1)
            roles.setdefault(name, set()).update(_ROLE.findall(rest[0]) if rest else ())
    return roles


OffsetMap = Callable[[int], int]


def _offset_maps(raw: str) -> list[OffsetMap]:
    """The ways in which offsets in a file can become offsets in the article's text.

    Tools count a CRLF as two characters or as one, and a byte order mark as one or none. Most texts have neither.
    """
    marks = (0, 1) if raw.startswith("\ufeff") else (0,)
    returns = [match.start() for match in re.finditer("\r\n", raw.removeprefix("\ufeff"))]

    def made(mark: int, places: Sequence[int]) -> OffsetMap:
        return lambda offset: max(offset - mark - bisect_left(places, offset - mark), 0)

    return [made(mark, places) for mark in marks for places in ((returns, ()) if returns else ((),))]


class _BratDocument:
    """One `.ann` file that becomes an annotation."""

    def __init__(
        self, path: Path, raw: str, article: Article, roles: Mapping[str, set[str]], context: ImportContext
    ) -> None:
        self.path, self.raw, self.article, self.roles, self.context = path, raw, article, roles, context
        self.spans: dict[str, dict[str, Any]] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.attributes: list[tuple[str, str, str]] = []
        self.triggers: dict[str, str] = {}
        self.lines: list[tuple[int, str, str, str, str]] = []
        self.names: set[str] = set()

    def pair(self) -> Pair:
        """The article and its annotation."""
        for number, line in enumerate(read_text(self.path).removeprefix("\ufeff").split("\n"), start=1):
            line = line.rstrip("\r")
            name = line.partition("\t")[0]
            if name in self.names and name != "*":
                way_out = "give each annotation its own id"
                raise BadInput(f"id {name} is duplicated", path=self.path, line=number, way_out=way_out)
            if line.strip():
                self.names.add(name)
                self.line(number, line)
        self.place_spans()
        whole = {}
        for name, event in self.events.items():
            span = self.spans.get(event.pop("trigger"))
            if span is None:
                self.context.lost.add("events without a trigger")
            else:
                whole[name] = {**span, **event, "attributes": {}}
        entities = {name: span for name, span in self.spans.items() if name not in self.triggers}
        for owner, name, value in self.attributes:
            holder = entities.get(owner) or whole.get(owner) or whole.get(self.triggers.get(owner, ""))
            if holder is None:
                self.context.lost.add("attributes")
            else:
                holder["attributes"][name] = value
        items = list(entities.values()), list(whole.values())
        return self.article, self.context.annotation(self.article, *items, self.path)

    def line(self, number: int, line: str) -> None:
        """Read one line."""
        if match := _SPAN.fullmatch(line):
            self.lines.append((number, match[1], match[2], match[3], match[4] or ""))
        elif match := _EVENT.fullmatch(line):
            name, label, trigger, arguments = match.groups()
            written = [part.rsplit(":", 1) for part in arguments.split()]
            given = {role for role, _ in written}
            roles = [{"role": self.role(label, role, given), "filler": filler} for role, filler in written]
            self.events[name] = {"id": name, "type": label, "trigger": trigger, "arguments": roles}
            self.triggers.setdefault(trigger, name)
        elif match := _ATTRIBUTE.fullmatch(line):
            self.attributes.append((match[2], match[1], match[3] or "true"))
        elif line[0] in _OTHERS:
            self.context.lost.add(_OTHERS[line[0]])
        else:
            way_out = "correct it by brat's standoff format"
            raise BadInput("is no line of brat's", path=self.path, line=number, way_out=way_out)

    def role(self, label: str, written: str, given: set[str]) -> str:
        """The role of an argument, without the number that brat adds to the second filler and further ones.

        A role that annotation.conf declares keeps its digits. One that is not declared anywhere loses them only if
        the event has the role without digits, too.
        """
        base = re.sub(r"\d+$", "", written)
        declared = self.roles.get(label, set())
        if base == written or not base or written in declared:
            return written
        return base if base in declared or (base in given and int(written[len(base) :][:9]) > 1) else written

    def place_spans(self) -> None:
        """Give all spans their offsets in the article's text; the words in the file decide how it counts."""
        fitting: list[list[dict[str, Any] | None]] = []
        faults: list[BadInput] = []
        for offset in _offset_maps(self.raw):
            try:
                placed = [self.place(*line, offset) for line in self.lines]
            except BadInput as error:
                faults.append(error)
            else:
                fitting += [placed] if placed not in fitting else []
        if not fitting:
            raise faults[0]
        if len(fitting) > 1:
            what = "its offsets fit the text in several ways, as it has CRLF line ends or a byte order mark"
            raise BadInput(what, path=self.path, way_out="convert the .txt to LF without the mark, and its offsets too")
        self.spans = {span["id"]: span for span in fitting[0] if span is not None}
        self.context.lost.add("discontinuous", fitting[0].count(None))

    def place(
        self, number: int, name: str, label: str, places: str, words: str, offset: OffsetMap
    ) -> dict[str, Any] | None:
        """The record of a span; None if it is discontinuous.

        Raises:
            BadInput: its words are not those in the text.
        """
        text = self.article.text
        numbers = [part.split(" ") for part in places.split(";")]
        parts = [(offset(int(start)), offset(int(end))) for start, end in numbers]
        found = [_comparable(text[start:end]) for start, end in parts]
        # Versions of brat before 1.3 wrote fragments without a space between them. Some tools write no words.
        written = ("".join(found), " ".join(found), "")
        fits = _comparable(words).rstrip() in [form.rstrip() for form in written]
        if not fits or any(start >= end for start, end in parts):
            what = f"{words!r} is not the text at [{places.replace(' ', ', ').replace(';', '), [')})"
            raise BadInput(what, path=self.path, line=number, way_out="take the .txt file that belongs to it")
        if any(start < end or text[end:start].strip() for (_, end), (start, _) in pairwise(parts)):
            return None
        start, end = parts[0][0], parts[-1][1]
        if words and words == words.rstrip():  # an editor may have cut the blanks at the end of the line
            end = start + len(text[start:end].rstrip())
        return {"id": name, "type": label, "start": start, "end": end, "attributes": {}}


def _comparable(words: str) -> str:
    """`words` with every white space as a space: files have a space for a line break."""
    return re.sub(r"\s", " ", words)
