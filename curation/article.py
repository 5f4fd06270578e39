"""An article: a text to annotate, known by its id and the SHA-256 of its text."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from curation.errors import BadInput

MAX_CHARACTERS = 2_000_000
"""Longest text we take, in code points (about 400 pages): far beyond any news article."""

Identifier = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
"""An id: no white space, no control characters, at most 200 characters."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Value(BaseModel):
    """Base of the toolkit's values: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


def normalise(text: str) -> str:
    """CRLF and lone CR become LF; nothing else is touched. Done once, on reading, before any offset exists."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def sha256(text: str) -> str:
    """Hex SHA-256 of the text's UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _usable(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty")
    if "\r" in text:
        raise ValueError("the text holds a carriage return: normalise it on reading")
    if "\x00" in text:
        raise ValueError("the text holds a NUL character: it looks binary")
    return _encodable(text)


def _encodable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("holds a lone surrogate, which UTF-8 cannot write") from error
    return text


Plain = Annotated[str, AfterValidator(_encodable)]
"""Any text that can be written to a file."""


_YEAR_OR_DATE = re.compile(r"([1-9]\d{3})(?:-?(\d\d)-?(\d\d)|-(\d\d))?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt _].*)?")
_RFC_2822 = re.compile(
    r"(?:[A-Za-z]{3},? )?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d(?::\d\d)? "
    r"(?:[+-]\d{4}|UTC?|GMT|Z|EST|EDT|CST|CDT|MST|MDT|PST|PDT)(?: \([\w ]*\))?"
)


def moment(value: Any) -> Any:
    """A date as people and programs write it, ready for pydantic, which reads any number as seconds since 1970.

    Read are: ISO 8601 dates and times, also with a trailing " UTC"; RFC 2822 ("Tue, 05 Mar 2024 10:00:00 +0100");
    YYYYMMDD, YYYY-MM and YYYY, as numbers or text. A year or month stands for its first day.

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
"""A point in time that is never guessed from a bare number."""


class Article(Value):
    """One revision of one article. A changed text is a new revision, with a hash of its own.

    `text` is normalised (LF line ends) and every offset in the toolkit counts its Unicode code points.
    `metadata` holds whatever else came with the article, as plain strings.
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
        """Hex SHA-256 of the UTF-8 text: with `id` it names this revision."""
        return sha256(self.text)

    def to_json(self) -> str:
        """One line of JSON, with `text_sha256` beside the fields."""
        dumped = self.model_dump_json(exclude_none=True)
        return f'{dumped[:-1]},"text_sha256":"{self.text_sha256}"}}'

    @classmethod
    def from_record(cls, record: dict[str, Any], *, path: Path, line: int | None = None) -> Article:
        """An article from one line of JSON; a `text_sha256` that is given must fit the text.

        Raises:
            BadInput: a field is missing or wrong; `path` and `line` say where.
        """
        record = dict(record)
        given = record.pop("text_sha256", None)
        article = build(cls, record, path=path, line=line)
        if given is not None and given != article.text_sha256:
            raise BadInput(
                "does not fit the text",
                path=path,
                line=line,
                field="text_sha256",
                way_out="the text was changed after it was hashed: take the unchanged file, "
                "or drop the hash to make this a new revision",
            )
        return article


V = TypeVar("V", bound=BaseModel)


def build(model: type[V], record: Any, *, path: str | Path | None = None, line: int | None = None) -> V:
    """`model` from untrusted `record`, with pydantic's first complaint as one line that names the field.

    Raises:
        BadInput: the record does not fit the model.
    """
    try:
        return model.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        what = first["msg"].removeprefix("Value error, ")
        more = error.error_count() - 1
        raise BadInput(
            what + (f" (and {more} more)" if more else ""),
            path=path,
            line=line,
            field=field,
            way_out="correct that field",
        ) from error
