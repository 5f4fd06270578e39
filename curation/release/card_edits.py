"""Three-way merge of dataset cards: edits made by hand on the Hub survive the next release.

A card consists of parts: each top-level key of the front matter, and each section (a heading of any level and the text
up to the next heading). `base` is the card that was published last, `theirs` the card on the Hub, `ours` that of the
new release. A part that only one side changed is taken from that side. A part that both changed is a conflict.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import unified_diff
from typing import Any

import yaml

from curation.errors import ReleaseError

FRONT = re.compile(r"\A---\n(.*?\n)??---(?:\n|\Z)", re.DOTALL)
"""The front matter of a card; group 1 is its YAML."""
_HEADING = re.compile(r"^#{1,6} +(.*?) *#* *$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_TITLE = ("", 0)
_SHOWN = 20
"""Most lines of a difference that are shown for one part."""

Section = tuple[str, int]
"""Heading without its marks, and its number among equal headings. `("", 0)` is the part with the title."""


class CardConflict(ReleaseError):
    """Both sides changed the same parts of a card. `details` shows what was edited on the Hub."""

    def __init__(self, parts: Iterable[str], details: Iterable[str]) -> None:
        super().__init__(", ".join(parts))
        self.details = tuple(details)


def merge(base: str | None, theirs: str, ours: str) -> str:
    """The card `ours` with what was edited by hand in `theirs`; `ours` itself where nothing was.

    Without `base` (a repository that holds no release yet) the keys of `ours` count, and all other keys are kept.

    Raises:
        CardConflict: both sides changed the same part, or the front matter of `theirs` is not YAML.
    """
    theirs = theirs.replace("\r\n", "\n")
    if base is not None and theirs == base:
        return ours
    conflicts: dict[str, tuple[str, str]] = {}
    front = _merged_front(base, theirs, ours, conflicts)
    sections = _merged_sections(base, theirs, ours, conflicts)
    if conflicts:
        raise CardConflict(conflicts, _difference(conflicts))
    if front is None and sections == list(_sections(ours).values()):
        return ours
    head = FRONT.match(ours)
    dumped = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=100) if front is not None else ""
    top = f"---\n{dumped}---\n\n" if front is not None else f"{head.group()}\n" if head else ""
    return top + "\n\n".join(text.strip("\n") for text in sections if text.strip()) + "\n"


def front_matter(card: str) -> dict[str, Any] | None:
    """The front matter of a card; empty if there is none, None if it is not a YAML mapping."""
    match = FRONT.match(card.replace("\r\n", "\n"))
    try:
        front = yaml.safe_load(match.group(1) or "") if match else None
    except yaml.YAMLError:
        return None
    return {} if front is None else front if isinstance(front, dict) else None


def _merged_front(
    base: str | None, theirs: str, ours: str, conflicts: dict[str, tuple[str, str]]
) -> dict[str, Any] | None:
    """The merged front matter; None if it is that of `ours`."""
    edited, new, old = front_matter(theirs), front_matter(ours) or {}, front_matter(base or "") or {}
    if edited is None:
        conflicts["the front matter, which is not YAML"] = ("", "")
        return None
    merged = dict(new)
    for key in [*edited, *(key for key in old if key not in edited)]:
        before, there, now = old.get(key), edited.get(key), new.get(key)
        if there in (before, now) or (base is None and key in new):
            continue
        if now != before:
            conflicts[f"key {key}"] = (_dumped(before), _dumped(there))
        elif key in edited:
            merged[key] = there
        else:
            merged.pop(key, None)
    return None if merged == new else merged


def _merged_sections(base: str | None, theirs: str, ours: str, conflicts: dict[str, tuple[str, str]]) -> list[str]:
    """The texts of all sections in order. A section that is only in `theirs` stays behind its predecessor there."""
    edited, new, old = _sections(theirs), _sections(ours), _sections(base or "")
    merged = dict(new)
    previous: Section | None = None
    for key in [*edited, *(key for key in old if key not in edited)]:
        before, there, now = (_content(held.get(key)) for held in (old, edited, new))
        if there not in (before, now):
            if now != before:
                conflicts[f"section {key[0]!r}" if key[0] else "the part with the title"] = (before, there)
            elif key not in edited:
                merged.pop(key, None)
            elif key in new:
                merged[key] = edited[key]
            else:
                _insert(merged, key, edited[key], previous)
        if key in edited:
            previous = key
    return list(merged.values())


def _insert(sections: dict[Section, str], key: Section, text: str, previous: Section | None) -> None:
    """Insert a section behind `previous`, or at the end if that section is gone."""
    following = list(sections.items())
    place = next((number for number, (name, _) in enumerate(following, 1) if name == previous), len(following))
    sections.clear()
    sections.update([*following[:place], (key, text), *following[place:]])


def _sections(card: str) -> dict[Section, str]:
    """Heading → the heading and its text, in order. Everything before the second heading is the part with the title."""
    sections: dict[Section, list[str]] = {_TITLE: []}
    key, fence, titled = _TITLE, "", False
    for line in FRONT.sub("", card, count=1).split("\n"):
        if mark := _FENCE.match(line):
            fence = "" if fence == mark[1] else fence or mark[1]
        heading = None if fence else _HEADING.match(line)
        if heading and (titled or not line.startswith("# ")):
            number = sum(name == heading[1] for name, _ in sections)
            key = (heading[1], number)
            sections[key] = []
        titled = titled or heading is not None
        sections[key].append(line)
    return {name: "\n".join(lines) for name, lines in sections.items()}


def _content(section: str | None) -> str:
    """The text of a section without its heading's marks and white space around it; a title alone is no content."""
    text = (section or "").strip()
    return "" if text.startswith("# ") and "\n" not in text else text


def _dumped(value: Any) -> str:
    return "" if value is None else yaml.safe_dump(value, sort_keys=False, allow_unicode=True).removesuffix("...\n")


def _difference(conflicts: dict[str, tuple[str, str]]) -> Iterable[str]:
    for part, (before, there) in conflicts.items():
        yield f"{part}, as published (-) and as it is on the Hub (+):"
        lines = [*unified_diff(before.splitlines(), there.splitlines(), lineterm="", n=0)][2:]
        lines = [line for line in lines if not line.startswith("@@")]
        yield from (f"  {line}" for line in lines[:_SHOWN])
        if len(lines) > _SHOWN:
            yield f"  … {len(lines) - _SHOWN} more lines"
