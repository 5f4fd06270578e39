"""All errors that the toolkit raises on purpose. Each message is one line: what is wrong, then a hint.

CurationError
├── BadInput            a file, a line, a field that cannot be used
│   ├── SchemaError     a label schema file
│   ├── ProjectError    curation.toml, an option, an environment variable
│   └── WrongUsage      arguments that contradict each other; exit code 2 on the terminal
├── Busy                another run of the same job uses this folder
├── EngineError         an engine is missing or fails
├── WorkerError         a worker process or a cluster is missing or died
├── LabelStudioError    communication with Label Studio failed
│   ├── Unreachable     no answer
│   │   └── NotLabelStudio  an answer, but not one that Label Studio gives
│   ├── Unauthorized    the token is missing, wrong or disabled
│   ├── ProjectDiffers  the project there does not match the label schema
│   └── OutcomeUnknown  a request that may or may not have been executed
├── StudioError         the local Label Studio cannot be installed, started or stopped
└── ReleaseError        a release cannot be built, published or loaded
    ├── InvalidArticles   articles are not valid, and all or nothing was asked for
    └── NothingToRelease  no article may be in it
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

_SECRET_VARIABLES = (
    "LABEL_STUDIO_API_KEY",
    "CURATION_SERVER_API_KEY",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
_SHORTEST_SECRET = 8
"""A shorter value is not struck out: it would hit ordinary words."""
_secrets: set[str] = set()


class CurationError(Exception):
    """Base class. `str(error)` is one line that is safe to print: control characters escaped, secrets redacted.

    `details` are further lines, such as all findings where the message has the first; they are not yet safe to print.
    """

    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        return one_line(redact(super().__str__()))


class BadInput(CurationError):
    """Input that cannot be used. The message has file, line and field, as far as they are known, then the hint.

    Args:
        what: what is wrong, in a few words.
        path: the file.
        line: line number in the file, from 1.
        field: name of the field or column.
        way_out: hint: what to do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        field: str | None = None,
        way_out: str | None = None,
    ) -> None:
        self.what, self.path, self.line, self.field, self.way_out = what, path, line, field, way_out
        place = "" if path is None else str(path)
        if line is not None:
            place += f":{line}" if place else f"line {line}"
        parts = [part for part in (place, field, what) if part]
        super().__init__(": ".join(parts) + (f"; {way_out}" if way_out else ""))


class DoubtfulArticle(BadInput):
    """A warning about an article that is used all the same. `what` is the same line for all articles of one kind."""

    def __init__(self, article_id: str, what: str, hint: str) -> None:
        super().__init__(what, path=article_id, way_out=hint)
        self.article_id, self.hint = article_id, hint


class SchemaError(BadInput):
    """A label schema file that is not valid."""


class ProjectError(BadInput):
    """A setting that cannot be used, in curation.toml, an option or an environment variable."""


class WrongUsage(BadInput):
    """Arguments of a command or function that contradict each other, or do not have the form they must have."""


class Busy(CurationError):
    """Another run of the same job uses this work folder."""


class EngineError(CurationError):
    """An engine is not installed, unknown, or cannot annotate."""


class WorkerError(CurationError):
    """A worker process died, or a cluster cannot be reached or failed."""


class LabelStudioError(CurationError):
    """Communication with Label Studio failed."""


class Unreachable(LabelStudioError):
    """No answer from the address, or none that can be used."""


class NotLabelStudio(Unreachable):
    """An answer that Label Studio does not give: another server, a login page, a proxy, or a hostile answer."""


class Unauthorized(LabelStudioError):
    """The token is missing, wrong, expired or of a kind that the server has disabled."""


class ProjectDiffers(LabelStudioError):
    """The project in Label Studio does not match the label schema."""


class OutcomeUnknown(LabelStudioError):
    """A request with an unknown outcome: it may have been executed. Ask the server before sending it again."""


class StudioError(CurationError):
    """The local Label Studio could not be installed, started or stopped."""


class ReleaseError(CurationError):
    """A release that cannot be built, published, loaded or verified."""


class InvalidArticles(ReleaseError):
    """Articles that cannot be released, where all or nothing was asked for. `details` has a line for each finding."""


class NothingToRelease(ReleaseError):
    """A release without any article."""


def one_line(text: str, limit: int = 600) -> str:
    """`text` as one printable line of at most `limit` characters; untrusted text is safe to print."""
    line = " ".join(text.split())
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def visible(text: str) -> str:
    """`text` with control characters and characters that change the writing direction replaced by U+FFFD."""
    return _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", text)


_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")


def keep_secret(value: str) -> None:
    """From now on `redact` strikes out `value`: a key or password that did not come from the environment."""
    if len(value) >= _SHORTEST_SECRET:
        _secrets.add(value)


def redact(text: str) -> str:
    """`text` with every known secret struck out, also percent-encoded: for all that is printed, logged or written."""
    known = _secrets.union(os.environ.get(name, "").strip() for name in _SECRET_VARIABLES)
    for secret in sorted(known, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
    return text


def escaped(text: str, limit: int = 2000) -> str:
    """`text` from anywhere as one line for a terminal: indentation kept, controls escaped, secrets struck out."""
    indent = len(text) - len(text.lstrip(" "))
    return " " * indent + one_line(redact(text), limit)
