"""Semantic versions of releases: what changed since the last one, and which number that calls for.

major   a type, role, attribute, value or column is gone or renamed, or a ClassLabel list changed but at its end
minor   articles came, went or have a new text; types, roles, attributes, values or columns came
patch   only annotations, metadata or definitions were corrected
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from curation.errors import ReleaseError
from curation.metrics.corrections import Change, What, changes
from curation.release.hashing import Row
from curation.release.manifest import MANIFEST, Bump, Changes, ItemChanges, Manifest
from curation.release.rows import Labels, annotation_of
from curation.schema import LabelSchema, parse_version

FIRST = "0.1.0"
_KIND: dict[What, str] = {"entity": "entities", "event": "events", "argument": "arguments"}
_RANK: dict[Bump, int] = {"first": 0, "none": 0, "patch": 1, "minor": 2, "major": 3}


class Reason(NamedTuple):
    """One difference and the least bump it calls for."""

    bump: Literal["patch", "minor", "major"]
    text: str


class Proposal(NamedTuple):
    """The version to take, the bump it is, the bump that was called for, and why."""

    version: str
    bump: Bump
    needed: Bump
    reasons: tuple[str, ...]


def latest_release(releases: Path) -> Path | None:
    """The folder of the highest version in a folder of releases, or None where there is none."""
    return max(published(releases).items(), default=(None, None))[1]


def published(releases: Path) -> dict[tuple[int, int, int], Path]:
    """Version → folder, of every whole release in a folder of releases."""
    found = {}
    for folder in releases.glob("v*.*.*"):
        try:
            version = parse_version(folder.name)
        except ValueError:
            continue
        if (folder / MANIFEST).is_file():
            found[version] = folder
    return found


def schema_reasons(before: LabelSchema, now: LabelSchema) -> list[Reason]:
    """What the label schema gained, lost or says differently."""
    reasons = []
    if before.name != now.name:
        reasons.append(Reason("major", f"the label schema is {now.name}, it was {before.name}"))
    for what, then, today in (
        ("entity type", before.entity_names, now.entity_names),
        ("event type", before.event_names, now.event_names),
        ("role", _roles(before), _roles(now)),
        ("attribute", _attributes(before), _attributes(now)),
        ("attribute value", _values(before), _values(now)),
    ):
        reasons += [Reason("major", f"{what} {name} is gone") for name in then if name not in today]
        reasons += [Reason("minor", f"{what} {name} is new") for name in today if name not in then]
    if not reasons and before != now:
        reasons.append(Reason("patch", f"the label schema's wording changed ({before.ref} → {now.ref})"))
    return reasons


def shape_reasons(
    labels_before: Labels, labels: Labels, columns_before: Mapping[str, str], columns: Mapping[str, str]
) -> list[Reason]:
    """What changed in the columns and in the integers behind the labels."""
    reasons = [Reason("major", f"the integers of {column} changed") for column in labels.moved(labels_before)]
    for column, kind in columns_before.items():
        if column not in columns:
            reasons.append(Reason("major", f"column {column} is gone"))
        elif columns[column] != kind:
            reasons.append(Reason("major", f"column {column} is now {columns[column]}, it was {kind}"))
    reasons += [Reason("minor", f"column {column} is new") for column in columns if column not in columns_before]
    return reasons


def article_reasons(changes: Changes, derived_only: int = 0) -> list[Reason]:
    """What changed among the articles. `derived_only`: articles of which only sentences or corrections changed."""
    counted: tuple[tuple[Literal["patch", "minor"], int, str], ...] = (
        ("minor", changes.added, "new"),
        ("minor", changes.left_out, "left out"),
        ("minor", changes.revised, "with a new text"),
        ("patch", changes.corrected, "corrected"),
        ("patch", derived_only, "with other sentences or corrections"),
    )
    return [Reason(bump, f"{_articles(count)} {what}") for bump, count, what in counted if count]


def propose(
    previous: Manifest | None,
    reasons: Collection[Reason],
    *,
    changed: bool,
    wanted: str | None = None,
    force: bool = False,
    taken: Collection[tuple[int, int, int]] = (),
) -> Proposal:
    """The version of a release: `wanted`, or else the least that the differences call for.

    Args:
        previous: the release before, None for the first.
        reasons: what differs.
        changed: whether the logical content differs at all.
        wanted: the version asked for.
        force: take `wanted` even where the differences call for more.
        taken: the versions that are already there.

    Raises:
        ReleaseError: `wanted` is no version, is there with other content, is below the previous, or is lower than
            called for without `force`.
    """
    if wanted is not None:
        try:
            wanted = ".".join(map(str, parse_version(wanted)))
        except ValueError as error:
            raise ReleaseError(f"{error}; give three numbers") from error
    if previous is None:
        return Proposal(wanted or FIRST, "first", "first", ())
    before = parse_version(previous.version)
    needed: Bump = (
        max((reason.bump for reason in reasons), key=_RANK.__getitem__, default="patch") if changed else "none"
    )
    least = _bumped(before, needed)
    texts = tuple(reason.text for reason in sorted(reasons, key=lambda reason: -_RANK[reason.bump]))
    if wanted is None:
        return Proposal(_text(least), needed, needed, texts)
    version = parse_version(wanted)
    bump = _bump(before, version)
    if version == before and changed:
        raise exists(wanted, needed, taken)
    why = next(iter(texts), "the content changed")
    if version < before:
        because = f", a {needed} release, because {why}" if changed and needed == "major" else ""
        raise ReleaseError(
            f"{wanted} is too low: the last release is {previous.version}, and the next one {_text(least)}{because}"
        )
    if _RANK[bump] < _RANK[needed] and not force:
        raise ReleaseError(
            f"{wanted} is a {bump} release, but {why}, which calls for a {needed} one; "
            f"take {_text(least)}, or force it if you must"
        )
    return Proposal(wanted, bump, needed, texts)


def exists(version: str, bump: Bump, taken: Collection[tuple[int, int, int]]) -> ReleaseError:
    """The error for a version that is there with other content; names the next free one, a `bump` away."""
    step: Bump = "patch" if bump in ("none", "first") else bump
    number = _bumped(parse_version(version), step)
    while number in taken:
        number = _bumped(number, step)
    return ReleaseError(f"version {version} is there already, with other content; the next free one is {_text(number)}")


class ChangeCount:
    """Counts what changed, article by article."""

    def __init__(self) -> None:
        self.added = self.left_out = self.revised = self.corrected = 0
        self._items: dict[str, dict[str, Counter[str]]] = {
            kind: defaultdict(Counter) for kind in ("entities", "events", "arguments")
        }

    def article(self, before: Row | None, now: Row | None) -> None:
        """Count one article by its rows in `documents`; `before` is None if it was added, `now` if it was left out."""
        if before is not None and now is not None and before["text_sha256"] == now["text_sha256"]:
            self.corrected += 1
            self._corrected(before, now)
            return
        self.added += before is None
        self.left_out += now is None
        self.revised += before is not None and now is not None
        for row, change in ((before, "removed"), (now, "added")):
            if row is not None:
                self._all(row, change)

    def changes(self) -> Changes:
        """What was counted, types and roles in the order of the alphabet."""
        items = {kind: {name: ItemChanges(**held[name]) for name in sorted(held)} for kind, held in self._items.items()}
        return Changes(
            added=self.added, left_out=self.left_out, revised=self.revised, corrected=self.corrected, **items
        )

    def _corrected(self, before: Row, now: Row) -> None:
        for change in changes(annotation_of(before), annotation_of(now), {}):
            if change.fate != "kept":
                label = (change.corrected or change.predicted).type
                self._items[_KIND[change.what]][label][_effect(change)] += 1

    def _all(self, row: Row, change: str) -> None:
        for kind in ("entities", "events"):
            for item in row[kind]:
                self._items[kind][item["type"]][change] += 1
        for event in row["events"]:
            for argument in event["arguments"]:
                self._items["arguments"][argument["role"]][change] += 1


def _effect(change: Change) -> Literal["added", "removed", "changed"]:
    """What became of an item that is not as it was."""
    return change.fate if change.fate in ("added", "removed") else "changed"


def _roles(schema: LabelSchema) -> list[str]:
    return [f"{label.name}.{role.name}" for label in schema.event_types for role in label.roles]


def _attributes(schema: LabelSchema) -> list[str]:
    return [f"{attribute.of}.{attribute.name}" for attribute in schema.attributes]


def _values(schema: LabelSchema) -> list[str]:
    return [f"{attribute.of}.{attribute.name}.{value}" for attribute in schema.attributes for value in attribute.names]


def _articles(count: int) -> str:
    return f"{count} article" + ("" if count == 1 else "s")


def _bumped(version: tuple[int, int, int], bump: Bump) -> tuple[int, int, int]:
    major, minor, patch = version
    if bump == "major":
        return major + 1, 0, 0
    if bump == "minor":
        return major, minor + 1, 0
    return (major, minor, patch + 1) if bump == "patch" else version


def _bump(before: tuple[int, int, int], now: tuple[int, int, int]) -> Bump:
    if now[0] != before[0]:
        return "major"
    if now[1] != before[1]:
        return "minor"
    return "patch" if now[2] != before[2] else "none"


def _text(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))
