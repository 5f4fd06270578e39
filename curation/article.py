"""An article: a text to annotate, identified by its id and the SHA-256 of its text. And the base of all our models."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from curation.errors import BadInput

MAX_CHARACTERS = 2_000_000
"""Longest text accepted, in code points: about 400 pages, far more than any news article."""

Identifier = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
"""An id: at most 200 characters, no white space, no control characters."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Value(BaseModel):
    """Base of the toolkit's models: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


def added_field(default: Any, **constraints: Any) -> Any:
    """Declare an optional field that a file format got after its first version.

    Dumps leave the field out while it has its default. Hashes are made of dumps, so a new field changes neither the
    hash of an old schema nor the logical hash of an old release.
    """
    return Field(default, exclude_if=lambda value: value == default, **constraints)


def normalise(text: str) -> str:
    """Turn CRLF and lone CR into LF and change nothing else. Done once, on reading, before any offset exists."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def sha256(text: str) -> str:
    """Hex SHA-256 of the text's UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _usable(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty")
    if "\r" in text:
        raise ValueError("the text contains a carriage return: normalise it on reading")
    if "\x00" in text:
        raise ValueError("the text contains a NUL character: it looks binary")
    return _encodable(text)


def _encodable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("contains a lone surrogate, which UTF-8 cannot encode") from error
    return text


Plain = Annotated[str, AfterValidator(_encodable)]
"""Any text that UTF-8 can encode."""


_YEAR_OR_DATE = re.compile(r"([1-9]\d{3})(?:-?(\d\d)-?(\d\d)|-(\d\d))?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt _].*)?")
_RFC_2822 = re.compile(
    r"(?:[A-Za-z]{3},? )?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d(?::\d\d)? "
    r"(?:[+-]\d{4}|UTC?|GMT|Z|EST|EDT|CST|CDT|MST|MDT|PST|PDT)(?: \([\w ]*\))?"
)


def moment(value: Any) -> Any:
    """Read a date as people and programs write it. Pydantic alone would read any number as seconds since 1970.

    Accepted: ISO 8601 dates and times, also with a trailing " UTC"; RFC 2822 ("Tue, 05 Mar 2024 10:00:00 +0100");
    YYYYMMDD, YYYY-MM and YYYY, as numbers or text. A year or month means its first day.

    Raises:
        ValueError: anything else, numbers of seconds included.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    text = str(value) if type(value) is int and abs(value) < 10**8 else value
    if isinstance(text, str):
        text = " ".join(text.split())
        if match := _YEAR_OR_DATE.fullmatch(text):
            year, month, day, month_alone = match.groups()
            return datetime(int(year), int(month or month_alone or 1), int(day or 1))
        if _RFC_2822.fullmatch(text):
            return parsedate_to_datetime(re.sub(r"(?:Z|UTC?|GMT)$", "+0000", text))
        text, utc = re.subn(r"(?<=\d) ?(?:UTC|GMT)$", "", text)
        text = re.sub(r"(?<=\d) (?=[+-]\d\d:?\d\d$)", "", text)
        if utc and _ISO.fullmatch(text):
            at = datetime.fromisoformat(text)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        if _ISO.fullmatch(text):
            return text
    raise ValueError("is no date: write it as 2024-03-05 or 2024-03-05T10:00:00Z")


Moment = Annotated[datetime, BeforeValidator(moment)]
"""A point in time; a bare number of seconds is refused."""


class Article(Value):
    """One revision of one article. A changed text is a new revision with another hash.

    `text` is normalised (LF line ends); every offset in the toolkit counts its Unicode code points.
    `metadata` contains all other fields that came with the article, as strings.
    """

    id: Identifier
    text: Annotated[str, Field(max_length=MAX_CHARACTERS), AfterValidator(_usable)]
    title: Plain | None = None
    source: Plain | None = None
    published: Moment | None = None
    language: str | None = Field(default=None, max_length=35)
    licence: Plain | None = None
    metadata: dict[Plain, Plain] = Field(default_factory=dict)

    @cached_property
    def text_sha256(self) -> str:
        """Hex SHA-256 of the UTF-8 text. With `id` it identifies this revision."""
        return sha256(self.text)

    def to_json(self) -> str:
        """One line of JSON: the fields and `text_sha256`."""
        dumped = self.model_dump_json(exclude_none=True)
        return f'{dumped[:-1]},"text_sha256":"{self.text_sha256}"}}'

    @classmethod
    def from_record(cls, record: dict[str, Any], *, path: Path, line: int | None = None) -> Article:
        """An article from one line of JSON. If it has a `text_sha256`, that must match the text.

        Raises:
            BadInput: a field is missing or wrong; the message has `path` and `line`.
        """
        record = dict(record)
        given = record.pop("text_sha256", None)
        article = build(cls, record, path=path, line=line)
        if given is not None and given != article.text_sha256:
            raise BadInput(
                "does not match the text",
                path=path,
                line=line,
                field="text_sha256",
                way_out="the text was changed after it was hashed: use the unchanged file, "
                "or remove the hash to make this a new revision",
            )
        return article


V = TypeVar("V", bound=BaseModel)


def build(model: type[V], record: Any, *, path: str | Path | None = None, line: int | None = None) -> V:
    """Validate an untrusted `record` as `model`; the first error becomes one line that names the field.

    Raises:
        BadInput: the record is no valid `model`.
    """
    try:
        return model.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        near = _similar_names(model, first["loc"]) if first["type"] == "extra_forbidden" else []
        what = first["msg"].removeprefix("Value error, ")
        more = error.error_count() - 1
        raise BadInput(
            what + (f" (and {more} more)" if more else ""),
            path=path,
            line=line,
            field=field,
            way_out=f"did you mean {' or '.join(near)}?" if near else "correct that field",
        ) from error


def _similar_names(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Names of fields like the unknown one at `place` (pydantic's `loc`), those of the same object first."""
    schema = model.model_json_schema()
    objects: list[dict[str, Any]] = [schema, *schema.get("$defs", {}).values()]
    here = [schema]
    for part in place[:-1]:
        here = [found for one in here for found in _children(one, part, schema)]
    for known in (here, objects):
        names = [name for one in known for name in one.get("properties", {})]
        if near := get_close_matches(str(place[-1]), names, n=2):
            return near
    return []


def _children(schema: dict[str, Any], part: int | str, root: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects of a JSON schema that `part` of a place leads to, references followed."""
    found = schema.get("properties", {}).get(part, schema.get("items") or schema.get("additionalProperties"))
    waiting, objects = [found], []
    while waiting:
        one = waiting.pop()
        if not isinstance(one, dict):
            continue
        if "$ref" in one:
            waiting.append(root["$defs"][one["$ref"].rpartition("/")[2]])
        elif "anyOf" in one:
            waiting += one["anyOf"]
        else:
            objects.append(one)
    return objects
