r"""Inline markup: an article's text with its annotation written into it, for people to check and edit.

    [Karsk](GPE #e1) [fires](Attack #v1 attacker=e1 instrument=e2 modality=planned) [rockets](Weapon #e2)

`[span](Type #id key=value …)`: spans may nest. A key is an attribute or, on a trigger, a role whose value is the id of
its filler; a role may be repeated. `#id` may be left out if nothing refers to it. In the text `[`, `]` and `\` are
written `\[`, `\]` and `\\`. Without the markup the file is the article's text, character for character. Spans that
cross without nesting cannot be written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.annotation import Annotation, Annotator, Item, State, annotation_id
from curation.article import Article, build, normalise
from curation.errors import BadInput
from curation.files import leads_out, read_text
from curation.schema import LabelSchema

SUFFIX = ".ann.txt"
"""Inline files are called `<article id>.ann.txt`."""

_LABEL = re.compile(r"\(([A-Za-z][\w-]*)((?:[ \n]+[^()\s]+)*)\)")


@dataclass
class _Mark:
    """One labelled span: its place in the text, and the words inside the parentheses."""

    start: int
    end: int
    type: str
    words: list[str]
    line: int


def parse(
    marked: str,
    article: Article,
    schema: LabelSchema,
    annotator: Annotator,
    *,
    state: State = "reviewed",
    path: Path | None = None,
) -> Annotation:
    """The annotation in `marked`, the text of `article` with markup. `path` only names the file in errors.

    Raises:
        BadInput: broken markup, an unknown label, an unknown filler, or a text that is not the article's; the message
            names file and line.
    """
    text, marks = _scan(normalise(marked), path)
    _same_text(text, article, path)
    record: dict[str, Any] = {
        "id": annotation_id(article.id, article.text_sha256, annotator.key, schema.ref),
        "article_id": article.id,
        "text_sha256": article.text_sha256,
        "schema": schema.ref,
        "annotator": annotator.model_dump(),
        "state": state,
        "entities": [],
        "events": [],
    }
    taken = {word[1:] for mark in marks for word in mark.words if word.startswith("#")}
    items = [_item(mark, schema, path) for mark in marks]
    for item in items:
        kind = "events" if "arguments" in item else "entities"
        if "id" not in item:
            item["id"] = _free_id("v" if kind == "events" else "e", taken)
        item["origin"] = annotator.key
        record[kind].append(item)
    _ids_hold(items, marks, path)
    return build(Annotation, record, path=path)


def write(annotation: Annotation, article: Article) -> str:
    """The inline form of `annotation` on `article`; `parse` gives the same spans, ids, attributes and arguments back.

    Raises:
        BadInput: two spans cross without nesting.
    """
    items = sorted(annotation.items(), key=lambda item: (item.start, -item.end, item.id))
    out: list[str] = []
    open_items: list[Item] = []
    position = 0
    for item in [*items, None]:
        until = len(article.text) if item is None else item.start
        while open_items and (item is None or open_items[-1].end <= item.start):
            closed = open_items.pop()
            out.append(_escape(article.text[position : closed.end]) + "]" + _label(closed))
            position = closed.end
        if item is None:
            out.append(_escape(article.text[position:until]))
            break
        if open_items and item.end > open_items[-1].end:
            raise BadInput(
                f"spans {open_items[-1].id} and {item.id} cross without nesting",
                path=article.id,
                way_out="inline markup cannot hold that: use JSON lines",
            )
        out.append(_escape(article.text[position:until]) + "[")
        position = until
        open_items.append(item)
    return "".join(out)


def read_folder(
    folder: Path,
    articles: Iterable[Article],
    schema: LabelSchema,
    annotator: Annotator,
    *,
    state: State = "reviewed",
) -> Iterator[Annotation]:
    """The annotations in `folder` (one `<article id>.ann.txt` each) of those `articles` that have one.

    Raises:
        BadInput: a file that cannot be read or does not hold together.
    """
    for article in articles:
        path = folder / f"{article.id}{SUFFIX}"
        if path.is_file() and not leads_out(path, folder):
            yield parse(read_text(path), article, schema, annotator, state=state, path=path)


def _scan(marked: str, path: Path | None) -> tuple[str, list[_Mark]]:
    """The text without markup, and the labelled spans in the order of their opening brackets."""
    text: list[str] = []
    length = 0
    opened: list[tuple[int, int, int]] = []  # start in the text, line, place in `marks`
    marks: list[_Mark | None] = []
    place, line = 0, 1
    while place < len(marked):
        char = marked[place]
        if char == "\\" and marked[place + 1 : place + 2] in ("[", "]", "\\"):
            place += 1
            text.append(marked[place])
            length += 1
        elif char == "[":
            opened.append((length, line, len(marks)))
            marks.append(None)
        elif char == "]":
            if not opened:
                raise BadInput(
                    "a ] closes nothing", path=path, line=line, way_out=r"write \] for a bracket in the text"
                )
            start, _, index = opened.pop()
            label = _LABEL.match(marked, place + 1)
            if not label:
                raise BadInput(
                    "no (Type …) after ]",
                    path=path,
                    line=line,
                    way_out=r"label the span, or write \[ and \] for brackets in the text",
                )
            marks[index] = _Mark(start, length, label[1], label[2].split(), line)
            line += label[0].count("\n")
            place = label.end() - 1
        else:
            text.append(char)
            length += 1
            line += char == "\n"
        place += 1
    if opened:
        raise BadInput("a [ is never closed", path=path, line=opened[-1][1], way_out="close it with ](Type)")
    return "".join(text), [mark for mark in marks if mark is not None]


def _same_text(text: str, article: Article, path: Path | None) -> None:
    if text == article.text:
        return
    place = next(
        (i for i, (read, own) in enumerate(zip(text, article.text, strict=False)) if read != own),
        min(len(text), len(article.text)),
    )
    raise BadInput(
        f"reads {text[place : place + 30]!r} where the article {article.id} has {article.text[place : place + 30]!r}",
        path=path,
        line=text.count("\n", 0, place) + 1,
        way_out="the markup must not change the text",
    )


def _item(mark: _Mark, schema: LabelSchema, path: Path | None) -> dict[str, Any]:
    event = schema.event_type(mark.type) is not None
    if not event and schema.entity_type(mark.type) is None:
        raise BadInput(
            f"{mark.type} is no type of {schema.ref}",
            path=path,
            line=mark.line,
            way_out="correct the label, or add the type to the schema",
        )
    attributes = {attribute.name for attribute in schema.attributes_of("events" if event else "entities")}
    item: dict[str, Any] = {"start": mark.start, "end": mark.end, "type": mark.type, "attributes": {}}
    if event:
        item["arguments"] = []
    for word in mark.words:
        key, equals, value = word.partition("=")
        if word.startswith("#") and "id" not in item:
            item["id"] = word[1:]
        elif equals and key in attributes and key not in item["attributes"]:
            item["attributes"][key] = value
        elif equals and event and (mark.type, key) in schema.fillers:
            item["arguments"].append({"role": key, "filler": value})
        else:
            raise BadInput(
                f"{word!r} is no id, attribute or role of {mark.type}",
                path=path,
                line=mark.line,
                way_out="write #id, attribute=value or role=id",
            )
    return item


def _ids_hold(items: list[dict[str, Any]], marks: list[_Mark], path: Path | None) -> None:
    """Check that ids are unique and fillers exist; `items` and `marks` are parallel."""
    ids = Counter(item["id"] for item in items)
    for item, mark in zip(items, marks, strict=True):
        if ids[item["id"]] > 1:
            way_out = "give each its own id"
            raise BadInput(f"id #{item['id']} is duplicated", path=path, line=mark.line, way_out=way_out)
        for argument in item.get("arguments", ()):
            if argument["filler"] not in ids:
                what = f"#{item['id']}: {argument['role']}={argument['filler']} names an unknown id"
                raise BadInput(what, path=path, line=mark.line, way_out="correct the id")


def _free_id(prefix: str, taken: set[str]) -> str:
    number = 1
    while f"{prefix}{number}" in taken:
        number += 1
    taken.add(f"{prefix}{number}")
    return f"{prefix}{number}"


def _label(item: Item) -> str:
    words = [item.type, f"#{item.id}"]
    words += [f"{name}={value}" for name, value in sorted(item.attributes.items())]
    words += [f"{argument.role}={argument.filler}" for argument in getattr(item, "arguments", ())]
    return f"({' '.join(words)})"


def _escape(text: str) -> str:
    return re.sub(r"([\[\]\\])", r"\\\1", text)
